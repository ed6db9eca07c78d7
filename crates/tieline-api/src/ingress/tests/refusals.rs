use std::time::Duration;

use tieline_model::{Name, Secret};
use tieline_signature::standard_webhooks as sw;

use super::*;

/// The request line, its headers, its body, and the status and code of the answer.
type Case<'a> = (&'a str, &'a [&'a str], &'a str, (u16, &'a str));

#[tokio::test(start_paused = true)]
async fn every_bad_request_has_its_own_answer() {
    let rig = Rig::new().await;
    let limits = json!({"max_body": "64B", "methods": ["POST", "PUT"]});
    rig.connector("inbound", "orders", json!(["echo"]), limits)
        .await;
    rig.connector(
        "outbound",
        "out",
        json!(["echo"]),
        json!({"url": "https://example.com"}),
    )
    .await;
    let deep = "[".repeat(32) + &"]".repeat(32);
    let long = " ".repeat(65);
    let json = "content-type: application/json";
    let cases: &[Case] = &[
        ("POST /c/nobody", &[json], "1", (404, "not-found")),
        ("POST /c/Not_A_Name", &[json], "1", (404, "not-found")),
        ("POST /c/%ff", &[json], "1", (404, "not-found")),
        ("POST /c/out", &[json], "1", (404, "not-found")),
        ("POST /c/orders/", &[json], "1", (404, "not-found")),
        ("GET /c/orders", &[], "", (405, "method-not-allowed")),
        ("HEAD /c/orders", &[], "", (405, "")),
        ("OPTIONS /c/orders", &[], "", (405, "method-not-allowed")),
        (
            "POST /c/orders",
            &[json, "content-encoding: gzip"],
            "1",
            (415, "unsupported-encoding"),
        ),
        ("POST /c/orders", &[json, json], "1", (400, "bad-request")),
        ("POST /c/orders", &[json], &long, (413, "payload-too-large")),
        ("POST /c/orders", &[json], "{", (400, "invalid-json")),
        ("POST /c/orders", &[json], "", (400, "invalid-json")),
        ("POST /c/orders", &[json], "{} {}", (400, "invalid-json")),
        ("POST /c/orders", &[json], &deep, (202, "")),
    ];
    for (line, headers, body, expected) in cases {
        let answer = rig.send(line, headers, body).await;
        let (status, code) = if line.starts_with("HEAD") {
            (answer.status.as_u16(), String::new())
        } else {
            answer.code()
        };
        assert_eq!(
            (status, code.as_str()),
            *expected,
            "{line} {headers:?} {body}: {}",
            answer.body
        );
        if status == 405 {
            assert_eq!(answer.header("allow"), "POST, PUT");
        }
        let leaves_it_out = answer.json_or_null()["status"].as_u64().is_none();
        assert!(
            leaves_it_out,
            "the status member is left out under /c/: {}",
            answer.body
        );
    }
    assert_eq!(events(&rig).await, 1);
    rig.hub
        .pause_connector(PROJECT, &Name::new("orders").unwrap(), true)
        .await
        .unwrap();
    let answer = rig.post("/c/orders", &[], "1").await;
    assert_eq!(answer.code(), (503, "connector-paused".to_owned()));
    assert!(!answer.header("retry-after").is_empty());
    rig.hub.stop_claiming();
    let answer = rig.post("/c/orders", &[], "1").await;
    assert_eq!(answer.status, 503);
}

