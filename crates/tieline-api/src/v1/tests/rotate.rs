//! Secrets that are rotated, keys that are revoked, and what was opened with them.

use std::time::Duration;

use axum::body::Body;
use futures_util::{StreamExt as _, stream};
use tokio::time::Instant;

use super::*;

const STREAM: &str = "accept: text/event-stream";

async fn rotate(rig: &Rig, overlap: &str) -> String {
    let line = "POST /v1/connectors/ask/rotate-secret";
    let rotated = rig.admin(line, json!({"overlap": overlap})).await;
    assert_eq!(rotated.status, 200, "{}", rotated.body);
    rotated.json()["secret"].as_str().unwrap().to_owned()
}

/// A connector of the API, made with the secret of these tests.
async fn ask(rig: &Rig, agents: Value, settings: Value) {
    let wanted = json!({"name": "ask", "type": "webhook", "mode": "sync", "secret": SECRET,
        "agents": agents, "settings": settings});
    let made = rig.admin("POST /v1/connectors", wanted).await;
    assert_eq!(made.status, 201, "{}", made.body);
}

#[tokio::test(start_paused = true)]
async fn an_old_secret_is_good_until_the_overlap_is_over_and_not_a_moment_longer() {
    let rig = Rig::new().await;
    ask(&rig, json!(["echo"]), json!({})).await;
    let new = rotate(&rig, "2h").await;
    let status = |secret: String| {
        let rig = &rig;
        async move {
            rig.manage("POST /c/ask", &secret, json!(1))
                .await
                .status
                .as_u16()
        }
    };
    assert_eq!(
        [status(SECRET.to_owned()).await, status(new.clone()).await],
        [200, 200]
    );
    tokio::time::sleep(Duration::from_secs(7199)).await;
    assert_eq!(status(SECRET.to_owned()).await, 200);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(
        [status(SECRET.to_owned()).await, status(new.clone()).await],
        [401, 200]
    );
    // With no overlap, all others are over at once, and none is kept.
    let newest = rotate(&rig, "0s").await;
    assert_eq!([status(new).await, status(newest).await], [401, 200]);
    let catalog = rig.hub.store().catalog().await.unwrap();
    let row = catalog
        .connectors
        .iter()
        .find(|row| row.name.as_str() == "ask");
    assert_eq!(row.unwrap().secrets.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_has_no_secret_of_the_hub_or_belongs_to_a_file_is_not_rotated() {
    let rig = Rig::new().await;
    ask(&rig, json!(["echo"]), json!({"auth": "none"})).await;
    let line = "POST /v1/connectors/ask/rotate-secret";
    let open = rig.admin(line, Value::Null).await;
    assert_eq!(open.code(), (409, "conflict".to_owned()));
    for bad in [
        json!({"overlap": "31d"}),
        json!({"overlap": 1}),
        json!({"secrets": "x"}),
        json!({"secret": ""}),
        json!({"secret": " \t"}),
        json!({"secret": 1}),
    ] {
        let answer = rig.admin(line, bad.clone()).await;
        assert_eq!(answer.status, 400, "{bad}: {}", answer.body);
    }
    let file = json!({"name": "filed", "type": "webhook", "mode": "inbound", "agents": ["filed"]});
    let agents = json!([{"name": "filed", "runtime": "scripted", "does": "echo"}]);
    let applied = rig.admin(
        "POST /v1/apply",
        json!({"agents": agents, "connectors": [file]}),
    );
    assert_eq!(applied.await.status, 200);
    let line = "POST /v1/connectors/filed/rotate-secret";
    let managed = rig.admin(line, Value::Null).await;
    assert_eq!(managed.code(), (409, "managed-by-file".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_the_sender_issued_is_taken_as_a_configuration_takes_it_and_never_shown() {
    let rig = Rig::new().await;
    ask(&rig, json!(["echo"]), json!({})).await;
    let line = "POST /v1/connectors/ask/rotate-secret";
    for bad in ["canary-too-short", "canary with spaces, and long enough"] {
        let refused = rig.admin(line, json!({"secret": bad})).await;
        assert_eq!(
            refused.code(),
            (422, "invalid-settings".to_owned()),
            "{bad}"
        );
        assert_eq!(refused.json()["errors"][0]["path"], "secret");
        assert!(!refused.body.contains("canary"), "{}", refused.body);
    }
    let issued = "canary-that-the-sender-issued";
    let wanted = json!({"secret": issued, "overlap": "1h"});
    let rotated = rig.admin(line, wanted).await;
    assert_eq!(rotated.status, 200, "{}", rotated.body);
    assert!(rotated.json().get("secret").is_none(), "{}", rotated.body);
    let status = async |secret: &str| {
        let answer = rig.manage("POST /c/ask", secret, json!(1)).await;
        answer.status.as_u16()
    };
    assert_eq!([status(SECRET).await, status(issued).await], [200, 200]);
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!([status(SECRET).await, status(issued).await], [401, 200]);
    for line in ["GET /v1/connectors/ask", "GET /v1/audit"] {
        let shown = rig.admin(line, Value::Null).await;
        assert!(!shown.body.contains("canary"), "{}", shown.body);
    }
}

/// How long a stream lasts that is open when `end` is done to it after ten seconds.
async fn lasts(rig: &Rig, line: &str, key: &str, end: impl Future<Output = ()>) -> Duration {
    let begun = Instant::now();
    let bearer = format!("authorization: Bearer {key}");
    let open = async {
        let headers = [&*bearer, STREAM, "content-type: application/json"];
        let body = if line.starts_with("POST") { "1" } else { "" };
        let answer = rig.call(request(line, &headers, body)).await;
        assert_eq!(answer.status, 200, "{line}: {}", answer.body);
        assert!(
            answer.body.starts_with("id: 1\nevent: run\n"),
            "{line}: {}",
            answer.body
        );
        begun.elapsed()
    };
    let end = async {
        tokio::time::sleep(Duration::from_secs(10)).await;
        end.await;
    };
    tokio::join!(open, end).0
}

fn at_once(lasted: Duration) -> bool {
    (Duration::from_secs(10)..=Duration::from_secs(11)).contains(&lasted)
}

#[tokio::test(start_paused = true)]
async fn streams_end_within_a_second_with_the_secret_that_opened_them() {
    let rig = Rig::new().await;
    ask(&rig, json!(["hang"]), json!({"timeout": "5m"})).await;
    let first = rig.post("/c/ask", &["prefer: respond-async"], "1").await;
    let run = first.json()["run_ids"][0].as_str().unwrap().to_owned();
    let reader = format!("GET /c/ask/runs/{run}/stream");
    let to_none = async || drop(rotate(&rig, "0s").await);
    let sender = lasts(&rig, "POST /c/ask", SECRET, to_none()).await;
    assert!(at_once(sender), "{sender:?}");
    let second = rotate(&rig, "0s").await;
    let read = lasts(&rig, &reader, &second, to_none()).await;
    assert!(at_once(read), "{read:?}");
    // A rotation with an overlap ends it with the overlap.
    let third = rotate(&rig, "0s").await;
    let later = async || drop(rotate(&rig, "1m").await);
    let lasted = lasts(&rig, &reader, &third, later()).await;
    let expected = Duration::from_secs(70)..=Duration::from_secs(71);
    assert!(expected.contains(&lasted), "{lasted:?}");
}

#[tokio::test(start_paused = true)]
async fn streams_end_within_a_second_with_the_key_that_opened_them() {
    let rig = Rig::new().await;
    ask(&rig, json!(["hang"]), json!({"timeout": "5m"})).await;
    let make = async |name: &str, expires_in: Option<&str>| {
        let wanted = json!({"name": name, "scopes": ["admin"], "expires_in": expires_in});
        let made = rig.admin("POST /v1/keys", wanted).await;
        made.json()["key"].as_str().unwrap().to_owned()
    };
    let trigger = "POST /v1/connectors/ask/trigger";
    let key = make("one", None).await;
    let revoke = async |name: &str| {
        let line = format!("DELETE /v1/keys/{name}");
        assert_eq!(rig.admin(&line, Value::Null).await.status, 204);
    };
    let lasted = lasts(&rig, trigger, &key, revoke("one")).await;
    assert!(at_once(lasted), "{lasted:?}");
    let first = rig.post("/c/ask", &["prefer: respond-async"], "1").await;
    let run = first.json()["run_ids"][0].as_str().unwrap().to_owned();
    let reader = format!("GET /c/ask/runs/{run}/stream");
    let key = make("two", None).await;
    let lasted = lasts(&rig, &reader, &key, revoke("two")).await;
    assert!(at_once(lasted), "{lasted:?}");
    let key = make("three", Some("10s")).await;
    let lasted = lasts(&rig, &reader, &key, async {}).await;
    assert!(at_once(lasted), "{lasted:?}");
    // Whoever waits for a result without a stream gets none, either.
    let key = make("four", Some("10s")).await;
    let waited = format!("GET /c/ask/runs/{run}?wait=20s");
    let answer = rig.manage(&waited, &key, Value::Null).await;
    assert_eq!(answer.status, 401, "{}", answer.body);
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_a_signed_request_ends_when_a_secret_that_may_have_signed_it_does() {
    let rig = Rig::new().await;
    let settings = json!({"auth": "standard-webhooks", "timeout": "5m"});
    ask(&rig, json!(["hang"]), settings).await;
    let signed = |id: &str| {
        let key = tieline_signature::standard_webhooks::SigningKey::parse(SECRET).unwrap();
        let seconds = rig.hub.now().as_seconds();
        let signature = tieline_signature::standard_webhooks::sign(&key, id, seconds, b"1");
        [
            format!("webhook-id: {id}"),
            format!("webhook-timestamp: {seconds}"),
            format!("webhook-signature: {signature}"),
        ]
    };
    let begun = Instant::now();
    let open = async {
        let headers = signed("one");
        let mut all: Vec<&str> = headers.iter().map(String::as_str).collect();
        all.extend([STREAM, "content-type: application/json"]);
        let answer = rig.call(request("POST /c/ask", &all, "1")).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        begun.elapsed()
    };
    let end = async {
        tokio::time::sleep(Duration::from_secs(10)).await;
        rotate(&rig, "0s").await;
    };
    let lasted = tokio::join!(open, end).0;
    assert!(at_once(lasted), "{lasted:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stream_goes_on_while_what_opened_it_is_good() {
    let rig = Rig::new().await;
    ask(&rig, json!(["hang"]), json!({"timeout": "1m"})).await;
    // A change that has nothing to do with it.
    let other = json!({"name": "x", "scopes": ["read"]});
    let end = async { drop(rig.admin("POST /v1/keys", other).await) };
    let lasted = lasts(&rig, "POST /c/ask", SECRET, end).await;
    assert_eq!(lasted.as_secs(), 60);
}

/// A request whose body pauses for two seconds before its last byte.
fn slow(text: &'static str) -> http::Request<Body> {
    slow_to("POST /c/ask", SECRET, text)
}

fn slow_to(line: &str, bearer: &str, text: &'static str) -> http::Request<Body> {
    let (head, last) = text.split_at(text.len() - 1);
    let first = stream::iter([Ok::<_, std::io::Error>(head)]);
    let rest = stream::once(async move {
        tokio::time::sleep(Duration::from_secs(2)).await;
        Ok(last)
    });
    let bearer = format!("authorization: Bearer {bearer}");
    let headers = [&*bearer, "content-type: application/json"];
    request(line, &headers, Body::from_stream(first.chain(rest)))
}

#[tokio::test(start_paused = true)]
async fn what_is_taken_back_while_a_body_is_read_lets_nothing_in() {
    let rig = Rig::new().await;
    ask(&rig, json!(["echo"]), json!({})).await;
    let a_second = || tokio::time::sleep(Duration::from_secs(1));
    // Neither time nor a change of something else takes anything back.
    let other = async {
        a_second().await;
        let other = json!({"name": "other", "runtime": "scripted", "does": "echo"});
        let made = rig.admin("POST /v1/agents", other).await;
        assert_eq!(made.status, 201, "{}", made.body);
    };
    let (answer, ()) = tokio::join!(rig.call(slow("12")), other);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let rotated = async {
        a_second().await;
        rotate(&rig, "0s").await;
    };
    let (answer, ()) = tokio::join!(rig.call(slow("13")), rotated);
    assert_eq!(answer.status, 401, "{}", answer.body);
    let events = rig.admin("GET /v1/events", Value::Null).await.json();
    assert_eq!(events["data"].as_array().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_revoked_while_a_body_is_read_changes_nothing() {
    let rig = Rig::new().await;
    let wanted = json!({"name": "short", "scopes": ["admin"]});
    let made = rig.admin("POST /v1/keys", wanted).await.json();
    let key = made["key"].as_str().unwrap();
    let agent = |name: &'static str| {
        let text = format!(r#"{{"name": "{name}", "runtime": "scripted", "does": "echo"}}"#);
        slow_to("POST /v1/agents", key, text.leak())
    };
    assert_eq!(rig.call(agent("before")).await.status, 201);
    let revoked = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let gone = rig.admin("DELETE /v1/keys/short", Value::Null).await;
        assert_eq!(gone.status, 204, "{}", gone.body);
    };
    let (answer, ()) = tokio::join!(rig.call(agent("after")), revoked);
    assert_eq!(answer.status, 401, "{}", answer.body);
    let name = tieline_model::Name::new("after").unwrap();
    let catalog = rig.hub.catalog();
    assert!(catalog.agent(crate::rig::PROJECT, &name).is_none());
}
