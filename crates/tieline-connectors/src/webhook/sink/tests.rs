//! Deliveries to a real server on loopback.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tieline_contract::Verdict;
use tieline_contract::erased::DynSink;
use tieline_model::{DeliveryId, Timestamp};
use tieline_signature::Window;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::*;
use crate::webhook::tests::sink;

const NEWER: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const OLDER: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const BODY: &str = r#"{"run_id":"1"}"#;

fn outgoing(attempt: u32) -> Outgoing {
    Outgoing {
        id: DeliveryId::from_uuid(uuid::Uuid::from_u128(7)),
        body: Bytes::from_static(BODY.as_bytes()),
        attempt,
        now: Timestamp::from_millis(1_614_265_330_000 + i64::from(attempt) * 60_000),
        timeout: Duration::from_secs(5),
    }
}

/// Answers one request with `answer` and gives what was asked.
async fn serve(answer: String) -> (SocketAddr, JoinSet<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut task = JoinSet::new();
    task.spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut asked = Vec::new();
        while !asked.ends_with(BODY.as_bytes()) {
            assert_ne!(
                stream.read_buf(&mut asked).await.unwrap(),
                0,
                "the request breaks off"
            );
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8(asked).unwrap()
    });
    (address, task)
}

fn open(address: SocketAddr, more: &Value) -> Box<dyn DynSink> {
    let mut settings = json!({ "url": format!("http://{address}/hook?key=canary") });
    let (all, more) = (settings.as_object_mut().unwrap(), more.as_object().unwrap());
    all.extend(more.clone());
    sink(&settings, &[NEWER, OLDER]).unwrap()
}

/// One attempt against a server that answers so, and what it was asked.
async fn attempt(answer: &str, more: &Value) -> (Result<Receipt, Fault>, String) {
    let (address, mut task) = serve(answer.to_owned()).await;
    let result = open(address, more).deliver(&outgoing(1)).await;
    (result, task.join_next().await.unwrap().unwrap())
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\n\r\n{body}")
}

async fn fault(status: &str, headers: &str) -> Fault {
    attempt(&answer(status, headers, "why"), &json!({}))
        .await
        .0
        .unwrap_err()
}

/// The value of a header in a request as it went over the wire.
fn header<'a>(asked: &'a str, name: &str) -> &'a str {
    let (head, _) = asked.split_once("\r\n\r\n").unwrap();
    let mut found = head.lines().filter_map(|line| line.split_once(": "));
    found
        .find(|(one, _)| one.eq_ignore_ascii_case(name))
        .unwrap_or_else(|| panic!("{name}"))
        .1
}

#[tokio::test]
async fn a_delivery_is_posted_and_signed_with_every_secret() {
    let settings = json!({ "headers": { "X-Key": "own" } });
    let (receipt, asked) = attempt(&answer("204", "", ""), &settings).await;
    assert_eq!(receipt.unwrap().status, Some(204));
    assert!(
        asked.starts_with("POST /hook?key=canary HTTP/1.1\r\n"),
        "{asked}"
    );
    assert!(asked.ends_with(BODY));
    assert_eq!(header(&asked, "content-type"), "application/json");
    assert_eq!(header(&asked, "x-key"), "own");
    let agent = concat!("Tieline/", env!("CARGO_PKG_VERSION"));
    assert_eq!(header(&asked, "user-agent"), agent);
    assert_eq!(header(&asked, "webhook-id"), outgoing(1).id.to_string());
    assert_eq!(header(&asked, "webhook-timestamp"), "1614265390");
    let signature = header(&asked, "webhook-signature");
    assert_eq!(signature.split(' ').count(), 2);
    let headers = standard_webhooks::Headers {
        id: header(&asked, "webhook-id"),
        timestamp: header(&asked, "webhook-timestamp"),
        signature,
    };
    for secret in [NEWER, OLDER] {
        let window = Window {
            now_s: 1_614_265_390,
            tolerance_s: 0,
        };
        let key = SigningKey::parse(secret).unwrap();
        standard_webhooks::verify(&[key], headers, BODY.as_bytes(), window).unwrap();
    }
    let first = signature.split(' ').next().unwrap();
    let newest = SigningKey::parse(NEWER).unwrap();
    let expected = standard_webhooks::sign(&newest, headers.id, 1_614_265_390, BODY.as_bytes());
    assert_eq!(first, expected);
}

#[tokio::test]
async fn settings_may_name_the_agent_and_the_content_type() {
    let settings = json!({ "content_type": "text/plain", "headers": { "User-Agent": "mine" } });
    let (_, asked) = attempt(&answer("200", "", ""), &settings).await;
    assert_eq!(header(&asked, "content-type"), "text/plain");
    assert_eq!(header(&asked, "user-agent"), "mine");
    assert_eq!(asked.to_lowercase().matches("user-agent").count(), 1);
}

