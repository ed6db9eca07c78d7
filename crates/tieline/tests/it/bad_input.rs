//! Bad input: each kind has its own clear answer, and none of them leaves anything behind.

use std::net::TcpListener;

use serde_json::json;

use crate::http::{Answer, Request};
use crate::hub::{Place, Process, SECRET, wait};

fn hub() -> (Place, Process) {
    let place = Place::new(&format!(
        r#"
agents: [{{ name: echo, runtime: echo }}]
connectors:
  - name: orders
    type: webhook
    mode: inbound
    secret: {SECRET}
    agents: [echo]
    settings: {{ max_body: 1KiB, methods: [POST] }}
  - {{ name: ask, type: webhook, mode: sync, secret: "{SECRET}", agents: [echo] }}
  - name: results
    type: webhook
    mode: outbound
    agents: [echo]
    settings: {{ url: "https://example.com/hook", from: [ask] }}
"#
    ));
    let hub = place.start();
    (place, hub)
}

fn orders() -> Request {
    Request::post("/c/orders").bearer(SECRET)
}

/// Sends it, and sees that the hub is well and has stored nothing.
fn refused(request: &Request) -> Answer {
    let (_place, hub) = hub();
    let answer = hub.send(request);
    assert_eq!(hub.count("/v1/events"), 0);
    assert_eq!(hub.count("/v1/runs"), 0);
    assert_eq!(hub.send(&Request::get("/readyz")).status, 200);
    assert!(!hub.stderr().contains("panicked"), "{}", hub.stderr());
    answer
}

#[test]
fn malformed_json() {
    let answer = refused(&orders().body("application/json", "{\"total\": "));
    assert_eq!(answer.expect_problem(400), "invalid-json");
}

#[test]
fn wrong_content_type() {
    let batch = "application/cloudevents-batch+json";
    let request = Request::post("/c/ask").bearer(SECRET).body(batch, "[]");
    assert_eq!(
        refused(&request).expect_problem(415),
        "unsupported-media-type"
    );
    let form = orders().body("multipart/form-data", "no boundary");
    assert_eq!(refused(&form).expect_problem(400), "invalid-form");
    let packed = orders()
        .header("Content-Encoding", "zstd")
        .body("application/json", "{}");
    assert_eq!(refused(&packed).expect_problem(415), "unsupported-encoding");
}

#[test]
fn too_large() {
    let large = json!({ "text": "x".repeat(2000) });
    assert_eq!(
        refused(&orders().json(&large)).expect_problem(413),
        "payload-too-large"
    );
}

#[test]
fn too_deep() {
    let deep = ["[".repeat(65), "]".repeat(65)].concat();
    let answer = refused(&orders().body("application/json", deep));
    assert_eq!(answer.expect_problem(400), "too-deep");
}

#[test]
fn unknown_connector() {
    for path in ["/c/nothing", "/c/results", "/c/..", "/c/ORDERS"] {
        let answer = refused(&Request::post(path).bearer(SECRET).json(&json!({})));
        assert_eq!(answer.expect_problem(404), "not-found", "{path}");
    }
}

#[test]
fn wrong_method() {
    let answer = refused(&Request::new("DELETE", "/c/orders").bearer(SECRET));
    assert_eq!(answer.expect_problem(405), "method-not-allowed");
    assert_eq!(answer.header("allow"), Some("POST"));
}

#[test]
fn missing_and_wrong_secrets_are_told_apart_by_nobody() {
    let body = json!({ "total": 1 });
    let missing = refused(&Request::post("/c/orders").json(&body));
    let wrong = refused(
        &Request::post("/c/orders")
            .bearer(&SECRET.replace('M', "N"))
            .json(&body),
    );
    assert_eq!(missing.expect_problem(401), "unauthorized");
    assert_eq!(missing.header("www-authenticate"), Some("Bearer"));
    assert_eq!(missing.body, wrong.body);
    assert_eq!(wrong.status, 401);
}

#[test]
fn a_wrong_key_opens_nothing() {
    let (_place, hub) = hub();
    for request in [
        Request::get("/v1/runs"),
        Request::get("/v1/runs").bearer(SECRET),
    ] {
        assert_eq!(hub.send(&request).expect_problem(401), "unauthorized");
    }
    let (code, stdout, stderr) = hub.command(&["runs", "list", "--key", "tl_wrong"]);
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(
        stderr.starts_with("error: The credentials are missing or wrong: "),
        "{stderr}"
    );
}

#[test]
fn an_unreachable_agent_makes_its_run_wait_and_loses_nothing() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = taken.local_addr().unwrap();
    drop(taken);
    let place = Place::new(&format!(
        r#"
agents:
  - {{ name: away, runtime: http, url: "http://{nobody}/run" }}
connectors:
  - {{ name: ask, type: webhook, mode: sync, secret: "{SECRET}", agents: [away] }}
"#
    ));
    let hub = place.start();
    let request = Request::post("/c/ask")
        .bearer(SECRET)
        .header("Prefer", "wait=1");
    let answer = hub.send(&request.json(&json!({ "n": 1 })));
    let pending = answer.expect(202);
    assert_eq!(pending["status"], "pending");
    assert_eq!(answer.header("location"), pending["status_url"].as_str());
    let path = format!("/v1/runs/{}", pending["run_ids"][0].as_str().unwrap());
    let run = wait(|| Some(hub.get(&path)).filter(|run| run["status"] == "waiting"));
    assert_eq!(run["reason"], "outage", "{run}");
}
