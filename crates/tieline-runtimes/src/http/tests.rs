//! Against a server that says, byte by byte, what a test wants it to.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tieline_contract::{Assignment, Callback, Fault, Outcome, Verdict};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::tests::{Said, assignment, completed, failed, fault, open};

const SECRET: &str = "canary-0123456789";
const WHSEC: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// Answers every request with the same bytes, and remembers the last one.
pub(super) struct Server {
    url: String,
    seen: Arc<Mutex<String>>,
    _task: JoinSet<()>,
}

impl Server {
    /// `hold` keeps the connection open after the answer.
    pub(super) async fn new(answer: impl Into<Vec<u8>>, hold: bool) -> Self {
        let answer = answer.into();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/run", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(String::new()));
        let remembered = Arc::clone(&seen);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut held = Vec::new();
            while let Ok((mut tcp, _)) = listener.accept().await {
                *remembered.lock().unwrap() = request(&mut tcp).await;
                // The client may hang up in the middle of an answer that it does not want.
                tcp.write_all(&answer).await.ok();
                if hold {
                    held.push(tcp);
                }
            }
        });
        Self {
            url,
            seen,
            _task: task,
        }
    }

    pub(super) async fn answering(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n",
            body.len()
        );
        Self::new([head.as_bytes(), body].concat(), false).await
    }

    fn seen(&self) -> String {
        self.seen.lock().unwrap().clone()
    }

    pub(super) async fn run(
        &self,
        more: &Value,
        assignment: &Assignment,
    ) -> (Result<Outcome, Fault>, Said) {
        let mut settings = json!({"url": self.url});
        for (name, value) in more.as_object().into_iter().flatten() {
            settings[name] = value.clone();
        }
        let agent = open("http", settings);
        let mut said = Said::default();
        let result = agent.run(assignment, &mut said).await;
        (result, said)
    }
}

/// Reads one request to its end.
async fn request(tcp: &mut TcpStream) -> String {
    let mut all = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let length = tcp.read(&mut piece).await.unwrap();
        all.extend_from_slice(&piece[..length]);
        let text = String::from_utf8_lossy(&all).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let stated = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .unwrap();
            if body.len() >= stated.parse().unwrap() || length == 0 {
                return text;
            }
        }
    }
}

/// What becomes of one answer.
pub(super) async fn settle(
    status: &str,
    headers: &str,
    body: impl AsRef<[u8]>,
) -> Result<Outcome, Fault> {
    let server = Server::answering(status, headers, body).await;
    server.run(&json!({}), &assignment("1")).await.0
}

const JSON: &str = "content-type: application/json\r\n";
pub(super) const STREAM: &str = "content-type: text/event-stream\r\n";

#[tokio::test]
async fn the_run_object_is_sent_with_its_headers() {
    let server = Server::answering("200 OK", JSON, "{}").await;
    let more = json!({"headers": {"Authorization": "Bearer abc", "user-agent": "mine"}});
    let assignment = assignment("{\"total\":120}");
    completed(server.run(&more, &assignment).await.0);
    let seen = server.seen();
    let (head, body) = seen.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /run HTTP/1.1\r\n"), "{head}");
    assert_eq!(
        body,
        String::from_utf8_lossy(&assignment.document().unwrap())
    );
    for line in [
        "content-type: application/json",
        "accept: application/json, text/event-stream, text/plain",
        "authorization: Bearer abc",
        "user-agent: mine",
        &format!("idempotency-key: {}", assignment.run_id),
        &format!("traceparent: {}", assignment.traceparent),
    ] {
        assert!(head.lines().any(|one| one == line), "{line} in {head}");
    }
    assert!(!head.contains("webhook-"), "{head}");
}

#[tokio::test]
async fn a_secret_signs_the_request() {
    use tieline_signature::standard_webhooks::{Headers, SigningKey, verify};
    let server = Server::answering("200 OK", JSON, "{}").await;
    let assignment = assignment("\"x\"");
    completed(server.run(&json!({"secret": WHSEC}), &assignment).await.0);
    let seen = server.seen();
    let (head, body) = seen.split_once("\r\n\r\n").unwrap();
    let header = |name: &str| {
        let value = head.lines().find_map(|line| line.strip_prefix(name));
        value.unwrap().strip_prefix(": ").unwrap()
    };
    assert!(head.contains("user-agent: Tieline/"), "{head}");
    let headers = Headers {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
    };
    assert_eq!(headers.id, assignment.run_id.to_string());
    let window = tieline_signature::Window {
        now_s: assignment.now.as_seconds(),
        tolerance_s: 0,
    };
    let keys = [SigningKey::parse(WHSEC).unwrap()];
    verify(&keys, headers, body.as_bytes(), window).unwrap();
}

