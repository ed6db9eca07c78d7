use super::*;

#[tokio::test(start_paused = true)]
async fn a_result_is_answered_to_the_letter() {
    let rig = Rig::new().await;
    rig.connector("sync", "ask", json!(["echo"]), json!({}))
        .await;
    let answer = rig
        .post(
            "/c/ask",
            &[],
            r#"{"big": 12345678901234567890123,  "x":[]}"#,
        )
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.masked(),
        r#"{"status":"ok","result":{"run_id":"<1>","agent_name":"echo","status":"completed","output":{"big": 12345678901234567890123,  "x":[]},"error":null}}"#
    );
}

#[tokio::test(start_paused = true)]
async fn several_agents_answer_in_link_order_and_one_failure_is_a_424() {
    let rig = Rig::new().await;
    rig.connector("sync", "both", json!(["stream", "echo"]), json!({}))
        .await;
    rig.connector("sync", "bad", json!(["echo", "fail"]), json!({}))
        .await;
    rig.connector("sync", "mute", json!(["fail"]), json!({"errors": "code"}))
        .await;
    let answer = rig.post("/c/both", &[], "7").await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.masked(),
        r#"{"status":"ok","result":{"run_id":"<1>","agent_name":"stream","status":"completed","output":"ab","error":null},"results":[{"run_id":"<1>","agent_name":"stream","status":"completed","output":"ab","error":null},{"run_id":"<2>","agent_name":"echo","status":"completed","output":7,"error":null}]}"#
    );
    let answer = rig.post("/c/bad", &[], "7").await;
    assert_eq!(answer.status, 424);
    assert_eq!(
        answer.masked(),
        r#"{"status":"error","result":{"run_id":"<1>","agent_name":"echo","status":"completed","output":7,"error":null},"results":[{"run_id":"<1>","agent_name":"echo","status":"completed","output":7,"error":null},{"run_id":"<2>","agent_name":"fail","status":"failed","output":null,"error":{"code":"agent-failed","message":"it went wrong"}}]}"#
    );
    let answer = rig.post("/c/mute", &[], "7").await;
    assert_eq!(answer.status, 424);
    assert_eq!(
        answer.masked(),
        r#"{"status":"error","result":{"run_id":"<1>","agent_name":"fail","status":"failed","output":null,"error":{"code":"agent-failed"}}}"#
    );
}

#[tokio::test(start_paused = true)]
async fn when_the_wait_is_over_the_runs_go_on() {
    let rig = Rig::new().await;
    rig.connector(
        "sync",
        "ask",
        json!(["hang", "echo"]),
        json!({"timeout": "20s"}),
    )
    .await;
    let key = "idempotency-key: one";
    let begun = tokio::time::Instant::now();
    let answer = rig.post("/c/ask", &["prefer: wait=2", key], "7").await;
    assert_eq!(begun.elapsed().as_secs(), 2);
    assert_eq!(answer.status, 202);
    assert_eq!(answer.header("preference-applied"), "wait=2");
    assert_eq!(
        answer.masked(),
        r#"{"status":"pending","run_ids":["<1>","<2>"],"results":[{"run_id":"<2>","agent_name":"echo","status":"completed","output":7,"error":null}],"status_url":"/c/ask/events/<3>"}"#
    );
    assert_eq!(
        answer.header("location"),
        answer.json()["status_url"].as_str().unwrap()
    );
    // Nobody can ask for more than the connector gives.
    let begun = tokio::time::Instant::now();
    let again = rig.post("/c/ask", &["prefer: wait=60", key], "7").await;
    assert_eq!(begun.elapsed().as_secs(), 20);
    assert_eq!(again.header("preference-applied"), "");
    assert_eq!(again.json()["duplicate"], true);
    assert_eq!(again.json()["run_ids"], answer.json()["run_ids"]);
    // Attached to a run that is cancelled meanwhile.
    let hung: tieline_model::RunId = answer.json()["run_ids"][0]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    rig.hub.cancel_run(PROJECT, hung).await.unwrap();
    let ended = rig.post("/c/ask", &[key], "7").await;
    assert_eq!(ended.status, 424);
    assert_eq!(ended.json()["result"]["status"], "cancelled");
    assert_eq!(ended.json()["duplicate"], true);
    assert_eq!(rig.hub.metrics().sync_waiting.get(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_does_not_wait_is_answered_as_inbound() {
    let rig = Rig::new().await;
    rig.connector("sync", "ask", json!(["hang"]), json!({}))
        .await;
    let answer = rig.post("/c/ask", &["prefer: respond-async"], "7").await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.header("preference-applied"), "respond-async");
    assert_eq!(
        answer.masked(),
        r#"{"status":"ok","run_ids":["<1>"],"event_id":"<2>","dispatched_to":1,"duplicate":false,"status_url":"/c/ask/events/<2>"}"#
    );
}

#[tokio::test(start_paused = true)]
async fn at_the_end_of_a_shutdown_nobody_waits() {
    let rig = Rig::new().await;
    rig.connector("sync", "ask", json!(["hang"]), json!({}))
        .await;
    let begun = tokio::time::Instant::now();
    rig.api.end_waits();
    let answer = rig.post("/c/ask", &[], "7").await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.json()["status"], "pending");
    assert_eq!(begun, tokio::time::Instant::now());
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_refused() {
    let rig = Rig::new().await;
    rig.connector("sync", "ask", json!(["echo"]), json!({}))
        .await;
    let kind = &["content-type: application/cloudevents-batch+json"];
    let answer = rig.send("POST /c/ask", kind, "[]").await;
    assert_eq!(answer.code(), (415, "unsupported-media-type".to_owned()));
}
