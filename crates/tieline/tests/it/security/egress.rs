//! Where the hub may connect to.

use std::fmt::Write as _;
use std::io::Write as _;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::wire::{Sentinel, Wire, plain};
use crate::hub::{Place, Process, SECRET, run, tieline, wait};

/// URLs that lead to this machine or to a metadata service; `PORT` is a sentinel's.
const INSIDE: [&str; 24] = [
    "http://127.0.0.1:PORT/",
    "https://127.0.0.1:PORT/",
    "http://localhost:PORT/",
    "http://2130706433:PORT/",
    "http://0x7f.1:PORT/",
    "http://0177.0.0.1:PORT/",
    "http://0:PORT/",
    "http://127.1.:PORT/",
    "http://①②⑦.⓪.⓪.①:PORT/",
    "http://127。0。0。1:PORT/",
    "http://[::1]:PORT/",
    "http://[::]:PORT/",
    "http://[::ffff:127.0.0.1]:PORT/",
    "http://[::127.0.0.1]:PORT/",
    "http://[64:ff9b::7f00:1]:PORT/",
    "http://[2002:7f00:1::]:PORT/",
    "http://[2001:0:808:808::80ff:fffe]:PORT/",
    "http://[2606:4700::5efe:127.0.0.1]:PORT/",
    "http://127.0.0.1:PORT\\\\@example.com/",
    "http:127.0.0.1:PORT/",
    "http://10.0.0.1:6379/",
    "http://169.254.169.254/latest/meta-data/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://100.100.100.200/",
];

/// A hub with a connector `ask` whose agent is an echo, with outbound connectors `d0`, `d1`, … to
/// these URLs, and with agents `a0`, `a1`, … at them behind the connector `call`.
fn configuration(urls: &[String], egress: &str) -> String {
    let mut agents = "  - { name: echo, runtime: echo }\n".to_owned();
    let mut connectors = format!(
        "  - {{ name: ask, type: webhook, mode: sync, secret: \"{SECRET}\", agents: [echo] }}\n"
    );
    let names: Vec<_> = (0..urls.len()).map(|at| format!("a{at}")).collect();
    for (at, url) in urls.iter().enumerate() {
        writeln!(
            agents,
            "  - {{ name: a{at}, runtime: http, url: \"{url}\", headers: {{ authorization: Bearer canary }}, retry: {{ attempts: 1 }}, timeout: 2s, max_output: 1MiB }}"
        )
        .unwrap();
        writeln!(
            connectors,
            "  - {{ name: d{at}, type: webhook, mode: outbound, agents: [echo], settings: {{ url: \"{url}\", from: [ask], timeout: 1s, headers: {{ authorization: Bearer canary }} }} }}"
        )
        .unwrap();
    }
    let all = names.join(", ");
    writeln!(
        connectors,
        "  - {{ name: call, type: webhook, mode: inbound, secret: \"{SECRET}\", agents: [{all}] }}"
    )
    .unwrap();
    format!("agents:\n{agents}connectors:\n{connectors}egress: {egress}\n")
}

/// The delivery of an outbound connector once its first attempt is over.
fn tried(hub: &Process, connector: &str) -> Value {
    let row = wait(|| {
        let rows = hub.get(&format!("/v1/deliveries?connector={connector}"));
        let row = rows["data"].get(0)?.clone();
        (row["error"].is_object() || row["status"] == "delivered").then_some(row)
    });
    hub.get(&format!(
        "/v1/deliveries/{}",
        row["delivery_id"].as_str().unwrap()
    ))
}

/// T16.
#[test]
fn a_destination_or_an_agent_inside_is_never_connected_to() {
    let sentinel = Sentinel::new();
    let port = sentinel.port().to_string();
    let urls: Vec<_> = INSIDE
        .iter()
        .map(|url| url.replace("PORT", &port))
        .collect();
    let place = Place::new(&configuration(&urls, "{ agents: public }"));
    let hub = place.start();
    hub.post("ask", &json!({ "n": 1 })).expect(200);
    let runs = hub.post("call", &json!({ "n": 1 })).expect(202)["run_ids"].clone();
    for (at, url) in urls.iter().enumerate() {
        let delivery = tried(&hub, &format!("d{at}"));
        assert_eq!(delivery["status"], "failed", "{url}: {delivery}");
        assert_eq!(delivery["error"]["code"], "egress-forbidden", "{url}");
        let run = hub.ended(&runs[at]);
        assert_eq!(run["error"]["code"], "egress-forbidden", "{url}: {run}");
    }
    sentinel.saw_nobody();
}

/// T16: what is no URL at all does not even become a connector.
#[test]
fn a_url_that_hides_its_host_is_refused_when_it_is_written() {
    for url in [
        "http://example.com@127.0.0.1/",
        "http://a:b@127.0.0.1/",
        "http://127.0.0.1%00.example.com/",
        "http://127.0.0.256/",
        "http://[::1%25lo]/",
        "http://127.0.0.1:0/",
        "http://127.0.0.1/#@example.com",
        "//127.0.0.1/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_INFO",
        "unix:///run/x.sock",
    ] {
        let place = Place::new(&configuration(&[url.to_owned()], "{}"));
        let mut command = tieline(&["check"]);
        let (code, stdout, stderr) = run(command.arg(place.file()));
        assert_ne!(code, 0, "{url}: {stdout}{stderr}");
        let said = [stdout, stderr].concat();
        assert!(said.contains("url"), "{url}: {said}");
    }
}

