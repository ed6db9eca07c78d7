//! Slow and many: heads, bodies, guesses.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;

use super::latency::unharmed;
use crate::http::Request;
use crate::hub::{KEY, Place, Process, SECRET, wait_until};

/// How many slow connections there are at once.
const SLOW: usize = 500;
/// How many guesses are made.
const GUESSES: usize = 10_000;

pub(super) fn place() -> Place {
    Place::new(&format!(
        r#"
agents: [{{ name: echo, runtime: echo }}]
connectors:
  - {{ name: orders, type: webhook, mode: inbound, secret: "{SECRET}", agents: [echo] }}
"#
    ))
}

pub(super) fn valid(hub: &Process) -> impl Fn() {
    let request = Request::post("/c/orders").bearer(SECRET).json(&json!({}));
    let address = hub.address;
    move || {
        request.send(address).expect(202);
    }
}

/// Connections that have sent this, and send one byte more each, again and again.
pub(super) fn slow(to: SocketAddr, start: &str, begun: &AtomicUsize, over: &AtomicBool) {
    let mut open = Vec::new();
    for _ in 0..SLOW {
        let mut stream = TcpStream::connect(to).unwrap();
        stream.write_all(start.as_bytes()).unwrap();
        open.push(stream);
        begun.fetch_add(1, Ordering::Relaxed);
    }
    while !over.load(Ordering::Relaxed) {
        // Those that the hub has left are over.
        open.retain_mut(|stream| stream.write_all(b"x").is_ok());
        thread::sleep(Duration::from_millis(500));
    }
}

#[test]
fn hundreds_of_slow_bodies_do_not_slow_valid_requests() {
    let place = place();
    let hub = place.start();
    let start = format!(
        "POST /c/orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SECRET}\r\n\
         Content-Type: text/plain\r\nContent-Length: 100000\r\n\r\n"
    );
    // Nobody knows of these before their end that they are forged.
    let forged = format!(
        "POST /c/orders HTTP/1.1\r\nHost: x\r\nWebhook-Id: m1\r\nWebhook-Timestamp: {}\r\n\
         Webhook-Signature: v1,{}=\r\nContent-Type: text/plain\r\nContent-Length: 100000\r\n\r\n",
        now(),
        "A".repeat(43)
    );
    let mut one = TcpStream::connect(hub.address).unwrap();
    one.write_all(forged.as_bytes()).unwrap();
    one.set_read_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    assert!(one.read(&mut [0]).is_err(), "its body is waited for");
    let begun = AtomicUsize::new(0);
    unharmed(
        valid(&hub),
        &[&|over| slow(hub.address, &start, &begun, over), &|over| {
            slow(hub.address, &forged, &begun, over);
        }],
        || wait_until(|| begun.load(Ordering::Relaxed) == SLOW * 2),
    );
}

#[test]
fn hundreds_of_slow_heads_do_not_slow_valid_requests() {
    let place = place();
    let hub = place.start();
    let starts = ["", "POST /c/orders HTTP/1.1\r\nHost: x\r\nX-Slow: "];
    let begun = AtomicUsize::new(0);
    unharmed(
        valid(&hub),
        &[
            &|over| slow(hub.address, starts[0], &begun, over),
            &|over| slow(hub.address, starts[1], &begun, over),
        ],
        || wait_until(|| begun.load(Ordering::Relaxed) == SLOW * 2),
    );
}

#[test]
fn a_body_of_a_stranger_is_refused_before_it_comes() {
    let place = place();
    let hub = place.start();
    let mut stream = TcpStream::connect(hub.address).unwrap();
    let head = "POST /c/orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = [0; 13];
    // Nothing of the body is there, and nothing is waited for.
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 401 ");
}

