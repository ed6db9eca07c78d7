use serde_json::json;

use super::{Event, Reading};
use crate::http::tests::{STREAM, Server, settle};
use crate::redact::Redactor;
use crate::tests::{Said, assignment, completed, failed, fault};

#[tokio::test]
async fn a_stream_says_chunks_and_then_its_output() {
    for (body, chunks, output) in [
        (
            "data: Hel\n\ndata: lo \n\ndata: 42\n\n",
            &["\"Hel\"", "\"lo \"", "42"][..],
            "\"Hello 42\"",
        ),
        (
            "data: \"a\"\n\ndata: {\"b\": 1}\n\n",
            &["\"a\"", "{\"b\": 1}"],
            "[\"a\",{\"b\": 1}]",
        ),
        (
            "data: a\n\nevent: result\ndata: {\"output\": [1],\"usage\":{}}\n\ndata: b\n\n",
            &["\"a\""],
            "[1]",
        ),
        (
            "event: output\ndata: plain\ndata: words\n\n",
            &[],
            "\"plain\\nwords\"",
        ),
        (
            "data: a\n\ndata: [DONE]\n\ndata: b\n\n",
            &["\"a\""],
            "\"a\"",
        ),
        (": nothing\n\n", &[], "null"),
        ("data: a", &["\"a\""], "\"a\""),
    ] {
        let server = Server::answering("200 OK", STREAM, body).await;
        let (result, said) = server.run(&json!({}), &assignment("1")).await;
        let (out, _) = completed(result);
        assert_eq!(out, output, "{body}");
        assert_eq!(said.0, chunks, "{body}");
    }
    let body = "data: a\n\nevent: error\ndata: {\"code\":\"x\",\"message\":\"y\"}\n\n";
    let error = failed(settle("200 OK", STREAM, body).await);
    assert_eq!((error.code.as_str(), error.message.as_str()), ("x", "y"));
    let bad = fault(settle("200 OK", STREAM, b"data: \xff\n\n").await);
    assert_eq!(bad.error.code, "bad-output");
}

#[tokio::test]
async fn a_result_ends_a_stream_that_stays_open() {
    let body = format!("HTTP/1.1 200 OK\r\n{STREAM}\r\nevent: result\ndata: {{\"output\":1}}\n\n");
    let server = Server::new(body, true).await;
    assert_eq!(
        completed(server.run(&json!({}), &assignment("1")).await.0).0,
        "1"
    );
}

#[test]
fn a_chunk_that_nests_too_deeply_ends_the_stream() {
    let assignment = assignment("1");
    let secrets = Redactor::new(std::iter::empty(), &assignment);
    let mut said = Said::default();
    let mut reading = Reading::new(&mut said, &secrets);
    let data = "[".repeat(100_000).into_bytes();
    let event = Event {
        name: "message".to_owned(),
        data,
    };
    assert!(reading.take(&event).is_err());
}