#[tokio::test]
async fn every_attempt_has_the_same_id_and_a_fresh_timestamp() {
    let mut seen = Vec::new();
    for number in [1, 2] {
        let (address, mut task) = serve(answer("200", "", "")).await;
        open(address, &json!({}))
            .deliver(&outgoing(number))
            .await
            .unwrap();
        seen.push(task.join_next().await.unwrap().unwrap());
    }
    assert_eq!(
        header(&seen[0], "webhook-id"),
        header(&seen[1], "webhook-id")
    );
    assert_ne!(
        header(&seen[0], "webhook-timestamp"),
        header(&seen[1], "webhook-timestamp")
    );
    assert_ne!(
        header(&seen[0], "webhook-signature"),
        header(&seen[1], "webhook-signature")
    );
}

#[tokio::test]
async fn what_was_sent_in_confidence_does_not_come_back_in_the_answer() {
    let settings = json!({ "headers": { "Authorization": "Bearer own-canary", "X-Key": "own" } });
    let echo = "own: /hook?key=canary Bearer own-canary, own-canary; ";
    let echoes = [echo.to_owned(), "x".repeat(1020) + "own-canary"];
    for body in echoes {
        let (receipt, _) = attempt(&answer("200", "", &body), &settings).await;
        let (fault, _) = attempt(&answer("400", "", &body), &settings).await;
        let answers = [receipt.unwrap().response, fault.unwrap_err().response];
        for shown in answers.map(Option::unwrap) {
            assert!(shown.starts_with("own: ***") || shown.ends_with("xxx***"));
            assert!(
                !shown.contains("canary") && !shown.contains("own-"),
                "{shown}"
            );
        }
    }
}

#[tokio::test]
async fn only_2xx_is_success_and_the_answer_is_kept() {
    for status in ["200", "201", "299"] {
        let receipt = attempt(&answer(status, "", "ok\u{1b}[2J"), &json!({}))
            .await
            .0
            .unwrap();
        assert_eq!(receipt.status, status.parse().ok());
        assert_eq!(receipt.response.as_deref(), Some("ok [2J"));
    }
    let long = "x".repeat(5000);
    let receipt = attempt(&answer("200", "", &long), &json!({}))
        .await
        .0
        .unwrap();
    assert_eq!(receipt.response.unwrap().len(), 1024);
}

#[tokio::test]
async fn an_answer_decides_whether_and_when_to_try_again() {
    let later = Verdict::Later;
    let after = |seconds| Verdict::After(Duration::from_secs(seconds));
    for (status, headers, verdict, code) in [
        ("410", "", Verdict::Gone, "gone"),
        ("429", "", later, "unavailable"),
        ("429", "retry-after: 120\r\n", after(120), "unavailable"),
        (
            "503",
            "retry-after: 99999999\r\n",
            after(86_400),
            "unavailable",
        ),
        (
            "503",
            "retry-after: Thu, 25 Feb 2021 15:03:40 GMT\r\n",
            after(30),
            "unavailable",
        ),
        ("503", "retry-after: soon\r\n", later, "unavailable"),
        ("500", "retry-after: 120\r\n", after(120), "unavailable"),
        ("500", "", later, "unavailable"),
        ("400", "", later, "refused"),
        ("404", "", later, "refused"),
        (
            "302",
            "location: http://127.0.0.1:1/x?canary\r\n",
            later,
            "redirected",
        ),
        ("308", "", later, "redirected"),
        ("304", "", later, "redirected"),
    ] {
        let fault = fault(status, headers).await;
        assert_eq!(
            (fault.verdict, fault.error.code.as_str()),
            (verdict, code),
            "{status}"
        );
        assert_eq!(fault.status, status.parse().ok());
        assert!(
            fault.error.message.contains(status),
            "{}",
            fault.error.message
        );
        assert!(
            !fault.error.message.contains("canary"),
            "{}",
            fault.error.message
        );
    }
    assert_eq!(fault("500", "").await.response.as_deref(), Some("why"));
    let redirected = fault("302", "location: https://moved.example/x?canary\r\n").await;
    assert!(redirected.error.message.contains("`moved.example`"));
}

#[tokio::test]
async fn a_destination_that_cannot_be_reached_is_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let fault = open(address, &json!({}))
        .deliver(&outgoing(1))
        .await
        .unwrap_err();
    assert_eq!(
        (fault.verdict, fault.error.code.as_str()),
        (Verdict::Later, "unreachable")
    );
    assert_eq!(fault.status, None);
    assert!(
        !fault.error.message.contains("canary"),
        "{}",
        fault.error.message
    );
    let (broken, _) = attempt("", &json!({})).await;
    let broken = broken.unwrap_err();
    assert_eq!(
        (broken.verdict, broken.error.code.as_str()),
        (Verdict::Later, "connection-broken")
    );
}

#[tokio::test]
async fn a_destination_that_does_not_answer_times_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sink = open(listener.local_addr().unwrap(), &json!({ "timeout": "10m" }));
    let outgoing = Outgoing {
        timeout: Duration::from_millis(100),
        ..outgoing(1)
    };
    let fault = sink.deliver(&outgoing).await.unwrap_err();
    assert_eq!(
        (fault.verdict, fault.error.code.as_str()),
        (Verdict::Later, "timeout")
    );
}