#[tokio::test]
async fn json_is_the_output_or_holds_it() {
    let deep = "[".repeat(64) + &"]".repeat(64);
    let deep_answer = format!("{{\"output\":{deep}}}");
    let others = r#"{"error":"none", "a":1}"#;
    for (body, output) in [
        (r#"{"output": { "a" : 1.50 }, "x": 1}"#, "{ \"a\" : 1.50 }"),
        (r#"{"output":null,"error":null}"#, "null"),
        (" {\"a\": 1, \"usage\": 2}\n", r#"{"a": 1, "usage": 2}"#),
        (others, others),
        ("[1, 2]", "[1, 2]"),
        ("\u{feff}1e9999", "1e9999"),
        ("", "null"),
        (" \n", "null"),
        (&deep_answer, &deep),
    ] {
        let (out, usage) = completed(settle("200 OK", JSON, body).await);
        assert_eq!(out, output, "{body}");
        assert_eq!(usage, None, "{body}");
    }
    for (body, reported) in [
        (r#"{"output":1,"usage":{"n": 1}}"#, Some("{\"n\": 1}")),
        (r#"{"output":1,"usage":null}"#, None),
    ] {
        let (_, usage) = completed(settle("201 Created", JSON, body).await);
        assert_eq!(usage.as_deref(), reported.map(str::as_bytes), "{body}");
    }
}

#[tokio::test]
async fn the_content_type_says_how_an_answer_is_read() {
    let typed = |name: &str| format!("content-type: {name}\r\n");
    for (headers, body, output) in [
        (typed("application/ld+json; a=b"), "[]", "[]"),
        (typed("text/plain; charset=utf-8"), "{}\n", r#""{}\n""#),
        (typed("Text/HTML"), "<p>", r#""<p>""#),
        (typed("image/png"), "", "null"),
        (String::new(), "{\"output\":[]}", "[]"),
        (String::new(), "plain words", r#""plain words""#),
    ] {
        let (out, _) = completed(settle("200 OK", &headers, body).await);
        assert_eq!(out, output, "{headers}");
    }
    assert_eq!(completed(settle("204 No Content", "", "").await).0, "null");
}

#[tokio::test]
async fn an_error_of_the_agent_ends_the_run_as_failed() {
    for (body, code, message) in [
        (
            r#"{"output":null,"error":{"code":"no-data","message":"none"}}"#,
            "no-data",
            "none",
        ),
        (
            r#"{"output":1,"error":"boom","more":1}"#,
            "agent-error",
            "boom",
        ),
        (r#"{"error":{"message":"boom"}}"#, "agent-error", "boom"),
        (
            r#"{"error":{"code":42,"message":"m"},"usage":{}}"#,
            "agent-error",
            "m",
        ),
        (
            r#"{"error":{"code":"a b\n","message":"m"}}"#,
            "agent-error",
            "m",
        ),
        (r#"{"output":0,"error":[1]}"#, "agent-error", "[1]"),
        (
            r#"{"output":0,"error":""}"#,
            "agent-error",
            "the agent reported an error without a message",
        ),
    ] {
        let error = failed(settle("200 OK", JSON, body).await);
        assert_eq!(
            (error.code.as_str(), error.message.as_str()),
            (code, message),
            "{body}"
        );
    }
}

#[tokio::test]
async fn answers_that_cannot_be_used_are_refused_for_good() {
    let too_deep = "[".repeat(65) + &"]".repeat(65);
    let too_deep_within = format!("{{\"output\":{too_deep}}}");
    let too_deep_beside = format!("{{\"output\":1,\"usage\":{too_deep}}}");
    let bomb = "{\"a\":".repeat(500_000);
    for (headers, body, why) in [
        (JSON, "{\"output\":".as_bytes(), "EOF"),
        (JSON, b"nonsense", "claims to be JSON"),
        (JSON, b"{} {}", "claims to be JSON"),
        (JSON, b"\"\xff\"", "claims to be JSON"),
        (
            JSON,
            br#"{"output":1,"output":2}"#,
            "duplicate field `output`",
        ),
        (JSON, too_deep.as_bytes(), "64 levels"),
        (JSON, too_deep_within.as_bytes(), "64 levels"),
        (JSON, too_deep_beside.as_bytes(), "64 levels"),
        (JSON, bomb.as_bytes(), "64 levels"),
        ("", b"\xff\xfe", "claims to be text"),
        (
            "content-type: text/plain; charset=latin1\r\n",
            b"caf\xe9",
            "not UTF-8",
        ),
        ("content-type: image/png\r\n", b"x", "image/png"),
        (
            "content-type: application/octet-stream\r\n",
            b"{}",
            "octet-stream",
        ),
        (
            "content-type: application/json\r\ncontent-encoding: gzip\r\n",
            b"x",
            "compressed",
        ),
        (
            "content-type: text/event-stream\r\ncontent-encoding: br\r\n",
            b"data: x\n\n",
            "compressed",
        ),
        (
            "content-type: text/plain\r\ncontent-encoding: identity\r\ncontent-encoding: zstd\r\n",
            b"x",
            "compressed",
        ),
    ] {
        let fault = fault(settle("200 OK", headers, body).await);
        assert_eq!(
            (fault.verdict, fault.error.code.as_str()),
            (Verdict::Never, "bad-output")
        );
        assert!(fault.error.message.contains(why), "{}", fault.error.message);
        assert_eq!(fault.status, Some(200));
    }
}

#[tokio::test]
async fn each_status_has_its_verdict() {
    let hour = Duration::from_hours(1);
    let seconds = |n| Some(Duration::from_secs(n));
    for (status, headers, verdict, code) in [
        (
            "429 Too Many Requests",
            "retry-after: 7\r\n",
            Verdict::NotStarted(seconds(7)),
            "agent-busy",
        ),
        (
            "503 Service Unavailable",
            "",
            Verdict::NotStarted(None),
            "agent-busy",
        ),
        (
            "503 Service Unavailable",
            "retry-after: 99999\r\n",
            Verdict::NotStarted(Some(hour)),
            "agent-busy",
        ),
        (
            "500 Internal Server Error",
            "retry-after: 7\r\n",
            Verdict::Later,
            "agent-failed",
        ),
        ("502 Bad Gateway", "", Verdict::Later, "agent-failed"),
        ("400 Bad Request", "", Verdict::Never, "agent-refused"),
        ("408 Request Timeout", "", Verdict::Never, "agent-refused"),
        ("410 Gone", "", Verdict::Never, "agent-refused"),
        (
            "302 Found",
            "location: http://127.0.0.1:1/\r\n",
            Verdict::Never,
            "agent-refused",
        ),
        ("304 Not Modified", "", Verdict::Never, "agent-refused"),
        ("202 Accepted", "", Verdict::Never, "no-callback"),
    ] {
        let fault = fault(settle(status, headers, "").await);
        assert_eq!(
            (fault.verdict, fault.error.code.as_str()),
            (verdict, code),
            "{status}"
        );
        assert_eq!(fault.status, status.split(' ').next().unwrap().parse().ok());
    }
    let moved = fault(settle("301 Moved Permanently", "location: /run/\r\n", "").await);
    assert!(
        moved.error.message.ends_with("it names `/run/`"),
        "{}",
        moved.error.message
    );
    let accepted = fault(settle("202 Accepted", "", "").await);
    assert!(accepted.error.message.contains("`public_url`"));
}

#[tokio::test]
async fn with_a_callback_202_defers_the_run() {
    let server = Server::answering("202 Accepted", "", "").await;
    let mut assignment = assignment("1");
    let (url, token) = ("http://hub/cb".to_owned(), "settle-token".to_owned());
    assignment.callback = Some(Callback { url, token });
    let (result, _) = server.run(&json!({}), &assignment).await;
    assert!(matches!(result, Ok(Outcome::Deferred)), "{result:?}");
    assert!(
        server
            .seen()
            .contains(r#""callback":{"url":"http://hub/cb","token":"settle-token"}"#)
    );
}

#[tokio::test]
async fn refusals_are_journaled_without_secrets() {
    let body = format!("no entry for {SECRET} {}", "x".repeat(10_000));
    let server = Server::answering("403 Forbidden", "", &body).await;
    let more = json!({"headers": {"authorization": format!("Bearer {SECRET}")}, "secret": WHSEC});
    let fault = fault(server.run(&more, &assignment("1")).await.0);
    assert!(!format!("{fault:?}").contains("canary"), "{fault:?}");
    let response = fault.response.unwrap();
    assert!(response.starts_with("no entry for *** xxx"), "{response}");
    assert!(response.len() <= 2048);

    let said = format!(r#"{{"error":"I was told {SECRET}"}}"#);
    let server = Server::answering("200 OK", JSON, said).await;
    let error = failed(server.run(&more, &assignment("1")).await.0);
    assert_eq!(error.message, "I was told ***");
}

#[tokio::test]
async fn an_agent_that_cannot_be_reached_did_not_start() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = listener.local_addr().unwrap();
    drop(listener);
    for place in [closed.to_string(), "no-such-host.invalid:80".to_owned()] {
        let agent = open(
            "http",
            json!({"url": format!("http://{place}/run?key={SECRET}")}),
        );
        let fault = fault(agent.run(&assignment("1"), &mut Said::default()).await);
        assert_eq!(fault.verdict, Verdict::NotStarted(None));
        assert_eq!(fault.error.code, "agent-unreachable");
        let message = fault.error.message;
        assert!(
            message.contains(&place) && !message.contains(SECRET),
            "{message}"
        );
    }
}

#[tokio::test]
async fn forbidden_places_are_refused_for_good() {
    let agent = open("http", json!({"url": "http://169.254.169.254/run"}));
    let fault = fault(agent.run(&assignment("1"), &mut Said::default()).await);
    assert_eq!(
        (fault.verdict, fault.error.code.as_str()),
        (Verdict::Never, "egress-forbidden")
    );
}

#[tokio::test]
async fn broken_and_late_answers_are_tried_again() {
    let cut =
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\ncontent-type: application/json\r\n\r\n{\"out";
    let cut_stream = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\
        content-type: text/event-stream\r\n\r\n9\r\ndata: a\n\n\r\n";
    let broken = (Verdict::Crashed, "connection-broken");
    let late = (Verdict::Later, "timeout");
    for (answer, hold, expected) in [
        ("", false, broken),
        (cut, false, broken),
        (cut_stream, false, broken),
        ("", true, late),
        (cut, true, late),
        (cut_stream, true, late),
    ] {
        let server = Server::new(answer, hold).await;
        let mut assignment = assignment("1");
        assignment.timeout = Duration::from_millis(if hold { 200 } else { 20_000 });
        let fault = fault(server.run(&json!({}), &assignment).await.0);
        assert_eq!(
            (fault.verdict, fault.error.code.as_str()),
            expected,
            "{answer}"
        );
    }
}

#[tokio::test]
async fn answers_are_bounded() {
    let large = format!("\"{}\"", "x".repeat(2000));
    let chunked = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n{JSON}\r\n7d2\r\n{large}\r\n0\r\n\r\n"
    );
    let endless = format!(
        "HTTP/1.1 200 OK\r\n{STREAM}\r\n{}",
        "data: abc\n\n".repeat(200)
    );
    let stated = format!("HTTP/1.1 200 OK\r\ncontent-length: 2002\r\n{JSON}\r\n{large}");
    for answer in [chunked, endless, stated] {
        let server = Server::new(answer.clone(), false).await;
        let small = json!({"max_output": "1KiB"});
        let fault = fault(server.run(&small, &assignment("1")).await.0);
        assert_eq!(fault.verdict, Verdict::Never);
        assert_eq!(fault.error.code, "output-too-large");
        assert!(
            fault.error.message.contains("`max_output`"),
            "{}",
            fault.error.message
        );
        completed(
            server
                .run(&json!({"max_output": "8KiB"}), &assignment("1"))
                .await
                .0,
        );
    }
}
