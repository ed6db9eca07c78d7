mod encoded;
mod hostile;
mod rebinding;

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::{Client, Limits, Request, Response};
use crate::{
    EgressError, Phase, Policy, Target,
    connect::Way,
    resolve::Resolver,
    testing::{Answer, Server, start_http2},
    tls::Tls,
};

const LOCAL: Policy = Policy::Agents { public_only: false };

fn limits() -> Limits {
    Limits {
        connect: Duration::from_secs(2),
        idle: Duration::from_millis(200),
        total: Duration::from_secs(5),
        head_bytes: 8 * 1024,
        body_bytes: 1024 * 1024,
    }
}

fn outside(allow: &[&str]) -> Policy {
    Policy::Outside {
        allow: allow.iter().map(|net| net.parse().unwrap()).collect(),
    }
}

fn request(url: &str) -> Request {
    Request {
        method: Method::POST,
        target: Target::parse(url).unwrap(),
        headers: HeaderMap::new(),
        body: Bytes::from_static(b"{}"),
        timeout: Duration::from_secs(5),
    }
}

async fn get(policy: Policy, url: &str) -> Result<Response, EgressError> {
    Client::new(policy, limits()).send(request(url)).await
}

fn trusting(roots: rustls::RootCertStore) -> Client {
    let way = Way {
        policy: LOCAL,
        resolver: Resolver::System,
        tls: Tls::trusting(roots),
    };
    Client::by(way, limits())
}

fn text(body: &'static str) -> Answer {
    Answer::Whole(format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    ))
}

#[tokio::test]
async fn requests_are_answered_over_one_connection() {
    let server = Server::start(vec![text("one"), text("two")]).await;
    let client = Client::new(LOCAL, limits());
    for want in ["one", "two"] {
        let response = client.send(request(&server.url())).await.unwrap();
        assert_eq!(response.status, StatusCode::OK);
        assert_eq!(response.body.collect(3).await.unwrap(), want);
    }
    assert_eq!((server.connections(), server.requests().len()), (1, 2));
}

#[tokio::test]
async fn times_without_end_are_no_danger() {
    let server = Server::start(vec![text("ok")]).await;
    let endless = Limits {
        connect: Duration::MAX,
        idle: Duration::MAX,
        total: Duration::MAX,
        ..limits()
    };
    let sent = Request {
        timeout: Duration::MAX,
        ..request(&server.url())
    };
    let mut body = Client::new(LOCAL, endless).send(sent).await.unwrap().body;
    assert_eq!(body.chunk().await.unwrap().unwrap(), "ok");
    assert_eq!(body.chunk().await.unwrap(), None);
}

#[tokio::test]
async fn the_framing_belongs_to_the_client() {
    let server = Server::start(vec![text("ok")]).await;
    let mut sent = request(&server.url());
    for name in [
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "upgrade",
    ] {
        sent.headers.insert(name, HeaderValue::from_static("77"));
    }
    sent.headers.insert("x-run", HeaderValue::from_static("r1"));
    Client::new(LOCAL, limits()).send(sent).await.unwrap();
    let seen = server.requests().concat();
    assert!(
        seen.contains("x-run: r1\r\n") && seen.contains("content-length: 2\r\n"),
        "{seen}"
    );
    assert!(
        seen.contains(&format!("host: {}\r\n", server.address)),
        "{seen}"
    );
    assert!(!seen.contains("77\r\n"), "{seen}");
}

