use std::time::Duration;

use axum::body::Body;
use serde_json::json;
use tieline_contract::auth::Peer;
use tieline_vault::CallbackClaim;

use super::*;
use crate::limits::{FAILURES, JSON_DEPTH};
use crate::rig::{self, PROJECT, Rig, Setup, request};

fn said(body: &str) -> String {
    match report(body.as_bytes()) {
        Ok((Answer::Output(output), usage)) => format!("output {output:?} {usage:?}"),
        Ok((Answer::Error(error), _)) => format!("error {}: {}", error.code, error.message),
        Err(problem) => problem.code.as_str().to_owned(),
    }
}

#[test]
fn agents_report_outputs_and_errors_in_several_forms() {
    let deep = "[".repeat(JSON_DEPTH + 1);
    let cases = [
        (r#"{"output":{"a": 1}}"#, r#"output b"{\"a\": 1}" None"#),
        (r#"{"output":null}"#, r#"output b"null" None"#),
        (
            r#"{"output":1,"usage":{"n":2},"x":1}"#,
            r#"output b"1" Some(b"{\"n\":2}")"#,
        ),
        (r#"{"output":1,"error":null}"#, r#"output b"1" None"#),
        (r#"{"output":1,"error":"bad"}"#, "error agent-failed: bad"),
        (
            r#"{"error":{"code":"no","message":"bad"}}"#,
            "error no: bad",
        ),
        (r#"{"error":{"message":"bad"}}"#, "error agent-failed: bad"),
        (r#"{"error":[1]}"#, "error agent-failed: [1]"),
        (
            r#"{"error":{"code":"no\u001b[2J","message":"b\u001b[2Jad"}}"#,
            "error agent-failed: b[2Jad",
        ),
        ("{}", "bad-request"),
        ("[1]", "invalid-json"),
        ("", "invalid-json"),
        ("\u{1}", "invalid-json"),
        (&deep, "too-deep"),
    ];
    for (body, expected) in cases {
        assert_eq!(said(body), expected, "{body}");
    }
}

#[test]
fn an_error_is_cut_to_what_people_read() {
    for error in [
        format!(r#"{{"error":"{}"}}"#, "é".repeat(2000)),
        format!(r#"{{"error":[{}1]}}"#, "1,".repeat(2000)),
    ] {
        let Ok((Answer::Error(error), _)) = report(error.as_bytes()) else {
            panic!("it is an error");
        };
        assert_eq!(error.message.len(), 2048);
    }
}

/// A hub with a run whose agent has said that it will call back.
struct Later {
    rig: Rig,
    run: String,
    token: String,
}

impl Later {
    async fn new() -> Self {
        let rig = Rig::with(Setup {
            public_url: Some("https://hub.example.com".to_owned()),
            ..Setup::default()
        })
        .await;
        rig.connector("inbound", "later", json!(["defer"]), json!({}))
            .await;
        let answer = rig.post("/c/later", &[], "1").await.json();
        let run = answer["run_ids"][0].as_str().unwrap().to_owned();
        rig.send(&format!("GET /c/later/runs/{run}?wait=1"), &[], "")
            .await;
        let claim = CallbackClaim {
            project: PROJECT,
            run: run.parse().unwrap(),
            epoch: 1,
        };
        let token = rig.hub.tokens().for_callback(claim);
        Self { rig, run, token }
    }

    async fn call(&self, from: &str, token: &str, run: &str) -> rig::Answer {
        let line = format!("POST /callback/{run}");
        let bearer = format!("authorization: Bearer {token}");
        let body = Body::from(r#"{"output":1}"#);
        let mut request = request(&line, &[&bearer], body);
        let peer = Arc::new(Peer::new(from.parse().unwrap()));
        request.extensions_mut().insert(peer);
        self.rig.call(request).await
    }
}

/// T8: whichever runs they are for, guesses of one network are counted together.
#[tokio::test(start_paused = true)]
async fn guesses_of_tokens_are_throttled_by_network_and_the_right_one_passes() {
    let later = Later::new().await;
    let (guesser, other) = ("203.0.113.9", "203.0.113.8");
    let elsewhere = "01900000-0000-7000-8000-000000000000";
    for n in 0..FAILURES {
        let run = if n % 2 == 0 { &later.run } else { elsewhere };
        let answer = later.call(guesser, &format!("1.1.{n}"), run).await;
        assert_eq!(answer.code(), (401, "unauthorized".to_owned()), "{n}");
    }
    for run in [&*later.run, elsewhere] {
        let answer = later.call(guesser, &later.token.to_uppercase(), run).await;
        assert_eq!(answer.code(), (429, "too-many-failures".to_owned()));
        assert_eq!(answer.header("retry-after"), "60");
    }
    assert_eq!(later.rig.hub.metrics().failures_throttled.get(), 2);
    let neighbour = later.call(other, "1.1.x", &later.run).await;
    assert_eq!(neighbour.code(), (401, "unauthorized".to_owned()));
    // A guess does not count against the management API of the same network.
    let mut managing = request("GET /v1/runs", &["authorization: Bearer tl_x"], "");
    let peer = Arc::new(Peer::new(guesser.parse().unwrap()));
    managing.extensions_mut().insert(peer);
    assert_eq!(later.rig.call(managing).await.status, 401);
    let settled = later.call(guesser, &later.token, &later.run).await;
    assert_eq!(settled.status, 200, "{}", settled.body);
    tokio::time::advance(Duration::from_mins(1)).await;
    let forgotten = later.call(guesser, "1.1.x", &later.run).await;
    assert_eq!(forgotten.code(), (401, "unauthorized".to_owned()));
}
