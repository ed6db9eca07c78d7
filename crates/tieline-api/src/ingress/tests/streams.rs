use super::*;

const STREAM: &str = "accept: text/event-stream";

#[tokio::test(start_paused = true)]
async fn a_stream_says_what_the_agent_says_and_then_the_result() {
    let rig = Rig::new().await;
    rig.connector("sync", "ask", json!(["stream"]), json!({}))
        .await;
    let key = "idempotency-key: one";
    let answer = rig.post("/c/ask", &[STREAM, key], "7").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "text/event-stream");
    let whole = answer.masked();
    let status = if whole.contains(r#""queued""#) {
        "queued"
    } else {
        "completed"
    };
    let events = [
        format!("id: 1\nevent: run\ndata: {{\"run_id\":\"<1>\",\"agent_name\":\"stream\",\"status\":\"{status}\",\"event_id\":\"<2>\"}}\n\n"),
        "id: 2\nevent: chunk\ndata: {\"run_id\":\"<1>\",\"chunk\":\"a\"}\n\n".to_owned(),
        "id: 3\nevent: chunk\ndata: {\"run_id\":\"<1>\",\"chunk\":{\ndata: \"n\":2}}\n\n".to_owned(),
        "id: x\nevent: result\ndata: {\"run_id\":\"<1>\",\"agent_name\":\"stream\",\"status\":\"completed\",\"output\":\"ab\",\"error\":null}\n\n".to_owned(),
    ];
    assert_eq!(whole, events.concat());
    // Who comes back gets what is left.
    let again = rig
        .post("/c/ask", &[STREAM, key, "last-event-id: 3"], "7")
        .await;
    assert_eq!(again.masked(), events[3].replace("<2>", "<1>"));
    let nothing = rig
        .post("/c/ask", &[STREAM, key, "last-event-id: x"], "7")
        .await;
    assert_eq!(nothing.body, "");
    let anew = rig
        .post("/c/ask", &[STREAM, key, "last-event-id: 1.2"], "7")
        .await;
    assert!(anew.body.starts_with("id: 1\nevent: run\n"));
}

#[tokio::test(start_paused = true)]
async fn a_silent_stream_says_that_it_is_there_until_the_wait_is_over() {
    let rig = Rig::new().await;
    rig.connector(
        "sync",
        "ask",
        json!(["echo", "hang"]),
        json!({"timeout": "40s"}),
    )
    .await;
    let begun = tokio::time::Instant::now();
    let answer = rig.post("/c/ask", &[STREAM], "7").await;
    assert_eq!(begun.elapsed().as_secs(), 40);
    assert_eq!(answer.body.matches(": keep-alive\n\n").count(), 2);
    assert_eq!(answer.body.matches("event: run\n").count(), 2);
    assert_eq!(answer.body.matches("event: result\n").count(), 1);
    assert!(answer.body.contains("id: x.1\nevent: result\n"));
    assert_eq!(rig.hub.metrics().sync_waiting.get(), 0);
}

#[test]
fn a_stream_is_only_for_those_who_name_it() {
    let wants = |accept: &str| {
        let headers = [(http::header::ACCEPT, accept.parse().unwrap())];
        super::super::stream::wants_stream(&headers.into_iter().collect())
    };
    for yes in ["text/event-stream", "text/html, Text/Event-Stream;q=0.5"] {
        assert!(wants(yes), "{yes}");
    }
    for no in ["*/*", "text/*", "text/event-stream;q=0", "application/json"] {
        assert!(!wants(no), "{no}");
    }
}