/// T19.
#[test]
fn a_redirect_is_a_failed_attempt_and_nobody_goes_there() {
    let sentinel = Sentinel::new();
    let inside = format!("http://127.0.0.1:{}/inside?canary", sentinel.port());
    let wire = Wire::answering(move |seen, stream| {
        let (_, status) = seen.path().rsplit_once('/').unwrap();
        let to = if seen.path().starts_with("/inside") {
            inside.clone()
        } else {
            "https://example.com/outside".to_owned()
        };
        let location = format!("Location: {to}\r\n");
        stream.write_all(&plain(&format!("{status} Moved"), &location, "{}"))
    });
    let urls: Vec<_> = ["inside", "outside"]
        .iter()
        .flat_map(|to| [301, 302, 303, 307, 308].map(|status| wire.url(&format!("/{to}/{status}"))))
        .collect();
    let place = Place::new(&configuration(&urls, "{ allow: [127.0.0.0/8] }"));
    let hub = place.start();
    hub.post("ask", &json!({ "n": 1 })).expect(200);
    let runs = hub.post("call", &json!({ "n": 1 })).expect(202)["run_ids"].clone();
    for (at, url) in urls.iter().enumerate() {
        let delivery = tried(&hub, &format!("d{at}"));
        assert_ne!(delivery["status"], "delivered", "{url}");
        assert_eq!(delivery["error"]["code"], "redirected", "{url}: {delivery}");
        let run = hub.ended(&runs[at]);
        assert_eq!(run["error"]["code"], "agent-refused", "{url}: {run}");
        let path = url.replace(&wire.url(""), "");
        let requests: Vec<_> = wire
            .seen()
            .into_iter()
            .filter(|one| one.path() == path)
            .collect();
        // One of the connector and one of the agent, each of them once.
        assert_eq!(requests.len(), 2, "{url}: {requests:?}");
        for request in requests {
            assert_eq!(request.header("authorization"), Some("Bearer canary"));
            assert!(request.head.starts_with("POST "), "{}", request.head);
        }
    }
    sentinel.saw_nobody();
}

/// T20 and, for what is compressed, T32.
#[test]
fn an_answer_without_an_end_costs_a_bounded_time_and_memory() {
    let wire = Wire::answering(|seen, stream| {
        let (_, kind) = seen.path().rsplit_once('/').unwrap();
        let head = match kind {
            "huge" => "Content-Length: 10000000000\r\n",
            "packed" => "Content-Encoding: gzip\r\n",
            _ => "",
        };
        let status = if kind == "refusing" { 500 } else { 200 };
        write!(
            stream,
            "HTTP/1.1 {status} x\r\nContent-Type: text/plain\r\n{head}\r\n"
        )?;
        let piece = vec![b'x'; if kind == "dripping" { 1 } else { 64 * 1024 }];
        for _ in 0..160_000 {
            stream.write_all(&piece)?;
            if kind == "dripping" {
                thread::sleep(Duration::from_millis(50));
            }
        }
        Ok(())
    });
    let kinds = ["huge", "endless", "refusing", "packed", "dripping"];
    let urls = kinds.map(|kind| wire.url(&format!("/{kind}")));
    let place = Place::new(&configuration(&urls, "{ allow: [127.0.0.0/8] }"));
    let hub = place.start();
    let before = hub.resident();
    let begun = Instant::now();
    hub.post("ask", &json!({ "n": 1 })).expect(200);
    let runs = hub.post("call", &json!({ "n": 1 })).expect(202)["run_ids"].clone();
    let wanted = [
        ("output-too-large", "delivered"),
        ("output-too-large", "delivered"),
        ("agent-failed", "waiting"),
        ("bad-output", "delivered"),
        ("timeout", "delivered"),
    ];
    for (at, (code, status)) in wanted.into_iter().enumerate() {
        let delivery = tried(&hub, &format!("d{at}"));
        assert_eq!(delivery["status"], status, "{delivery}");
        let run = hub.ended(&runs[at]);
        assert_eq!(run["error"]["code"], code, "{run}");
        let run = hub.get(&format!("/v1/runs/{}", runs[at].as_str().unwrap()));
        for shown in [delivery.to_string(), run.to_string()] {
            let longest = shown.split(|c| c != 'x').map(str::len).max().unwrap();
            assert!(longest <= 4096, "{longest} bytes of an answer are shown");
        }
    }
    assert!(
        begun.elapsed() < Duration::from_secs(8),
        "{:?}",
        begun.elapsed()
    );
    let grown = hub.resident().saturating_sub(before);
    assert!(grown < 32 << 20, "{grown} bytes");
}

/// T32: what is compressed is never unpacked, be it an agent's answer or a destination's.
#[test]
fn a_compressed_answer_is_a_fault_of_an_agent_and_unread_of_a_destination() {
    let wire = Wire::answering(|seen, stream| {
        let packed = "Content-Encoding: gzip\r\n";
        assert_eq!(seen.header("accept-encoding"), Some("identity"));
        stream.write_all(&plain("200 OK", packed, "\"packed-canary\""))
    });
    let place = Place::new(&configuration(
        &[wire.url("/x")],
        "{ allow: [127.0.0.0/8] }",
    ));
    let hub = place.start();
    hub.post("ask", &json!({ "n": 1 })).expect(200);
    let runs = hub.post("call", &json!({ "n": 1 })).expect(202)["run_ids"].clone();
    let run = hub.ended(&runs[0]);
    assert_eq!(run["error"]["code"], "bad-output", "{run}");
    let message = run["error"]["message"].as_str().unwrap();
    assert!(message.contains("compressed"), "{message}");
    let delivery = tried(&hub, "d0");
    assert_eq!(delivery["status"], "delivered", "{delivery}");
    assert_eq!(delivery["attempts"][0]["response"], Value::Null);
    assert_eq!(wire.seen().len(), 2);
}