#[tokio::test]
async fn a_forbidden_destination_is_never_tried_again_and_says_what_allows_it() {
    for url in [
        "http://127.0.0.2:9/",
        "https://10.0.0.1/",
        "http://169.254.169.254/",
    ] {
        let sink = sink(&json!({ "url": url }), &[OLDER]).unwrap();
        let fault = sink.deliver(&outgoing(1)).await.unwrap_err();
        assert_eq!(
            (fault.verdict, fault.error.code.as_str()),
            (Verdict::Never, "egress-forbidden")
        );
        assert!(
            fault.error.message.contains("egress.allow"),
            "{}",
            fault.error.message
        );
    }
}

#[test]
fn results_of_completed_runs_are_wanted_unless_settings_say_more() {
    let url = "https://example.com";
    let plain = sink(&json!({ "url": url }), &[OLDER]).unwrap();
    assert_eq!(plain.wanted().on, [RunState::Completed]);
    assert!(plain.wanted().from.is_empty());
    let settings = json!({ "url": url, "on": ["failed", "cancelled"], "from": ["orders"] });
    let more = sink(&settings, &[OLDER]).unwrap();
    assert_eq!(more.wanted().on, [RunState::Failed, RunState::Cancelled]);
    assert_eq!(more.wanted().from[0].as_str(), "orders");
}

/// A sink for `address` with secrets that have times.
fn dated(address: SocketAddr, secrets: Vec<DatedSecret>) -> WebhookSink {
    let settings = json!({ "url": format!("http://{address}/hook") });
    let settings = tieline_contract::settings::decode(settings.as_object().unwrap()).unwrap();
    let policy = tieline_egress::Policy::Outside {
        allow: vec!["127.0.0.1/32".parse().unwrap()],
    };
    let context = SinkContext {
        connector: tieline_model::Name::new("results").unwrap(),
        secrets,
        egress: Arc::new(Client::new(policy, tieline_egress::Limits::default())),
    };
    <WebhookSink as Sink>::open(settings, &context).unwrap()
}

#[tokio::test]
async fn only_secrets_that_are_good_sign_and_without_one_nothing_is_sent() {
    let secret = |text: &str| DatedSecret::always(Secret::new(text).unwrap());
    let (first, second) = (outgoing(1).now, outgoing(2).now);
    let newer = DatedSecret {
        not_before: Some(second),
        ..secret(NEWER)
    };
    let older = DatedSecret {
        not_after: Some(second),
        ..secret(OLDER)
    };
    assert!(first < second);
    for (n, key) in [(1, OLDER), (2, NEWER)] {
        let (address, mut task) = serve(answer("204", "", "")).await;
        let sink = dated(address, vec![newer.clone(), older.clone()]);
        DynSink::deliver(&sink, &outgoing(n)).await.unwrap();
        let asked = task.join_next().await.unwrap().unwrap();
        let key = SigningKey::parse(key).unwrap();
        let seconds = outgoing(n).now.as_seconds();
        let id = outgoing(n).id.to_string();
        let wanted = standard_webhooks::sign(&key, &id, seconds, BODY.as_bytes());
        assert_eq!(header(&asked, "webhook-signature"), wanted);
    }
    let (address, task) = serve(answer("204", "", "")).await;
    let sink = dated(address, vec![newer]);
    let fault = DynSink::deliver(&sink, &outgoing(1)).await.unwrap_err();
    assert_eq!(
        (fault.verdict, fault.error.code.as_str()),
        (Verdict::Later, "no-good-secret")
    );
    drop(task);
}

#[tokio::test]
async fn a_private_key_signs_by_v1a_beside_the_others() {
    let private = format!("whsk_{}", STANDARD.encode([7; 32]));
    let public = ed25519::SecretKey::parse(&private).unwrap().public_key();
    let (address, mut task) = serve(answer("204", "", "")).await;
    let settings = json!({ "url": format!("http://{address}/hook") });
    let sink = sink(&settings, &[&private, OLDER]).unwrap();
    sink.deliver(&outgoing(1)).await.unwrap();
    let asked = task.join_next().await.unwrap().unwrap();
    let headers = standard_webhooks::Headers {
        id: header(&asked, "webhook-id"),
        timestamp: header(&asked, "webhook-timestamp"),
        signature: header(&asked, "webhook-signature"),
    };
    let versions: Vec<_> = headers
        .signature
        .split(' ')
        .filter_map(|one| Some(one.split_once(',')?.0))
        .collect();
    assert_eq!(versions, ["v1a", "v1"]);
    let window = || Window {
        now_s: outgoing(1).now.as_seconds(),
        tolerance_s: 1,
    };
    standard_webhooks::verify([&public], headers, BODY.as_bytes(), window()).unwrap();
    let shared = SigningKey::parse(OLDER).unwrap();
    standard_webhooks::verify([&shared], headers, BODY.as_bytes(), window()).unwrap();
}

#[test]
fn a_private_key_that_is_none_is_refused() {
    let settings = json!({ "url": "https://example.com" });
    for bad in ["whsk_", "whsk_AAAA", "whsk_not*base64*at*all*really*really"] {
        assert!(sink(&settings, &[bad]).is_err(), "{bad}");
    }
}