#[tokio::test(start_paused = true)]
async fn json_that_is_too_deep_is_refused() {
    let rig = Rig::new().await;
    rig.connector("inbound", "orders", json!(["echo"]), json!({}))
        .await;
    for levels in [65, 100_000] {
        let answer = rig.post("/c/orders", &[], &"[".repeat(levels)).await;
        assert_eq!(answer.code(), (400, "too-deep".to_owned()));
    }
    assert_eq!(events(&rig).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_stranger_learns_nothing_and_leaves_nothing() {
    let rig = Rig::new().await;
    rig.connector("inbound", "orders", json!(["echo"]), json!({}))
        .await;
    let (body, count) = counted(16_384, 65_536);
    let first = rig.call(request("POST /c/orders", &[], body)).await;
    assert_eq!(first.code(), (401, "unauthorized".to_owned()));
    assert_eq!(first.header("www-authenticate"), "Bearer");
    assert_eq!(
        first.body,
        r#"{"type":"urn:tieline:problem:unauthorized","title":"The credentials are missing or wrong","code":"unauthorized","detail":"Send valid credentials with the request."}"#
    );
    assert_eq!(
        count.load(Ordering::Relaxed),
        0,
        "no body is read for a stranger"
    );
    let wrong = [
        "authorization: Bearer wrong",
        "authorization: Bearer",
        "authorization: Basic OndybmFn",
        "x-tieline-secret: wrong",
        "x-tieline-secret: ",
        "webhook-signature: v1,AAAA",
    ];
    for header in wrong {
        let answer = rig.call(request("POST /c/orders", &[header], "1")).await;
        same_refusal(&answer, &first);
    }
    let line = format!("POST /c/orders?secret={SECRET}");
    same_refusal(&rig.call(request(&line, &[], "1")).await, &first);
    assert_eq!(events(&rig).await, 0);
}

#[tokio::test(start_paused = true)]
async fn too_much_is_refused_before_it_is_read_or_while_it_is() {
    let rig = Rig::new().await;
    rig.connector(
        "inbound",
        "orders",
        json!(["echo"]),
        json!({"max_body": "128KiB"}),
    )
    .await;
    let bearer = format!("authorization: Bearer {SECRET}");
    let (body, count) = counted(16_384, 65_536);
    let answer = rig.call(request("POST /c/orders", &[&bearer], body)).await;
    assert_eq!(answer.code(), (413, "payload-too-large".to_owned()));
    assert_eq!(answer.header("connection"), "close");
    assert_eq!(count.load(Ordering::Relaxed), 3 * 65_536);
    // A declared length is enough, also for a stranger.
    let answer = rig
        .call(request("POST /c/orders", &[], "x".repeat(1 << 20)))
        .await;
    assert_eq!(answer.code(), (413, "payload-too-large".to_owned()));
    assert_eq!(events(&rig).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_signature_is_judged_over_the_body_as_it_streams_by() {
    let rig = Rig::new().await;
    let secret = tieline_vault::connector_secret(rig.hub.entropy());
    rig.connector("inbound", "orders", json!(["echo"]), json!({}))
        .await;
    let mut row = rig
        .hub
        .catalog()
        .connectors_of(PROJECT)
        .first()
        .unwrap()
        .row
        .clone();
    row.secrets = vec![secret.clone().into()];
    let change = tieline_store::CatalogChange {
        put_connectors: vec![row],
        ..tieline_store::CatalogChange::default()
    };
    rig.hub.apply(PROJECT, change).await.unwrap();
    let body = br#"{"n":1}"#;
    let headers = signed(&secret, rig.hub.now(), body);
    let headers: Vec<_> = headers.iter().map(String::as_str).collect();
    let pieces = || {
        let pieces = body
            .chunks(2)
            .map(|piece| Ok::<_, std::io::Error>(piece.to_vec()));
        Body::from_stream(stream::iter(pieces.collect::<Vec<_>>()))
    };
    let answer = rig
        .call(request("POST /c/orders", &headers, pieces()))
        .await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    let again = rig
        .call(request("POST /c/orders", &headers, pieces()))
        .await;
    assert_eq!(again.json()["duplicate"], true);
    let forged = rig
        .call(request("POST /c/orders", &headers, r#"{"n":2}"#))
        .await;
    assert_eq!(forged.code(), (401, "unauthorized".to_owned()));
    tokio::time::advance(Duration::from_hours(1)).await;
    let late = rig
        .call(request("POST /c/orders", &headers, pieces()))
        .await;
    same_refusal(&late, &forged);
    assert_eq!(events(&rig).await, 1);
}

fn signed(secret: &Secret, now: tieline_model::Timestamp, body: &[u8]) -> Vec<String> {
    let key = sw::SigningKey::parse(secret.expose()).unwrap();
    let seconds = now.as_seconds();
    let signature = sw::sign(&key, "msg_1", seconds, body);
    vec![
        "content-type: application/json".to_owned(),
        "webhook-id: msg_1".to_owned(),
        format!("webhook-timestamp: {seconds}"),
        format!("webhook-signature: {signature}"),
    ]
}
