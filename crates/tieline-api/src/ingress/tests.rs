use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use serde_json::json;
use tieline_model::page::PageRequest;
use tieline_store::EventFilter;

use crate::rig::{Answer, PROJECT, Rig, SECRET, Setup, request};

mod refusals;
mod streams;
mod sync;

async fn events(rig: &Rig) -> usize {
    let store = rig.hub.store();
    let page = PageRequest::first(250);
    let page = store
        .events(PROJECT, EventFilter::default(), page)
        .await
        .unwrap();
    page.rows.len()
}

#[tokio::test(start_paused = true)]
async fn an_inbound_event_is_answered_to_the_letter() {
    let rig = Rig::new().await;
    rig.connector("inbound", "orders", json!(["echo", "fail"]), json!({}))
        .await;
    let answer = rig.post("/c/orders", &[], r#"{"n":1}"#).await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(
        answer.masked(),
        r#"{"status":"ok","run_ids":["<1>","<2>"],"event_id":"<3>","dispatched_to":2,"duplicate":false,"status_url":"/c/orders/events/<3>"}"#
    );
    let event = answer.json()["event_id"].as_str().unwrap().to_owned();
    assert_eq!(
        answer.header("location"),
        format!("/c/orders/events/{event}")
    );
}

#[tokio::test(start_paused = true)]
async fn a_repeat_has_the_same_ids_and_another_body_is_refused() {
    let rig = Rig::new().await;
    rig.connector("inbound", "orders", json!(["echo"]), json!({}))
        .await;
    let key = &["idempotency-key: one"];
    let first = rig.post("/c/orders", key, "1").await;
    let again = rig.post("/c/orders", key, "1").await;
    assert_eq!(again.status, 202);
    assert_eq!(
        again.body,
        first
            .body
            .replace("\"duplicate\":false", "\"duplicate\":true")
    );
    let other = rig.post("/c/orders", key, "2").await;
    assert_eq!(other.code(), (422, "idempotency-conflict".to_owned()));
    assert_eq!(events(&rig).await, 1);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_no_link_takes_says_so() {
    let rig = Rig::new().await;
    let never = json!([{"agent": "echo", "when": "input.n > 1"}]);
    rig.connector("inbound", "orders", never.clone(), json!({}))
        .await;
    rig.connector("sync", "ask", never, json!({})).await;
    let answer = rig.post("/c/orders", &[], r#"{"n":1}"#).await;
    assert_eq!(
        answer.masked(),
        r#"{"status":"ok","run_ids":[],"event_id":"<1>","dispatched_to":0,"duplicate":false,"status_url":"/c/orders/events/<1>","filtered":true}"#
    );
    let answer = rig.post("/c/ask", &[], r#"{"n":1}"#).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.body,
        r#"{"status":"ok","result":null,"results":[],"filtered":true}"#
    );
}

#[tokio::test(start_paused = true)]
async fn a_batch_has_an_answer_for_each_event() {
    let rig = Rig::new().await;
    rig.connector("inbound", "orders", json!(["echo"]), json!({}))
        .await;
    let event = |id: &str| json!({"specversion": "1.0", "id": id, "source": "/s", "type": "t"});
    let batch = json!([event("a"), event("b")]).to_string();
    let kind = &["content-type: application/cloudevents-batch+json"];
    let first = rig.send("POST /c/orders", kind, &batch).await;
    assert_eq!(first.status, 202);
    assert_eq!(
        first.masked(),
        r#"{"status":"ok","run_ids":["<1>","<2>"],"dispatched_to":2,"duplicate":false,"events":[{"event_id":"<3>","run_ids":["<1>"],"duplicate":false,"status_url":"/c/orders/events/<3>"},{"event_id":"<4>","run_ids":["<2>"],"duplicate":false,"status_url":"/c/orders/events/<4>"}]}"#
    );
    let again = rig.send("POST /c/orders", kind, &batch).await;
    assert_eq!(
        again.body,
        first
            .body
            .replace("\"duplicate\":false", "\"duplicate\":true")
    );
}

#[tokio::test(start_paused = true)]
async fn addresses_come_from_the_settings_and_never_from_the_host() {
    let setup = Setup {
        public_url: Some("https://hub.example.com".to_owned()),
        ..Setup::default()
    };
    let rig = Rig::with(setup).await;
    rig.connector("inbound", "orders", json!(["echo"]), json!({}))
        .await;
    let headers = &["host: evil.example", "x-forwarded-host: evil.example"];
    let answer = rig.post("/c/orders", headers, "1").await;
    let event = answer.json()["event_id"].as_str().unwrap().to_owned();
    let url = format!("https://hub.example.com/c/orders/events/{event}");
    assert_eq!(answer.json()["status_url"], url);
    assert!(!answer.body.contains("evil"));
    // The same address below the project's own.
    let answer = rig.post("/p/default/c/orders", &[], "1").await;
    assert_eq!(answer.status, 202);
    assert_eq!(rig.post("/p/other/c/orders", &[], "1").await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn the_secret_is_never_stored() {
    let rig = Rig::new().await;
    let settings = json!({"secret_in_query": true});
    rig.connector("inbound", "orders", json!(["echo"]), settings)
        .await;
    let line = format!("GET /c/orders?a=1&secret={SECRET}&b=2");
    let answer = rig.call(request(&line, &[], "ignored")).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    let header = format!("x-tieline-secret: {SECRET}");
    let answer = rig.post("/c/orders", &[&header], "1").await;
    assert_eq!(answer.status, 202);
    let store = rig.hub.store();
    let page = PageRequest::first(250);
    let page = store
        .events(PROJECT, EventFilter::default(), page)
        .await
        .unwrap();
    assert_eq!(page.rows.len(), 2);
    for event in &page.rows {
        assert!(!format!("{event:?}").contains(SECRET));
    }
    let get = page.rows.last().unwrap();
    assert_eq!(get.input, Bytes::from_static(br#"{"a":"1","b":"2"}"#));
}

/// A body that counts how much of it was asked for.
fn counted(pieces: usize, size: usize) -> (Body, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&count);
    let pieces = stream::iter((0..pieces).map(move |_| {
        counting.fetch_add(size, Ordering::Relaxed);
        Ok::<_, std::convert::Infallible>(Bytes::from(vec![b' '; size]))
    }));
    (Body::from_stream(pieces), count)
}

fn same_refusal(one: &Answer, two: &Answer) {
    assert_eq!((one.status, &one.body), (two.status, &two.body));
    assert_eq!(one.headers, two.headers);
}
