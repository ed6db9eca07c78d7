use serde_json::json;
use tieline_model::key::Scope;

use crate::rig::{PROJECT, Rig, key_of, request};

async fn sent(rig: &Rig, path: &str) -> (String, String) {
    let answer = rig.post(path, &["prefer: wait=1"], r#"{"n":1}"#).await;
    let answer = answer.json();
    let event = answer["event_id"].as_str().unwrap().to_owned();
    (event, answer["run_ids"][0].as_str().unwrap().to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_run_is_the_whole_body_at_its_end_or_at_the_end_of_the_wait() {
    let rig = Rig::new().await;
    rig.connector("inbound", "orders", json!(["echo"]), json!({}))
        .await;
    rig.connector("inbound", "slow", json!(["hang"]), json!({}))
        .await;
    let (_, run) = sent(&rig, "/c/orders").await;
    let answer = rig
        .send(&format!("GET /c/orders/runs/{run}?wait=30s"), &[], "")
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(
        answer.masked(),
        r#"{"run_id":"<1>","agent_name":"echo","status":"completed","output":{"n":1},"error":null,"event_id":"<2>","attempt":1,"queued_at":"<time>","started_at":"<time>","ended_at":"<time>","usage":null}"#
    );
    let (_, run) = sent(&rig, "/c/slow").await;
    for (wait, seconds) in [("30s", 30), ("7", 7), ("2h", 300)] {
        let begun = tokio::time::Instant::now();
        let line = format!("GET /c/slow/runs/{run}?wait={wait}");
        let answer = rig.send(&line, &[], "").await;
        assert_eq!(begun.elapsed().as_secs(), seconds);
        assert_eq!(answer.json()["status"], "running");
        assert_eq!(answer.json()["ended_at"], json!(null));
    }
    let answer = rig
        .send(&format!("GET /c/slow/runs/{run}?wait=soon"), &[], "")
        .await;
    assert_eq!(answer.code(), (400, "bad-request".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_waits_says_for_what() {
    let rig = Rig::new().await;
    rig.connector("inbound", "later", json!(["defer"]), json!({}))
        .await;
    let (_, run) = sent(&rig, "/c/later").await;
    let line = format!("GET /c/later/runs/{run}?wait=1");
    let answer = rig.send(&line, &[], "").await;
    assert_eq!(
        answer.masked(),
        r#"{"run_id":"<1>","agent_name":"defer","status":"waiting","reason":"answer","waiting_since":"<time>","output":null,"error":null,"event_id":"<2>","attempt":1,"queued_at":"<time>","started_at":"<time>","ended_at":null,"usage":null}"#
    );
}

#[tokio::test(start_paused = true)]
async fn an_event_is_shown_with_its_runs() {
    let rig = Rig::new().await;
    rig.connector("inbound", "bad", json!(["fail"]), json!({"errors": "code"}))
        .await;
    let (event, run) = sent(&rig, "/c/bad").await;
    rig.send(&format!("GET /c/bad/runs/{run}?wait=9"), &[], "")
        .await;
    let answer = rig
        .send(&format!("GET /c/bad/events/{event}"), &[], "")
        .await;
    assert_eq!(
        answer.masked(),
        r#"{"event_id":"<1>","connector":"bad","received_at":"<time>","trust":"secret","status":"done","filtered":false,"runs":[{"run_id":"<2>","agent_name":"fail","status":"failed","output":null,"error":{"code":"agent-failed"},"event_id":"<1>","attempt":1,"queued_at":"<time>","started_at":"<time>","ended_at":"<time>","usage":null}]}"#
    );
}

#[tokio::test(start_paused = true)]
async fn only_those_who_may_read_do() {
    let rig = Rig::new().await;
    rig.connector("inbound", "own", json!(["echo"]), json!({}))
        .await;
    rig.connector("inbound", "key", json!(["echo"]), json!({"read": "key"}))
        .await;
    rig.connector("inbound", "off", json!(["echo"]), json!({"read": "off"}))
        .await;
    rig.connector("inbound", "open", json!(["echo"]), json!({"auth": "none"}))
        .await;
    let key = |scope| format!("authorization: Bearer {}", key_of(scope));
    let secret = format!("authorization: Bearer {}", crate::rig::SECRET);
    let (read, trigger) = (key(Scope::Read), key(Scope::Trigger));
    let cases = [
        ("own", [200, 200, 401, 401]),
        ("key", [401, 200, 401, 401]),
        ("off", [404, 404, 404, 404]),
        ("open", [200, 200, 200, 200]),
    ];
    for (connector, expected) in cases {
        let (event, run) = sent(&rig, &format!("/c/{connector}")).await;
        for below in [
            format!("events/{event}"),
            format!("runs/{run}"),
            format!("runs/{run}/stream"),
        ] {
            let line = format!("GET /c/{connector}/{below}");
            let mut got = Vec::new();
            for header in [&*secret, &*read, &*trigger, "accept: */*"] {
                got.push(
                    rig.call(request(&line, &[header], ""))
                        .await
                        .status
                        .as_u16(),
                );
            }
            assert_eq!(got, expected, "{line}");
        }
        // Another connector's is not there, nor is what never was.
        for line in [
            format!("GET /c/own/events/{event}"),
            format!("GET /c/own/runs/{run}"),
        ] {
            let status = rig.send(&line, &[], "").await.status;
            assert_eq!(status == 200, connector == "own", "{line}");
        }
    }
    for line in [
        "GET /c/own/runs/x",
        "GET /c/own/runs/01900000-0000-7000-8000-000000000000",
    ] {
        assert_eq!(
            rig.send(line, &[], "").await.code(),
            (404, "not-found".to_owned())
        );
    }
    let answer = rig.send("POST /c/own/runs/x", &[], "").await;
    assert_eq!(answer.code(), (405, "method-not-allowed".to_owned()));
    assert_eq!(answer.header("allow"), "GET,HEAD");
}

#[tokio::test(start_paused = true)]
async fn a_run_is_streamed_while_it_goes_on_and_after() {
    let rig = Rig::new().await;
    rig.connector("inbound", "later", json!(["defer"]), json!({}))
        .await;
    let (_, run) = sent(&rig, "/c/later").await;
    let line = format!("GET /c/later/runs/{run}/stream");
    let cancel = async {
        tokio::time::sleep(std::time::Duration::from_secs(20)).await;
        rig.hub
            .cancel_run(PROJECT, run.parse().unwrap())
            .await
            .unwrap();
    };
    let (answer, ()) = tokio::join!(rig.send(&line, &[], ""), cancel);
    assert!(answer.body.contains(": keep-alive\n\n"), "{}", answer.body);
    assert!(
        answer.body.contains("id: x\nevent: result\n"),
        "{}",
        answer.body
    );
    let after = rig.send(&line, &["last-event-id: 1"], "").await;
    assert!(
        after.body.starts_with("id: x\nevent: result\n"),
        "{}",
        after.body
    );
}