#[tokio::test]
async fn redirects_are_answers_and_nobody_goes_there() {
    let elsewhere = Server::start(vec![]).await;
    let inside = elsewhere.url();
    for status in [300, 301, 302, 303, 305, 307, 308] {
        for location in [inside.as_str(), "https://example.com/", "/again", "//x/"] {
            let head =
                format!("HTTP/1.1 {status} X\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
            let server = Server::start(vec![Answer::Whole(head)]).await;
            let mut sent = request(&server.url());
            let token = HeaderValue::from_static("Bearer canary");
            sent.headers.insert("authorization", token);
            let response = Client::new(LOCAL, limits()).send(sent).await.unwrap();
            assert_eq!(response.status, status);
            assert_eq!(response.headers["location"], location);
            assert_eq!((server.connections(), server.requests().len()), (1, 1));
        }
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn endless_bodies_are_cut() {
    let server = Server::start(vec![Answer::Endless; 3]).await;
    let body = get(LOCAL, &server.url()).await.unwrap().body;
    let (bytes, truncated) = body.read_capped(1000).await.unwrap();
    assert_eq!((bytes.len(), truncated), (1000, true));

    let body = get(LOCAL, &server.url()).await.unwrap().body;
    let error = body.collect(100_000).await.unwrap_err();
    assert!(matches!(error, EgressError::TooLarge { limit: 100_000 }));

    let mut body = get(LOCAL, &server.url()).await.unwrap().body;
    let mut read = 0;
    let error = loop {
        match body.chunk().await {
            Ok(piece) => read += piece.unwrap().len(),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, EgressError::TooLarge { limit: 1_048_576 }) && read <= 1_048_576);
}

#[tokio::test]
async fn a_declared_length_over_the_limit_is_refused_unread() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 5000000000\r\n\r\n".to_owned();
    let server = Server::start(vec![Answer::Whole(head)]).await;
    let body = get(LOCAL, &server.url()).await.unwrap().body;
    let error = body.collect(10).await.unwrap_err();
    assert!(matches!(error, EgressError::TooLarge { limit: 10 }));
}

#[tokio::test]
async fn bodies_of_several_pieces_are_put_together_and_cut_exactly() {
    let chunked =
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    let server = Server::start(vec![Answer::Whole(chunked.to_owned()); 7]).await;
    for (limit, want, cut) in [
        (0, "", true),
        (2, "ab", true),
        (3, "abc", true),
        (4, "abcd", true),
        (5, "abcde", false),
        (9, "abcde", false),
    ] {
        let body = get(LOCAL, &server.url()).await.unwrap().body;
        let (bytes, truncated) = body.read_capped(limit).await.unwrap();
        assert_eq!(
            (bytes, truncated),
            (Bytes::from_static(want.as_bytes()), cut)
        );
    }
    let body = get(LOCAL, &server.url()).await.unwrap().body;
    assert_eq!(body.collect(5).await.unwrap(), "abcde");
}

#[tokio::test]
async fn drips_and_silence_run_out_of_time() {
    let answers = vec![
        Answer::Drip,
        Answer::Stall,
        Answer::Silence,
        Answer::Provisional,
    ];
    let server = Server::start(answers).await;
    let client = Client::new(LOCAL, limits());
    let hurried = || Request {
        timeout: Duration::from_millis(400),
        ..request(&server.url())
    };

    // A byte comes before the idle time is over, again and again; the request's time ends it.
    let body = client.send(hurried()).await.unwrap().body;
    let error = body.collect(1000).await.unwrap_err();
    assert!(matches!(error, EgressError::Timeout { phase: Phase::Body }));

    let mut body = client.send(request(&server.url())).await.unwrap().body;
    assert_eq!(body.chunk().await.unwrap().unwrap(), "x");
    let error = body.chunk().await.unwrap_err();
    assert!(matches!(error, EgressError::Timeout { phase: Phase::Body }));

    for _ in ["silence", "provisional answers"] {
        let error = client.send(hurried()).await.unwrap_err();
        assert!(
            matches!(
                error,
                EgressError::Timeout {
                    phase: Phase::Response
                }
            ),
            "{error:?}"
        );
        assert!(!error.never_connected());
    }
}

#[tokio::test]
async fn broken_answers_are_told_from_refused_connections() {
    let huge = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "x".repeat(20_000));
    let short = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc".to_owned();
    let answers = vec![
        Answer::Close(String::new()),
        Answer::Whole("nonsense\r\n\r\n".to_owned()),
        Answer::Whole(huge),
        Answer::Close(short),
    ];
    let server = Server::start(answers).await;
    for _ in 0..2 {
        let error = get(LOCAL, &server.url()).await.unwrap_err();
        assert!(matches!(error, EgressError::Broken { .. }), "{error:?}");
        assert!(!error.never_connected());
    }
    let error = get(LOCAL, &server.url()).await.unwrap_err();
    assert!(
        matches!(error, EgressError::TooLarge { limit: 8192 }),
        "{error:?}"
    );
    let body = get(LOCAL, &server.url()).await.unwrap().body;
    assert!(matches!(
        body.collect(100).await,
        Err(EgressError::Broken { .. })
    ));

    let url = server.url();
    server.stop().await;
    let error = get(LOCAL, &url).await.unwrap_err();
    assert!(
        matches!(error, EgressError::Connect { .. }) && error.never_connected(),
        "{error:?}"
    );
    let error = get(LOCAL, "http://no-such-host.invalid/")
        .await
        .unwrap_err();
    assert!(
        matches!(error, EgressError::Resolve { .. }) && error.never_connected(),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_connection_that_went_stale_is_replaced() {
    let ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_owned();
    let server = Server::start(vec![Answer::Close(ok.clone()), Answer::Close(ok)]).await;
    let client = Client::new(LOCAL, limits());
    for count in 1..=2 {
        let response = client.send(request(&server.url())).await.unwrap();
        assert_eq!(response.body.collect(2).await.unwrap(), "ok");
        server.closed(count).await;
    }
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn allowed_private_places_are_reached_over_plain_http() {
    let server = Server::start(vec![text("ok"), text("ok")]).await;
    let allowed = outside(&["127.0.0.0/8"]);
    let by_name = format!("http://localhost:{}/", server.address.port());
    for url in [server.url(), by_name] {
        let body = get(allowed.clone(), &url).await.unwrap().body;
        assert_eq!(body.collect(2).await.unwrap(), "ok");
    }
}

#[tokio::test]
async fn certificates_are_verified() {
    let (server, roots) = Server::start_tls(vec![text("ok")]).await;
    let url = format!("https://localhost:{}/", server.address.port());
    let client = trusting(roots);
    let body = client.send(request(&url)).await.unwrap().body;
    assert_eq!(body.collect(2).await.unwrap(), "ok");

    // The certificate is for localhost only.
    let other_name = format!("https://127.0.0.1:{}/", server.address.port());
    let error = client.send(request(&other_name)).await.unwrap_err();
    assert!(
        matches!(error, EgressError::Tls { .. }) && error.never_connected(),
        "{error:?}"
    );
    let doubting = trusting(rustls::RootCertStore::empty());
    let error = doubting.send(request(&url)).await.unwrap_err();
    assert!(matches!(error, EgressError::Tls { .. }), "{error:?}");
}

#[tokio::test]
async fn a_certificate_that_has_expired_is_refused_before_anything_is_sent() {
    let (server, roots) = Server::start_tls_of_2020(vec![text("ok")]).await;
    let url = format!("https://localhost:{}/", server.address.port());
    let error = trusting(roots).send(request(&url)).await.unwrap_err();
    assert!(
        matches!(error, EgressError::Tls { .. }) && error.never_connected(),
        "{error:?}"
    );
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn http2_is_spoken_where_it_is_offered() {
    let (address, roots, _serving) = start_http2().await;
    let client = trusting(roots);
    let url = format!("https://localhost:{}/", address.port());
    // The server takes one connection: the second request has to share it.
    for _ in 0..2 {
        let body = client.send(request(&url)).await.unwrap().body;
        assert_eq!(body.collect(2).await.unwrap(), "{}");
    }
}