/// Guesses, and counts what it was answered.
fn guess(to: SocketAddr, guesses: usize, answers: &Mutex<Vec<u16>>) {
    for n in 0..guesses {
        let request = Request::post("/c/orders").bearer(&format!("whsec_{n}"));
        let answer = request.json(&json!({})).send(to);
        if answer.status == 429 {
            assert_eq!(answer.expect_problem(429), "too-many-failures");
            let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
            assert!((1..=60).contains(&wait), "{wait}");
            assert_eq!(answer.header("connection"), Some("close"));
        }
        answers.lock().unwrap().push(answer.status);
    }
}

#[test]
fn ten_thousand_guesses_are_throttled_and_valid_requests_pass() {
    let place = place();
    let hub = place.start();
    let answers = Mutex::new(Vec::new());
    let guesser = |_: &AtomicBool| guess(hub.address, GUESSES / 4, &answers);
    unharmed(
        valid(&hub),
        &[&guesser, &guesser, &guesser, &guesser],
        || {
            wait_until(|| answers.lock().unwrap().len() > 1200);
        },
    );
    let answers = answers.into_inner().unwrap();
    let told = |status| answers.iter().filter(|seen| **seen == status).count();
    // A window may end while they guess.
    assert!((1000..=4000).contains(&told(401)), "{}", told(401));
    assert_eq!(told(401) + told(429), GUESSES);
    let metrics = hub.send(&Request::get("/metrics")).text();
    let sample = format!("\ntieline_failures_throttled_total {}\n", told(429));
    assert!(metrics.contains(&sample), "no {sample} in {metrics}");
    let warnings = hub
        .stderr()
        .matches("without valid credentials to orders")
        .count();
    assert!((1..=10).contains(&warnings), "{}", hub.stderr());
    // The other doors are open to this network.
    assert_eq!(hub.send(&Request::get("/v1/agents")).status, 401);
    assert_eq!(
        hub.send(&Request::get("/v1/agents").bearer(KEY)).status,
        200
    );
}

#[test]
fn guesses_of_api_keys_are_throttled_too_and_a_good_key_opens() {
    let place = place();
    let hub = place.start();
    let guess = Request::get("/v1/agents").bearer("tl_guess");
    let statuses: Vec<u16> = (0..1010).map(|_| hub.send(&guess).status).collect();
    let (borne, more) = statuses.split_at(1000);
    assert!(borne.iter().all(|status| *status == 401), "{borne:?}");
    assert!(more.contains(&429), "{more:?}");
    assert_eq!(
        hub.send(&Request::get("/v1/agents").bearer(KEY)).status,
        200
    );
}

#[test]
fn a_network_that_guesses_sends_no_large_bodies_before_their_proof() {
    let place = Place::new(&format!(
        r#"
agents: [{{ name: echo, runtime: echo }}]
connectors:
  - name: signed
    type: webhook
    mode: inbound
    secret: "{SECRET}"
    agents: [echo]
    settings: {{ auth: standard-webhooks }}
"#
    ));
    let hub = place.start();
    let bad = Request::post("/c/signed")
        .header("webhook-id", "msg_1")
        .header("webhook-timestamp", &now().to_string())
        .header("webhook-signature", "v1,bm90aGluZw==");
    let large = bad.clone().body("text/plain", "x".repeat(200_000));
    // It is read whole to be judged, as long as the network is like any other.
    assert_eq!(hub.send(&large).status, 401);
    for _ in 0..1000 {
        hub.send(&bad.clone().body("text/plain", "x"));
    }
    let mut stream = TcpStream::connect(hub.address).unwrap();
    let head = format!(
        "POST /c/signed HTTP/1.1\r\nHost: x\r\nwebhook-id: msg_1\r\nwebhook-timestamp: {}\r\n\
         webhook-signature: v1,bm90aGluZw==\r\nContent-Type: text/plain\r\n\
         Content-Length: 200000\r\n\r\n",
        now()
    );
    stream.write_all(head.as_bytes()).unwrap();
    // The rest of it never comes, and is not waited for.
    match stream.write_all(&vec![b'x'; 65_537]) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("{error}"),
        _ => {}
    }
    let mut answer = [0; 13];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 429 ");
}

fn now() -> u64 {
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).unwrap().as_secs()
}
