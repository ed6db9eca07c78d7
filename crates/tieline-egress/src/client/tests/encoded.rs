//! Answers that are compressed: never asked for, never unpacked.

use super::*;

/// A head that says `encoding`, with a body of 20 bytes.
fn encoded(headers: &str, body: &str) -> Answer {
    Answer::Whole(format!(
        "HTTP/1.1 200 OK\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    ))
}

#[tokio::test]
async fn an_encoded_answer_is_a_fault_however_it_is_read() {
    for headers in [
        "content-encoding: gzip\r\n",
        "Content-Encoding: GZIP\r\n",
        "content-encoding: x-gzip\r\n",
        "content-encoding: deflate\r\n",
        "content-encoding: br\r\n",
        "content-encoding: zstd\r\n",
        "content-encoding: nonsense\r\n",
        "content-encoding: gzip, gzip, gzip\r\n",
        "content-encoding: identity, gzip\r\n",
        "content-encoding: identity\r\ncontent-encoding: gzip\r\n",
    ] {
        let server = Server::start(vec![encoded(headers, "a body, maybe packed"); 3]).await;
        let client = Client::new(LOCAL, limits());
        let mut errors = Vec::new();
        // The head stands: its status may be all that anyone wants.
        let response = client.send(request(&server.url())).await.unwrap();
        assert_eq!(response.status, StatusCode::OK);
        errors.push(response.body.collect(100).await.unwrap_err());
        let response = client.send(request(&server.url())).await.unwrap();
        errors.push(response.body.read_capped(1).await.unwrap_err());
        let mut response = client.send(request(&server.url())).await.unwrap();
        errors.push(response.body.chunk().await.unwrap_err());
        for error in errors {
            assert!(matches!(error, EgressError::Encoded), "{headers}{error:?}");
            assert!(!error.never_connected());
        }
    }
}

#[tokio::test]
async fn what_is_encoded_as_itself_or_is_empty_is_read() {
    for (headers, body) in [
        ("content-encoding: identity\r\n", "plain"),
        ("content-encoding: \r\n", "plain"),
        ("content-encoding: gzip\r\n", ""),
    ] {
        let server = Server::start(vec![encoded(headers, body)]).await;
        let response = get(LOCAL, &server.url()).await.unwrap();
        assert_eq!(response.body.collect(5).await.unwrap(), body, "{headers}");
    }
}

#[tokio::test]
async fn plain_answers_are_asked_for_whatever_the_caller_wants() {
    let server = Server::start(vec![text("ok")]).await;
    let mut sent = request(&server.url());
    let wish = HeaderValue::from_static("gzip, br, zstd");
    sent.headers.insert("accept-encoding", wish);
    Client::new(LOCAL, limits()).send(sent).await.unwrap();
    let seen = server.requests().concat();
    assert!(seen.contains("accept-encoding: identity\r\n"), "{seen}");
    assert!(!seen.contains("gzip"), "{seen}");
}
