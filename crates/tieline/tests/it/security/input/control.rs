//! Nothing in a request names what is the hub's to decide.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use super::to;
use crate::http::Request;
use crate::hub::{Place, Process, SECRET, files_below, wait};
use crate::security::wire::Wire;

/// Inbound `orders` to the agent `remote`, and another agent that nothing is linked to.
fn hub(remote: &Wire) -> (Place, Process) {
    let place = Place::new(&format!(
        r#"
agents:
  - {{ name: remote, runtime: http, url: "{}" }}
  - {{ name: other, runtime: echo }}
connectors:
  - {{ name: orders, type: webhook, mode: inbound, secret: "{SECRET}", agents: [remote] }}
  - {{ name: elsewhere, type: webhook, mode: inbound, secret: "{SECRET}", agents: [other] }}
"#,
        remote.url("/run")
    ));
    let hub = place.start();
    (place, hub)
}

/// Headers that some program somewhere believes.
const RESERVED: &[&str] = &[
    "Agent",
    "X-Agent",
    "X-Tieline-Agent",
    "X-Tieline-Connector",
    "X-Tieline-Mode",
    "X-Tieline-Project",
    "X-Tieline-Run-Id",
    "X-Tieline-Scope",
    "X-Tieline-Session",
    "X-Tieline-Trust",
    "X-Tieline-Url",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Forwarded-User",
    "Forwarded",
    "X-Real-IP",
    "X-Original-URL",
    "X-Rewrite-URL",
    "X-HTTP-Method-Override",
    "X-Request-From",
    "X-Internal-Token",
    "X-Remote-User",
    "X-Auth-Request-User",
    "Traceparent",
    "Webhook-Timestamp",
];

/// T12 and T13: the same answer, and the same run object but for what was sent.
#[test]
fn no_field_and_no_header_names_agent_url_mode_or_trust() {
    let remote = Wire::saying(r#"{"output":null}"#);
    let (_place, hub) = hub(&remote);
    let control = json!({
        "agent": "other", "agents": ["other"], "connector": "elsewhere", "mode": "sync",
        "trust": "verified", "session": "s", "url": "http://127.0.0.1:1/", "mapping": {"a": "b"},
        "callback": {"url": "http://127.0.0.1:1/"}, "run_id": "x", "event_id": "x",
        "deadline": "2000-01-01T00:00:00Z", "settings": {"auth": "none"}, "when": "false",
        "__proto__": {"admin": true}, "files": [{"path": "/etc/passwd"}],
    });
    let query =
        "?agent=other&mode=sync&url=http://127.0.0.1:1/&trust=verified&project=other&async=0";
    let mut request = Request::post(&format!("/c/orders{query}")).bearer(SECRET);
    for name in RESERVED {
        request = request.header(name, "internal");
    }
    let plain = hub.send(&to("orders").json(&control)).expect(202);
    let armed = hub.send(&request.json(&control)).expect(202);
    for answer in [&plain, &armed] {
        assert_eq!(answer["dispatched_to"], 1, "{answer}");
        assert_eq!(answer["run_ids"].as_array().unwrap().len(), 1);
        let run = hub.ended(&answer["run_ids"][0]);
        assert_eq!(run["agent_name"], "remote", "{run}");
    }
    assert_eq!(hub.count("/v1/runs"), 2);
    let seen = remote.seen();
    let fields =
        |value: &Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };
    let runs: Vec<Value> = seen
        .iter()
        .map(|one| serde_json::from_str(&one.text()).unwrap())
        .collect();
    assert_eq!(fields(&runs[0]), fields(&runs[1]));
    for (request, run) in seen.iter().zip(&runs) {
        assert_eq!(run["input"], control);
        assert_eq!(run["event"]["trust"], "secret");
        assert_eq!((&run["session"], &run["files"]), (&Value::Null, &json!([])));
        assert_eq!(
            run["connector"],
            json!({ "name": "orders", "type": "webhook", "mode": "inbound" })
        );
        // What the agent is called with is the hub's own: nothing of the sender's is a header.
        assert_eq!(request.names(), seen[0].names());
        assert_eq!(request.header("idempotency-key"), run["run_id"].as_str());
        assert!(!request.head.contains("internal"), "{}", request.head);
        // And what agents read of the sender's headers is nothing that vouches for anything.
        let kept = fields(&run["event"]["headers"]);
        for name in kept {
            let vouches = name.starts_with("x-tieline") || name.starts_with("x-forwarded");
            assert!(
                !vouches && name != "forwarded" && name != "x-request-from",
                "{name}"
            );
        }
    }
}

/// T13: no header opens what a key opens, and none makes an open door of a locked one.
#[test]
fn no_header_stands_for_a_key_or_a_secret() {
    let remote = Wire::saying("{}");
    let (_place, hub) = hub(&remote);
    for (name, value) in [
        ("X-Request-From", "internal"),
        ("X-Tieline-Internal", "true"),
        ("X-Tieline-Trust", "verified"),
        ("X-Tieline-Scope", "admin"),
        ("X-Tieline-Key", "admin"),
        ("X-Forwarded-For", "127.0.0.1"),
        ("Forwarded", "for=127.0.0.1"),
        ("X-Forwarded-User", "admin"),
        ("X-Real-IP", "127.0.0.1"),
        ("X-Original-URL", "/livez"),
        ("X-Rewrite-URL", "/livez"),
        ("X-HTTP-Method-Override", "GET"),
        ("Host", "localhost"),
        ("Idempotency-Key", "internal"),
    ] {
        for path in ["/v1/agents", "/v1/runs", "/v1/connectors"] {
            let answer = hub.send(&Request::get(path).header(name, value));
            assert!(
                [400, 401].contains(&answer.status),
                "{name}: {}",
                answer.text()
            );
        }
        let body = json!({ "n": 1 });
        let answer = hub.send(&Request::post("/c/orders").header(name, value).json(&body));
        assert!(
            [400, 401].contains(&answer.status),
            "{name}: {}",
            answer.text()
        );
    }
    assert_eq!(hub.count("/v1/events"), 0);
}

/// T11 and T33: a name is text to show, and never a place in the file system.
#[test]
fn what_calls_itself_a_file_is_never_read_or_written() {
    let remote = Wire::saying(r#"{"output":null}"#);
    let (place, hub) = hub(&remote);
    let shaped = r#"{"files":[{"filepath":"/etc/passwd","path":"/etc/passwd","content_type":"text/plain"}]}"#;
    let names = [
        r#"filename="../../../../tmp/canary-1""#,
        r#"filename="/tmp/canary-2""#,
        r#"filename="C:\canary-3""#,
        r#"filename="\\\\host\\share\\canary-4""#,
        "filename*=UTF-8''..%2f..%2fcanary-5%00.txt",
    ];
    let mut form = format!("--b\r\nContent-Disposition: form-data; name=files\r\n\r\n{shaped}\r\n");
    for name in names {
        form.extend([
            "--b\r\nContent-Disposition: form-data; name=files; ",
            name,
            "\r\n\r\nmine\r\n",
        ]);
    }
    form += "--b--\r\n";
    let json = to("orders").body("application/json", shaped);
    let multipart = to("orders").body("multipart/form-data; boundary=b", form.clone());
    for request in [json, multipart] {
        let runs = hub.send(&request).expect(202)["run_ids"].clone();
        hub.ended(&runs[0]);
    }
    let runs: Vec<Value> = remote
        .seen()
        .iter()
        .map(|one| serde_json::from_str(&one.text()).unwrap())
        .collect();
    assert_eq!(runs[0]["files"], json!([]));
    assert_eq!(
        runs[0]["input"],
        serde_json::from_str::<Value>(shaped).unwrap()
    );
    assert_eq!(runs[1]["input"], json!({ "files": shaped }));
    let files = runs[1]["files"].as_array().unwrap();
    let shown: Vec<_> = files
        .iter()
        .map(|file| file["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        shown,
        [
            "canary-1",
            "canary-2",
            "canary-3",
            "canary-4",
            "canary-5.txt"
        ]
    );
    for (path, _) in files_below(place.folder.path()) {
        assert!(
            !path.display().to_string().contains("canary"),
            "{}",
            path.display()
        );
    }
    assert!(!std::path::Path::new("/tmp/canary-2").exists());
    // The same with two content types is nothing at all.
    let twice = to("orders")
        .header("Content-Type", "application/json")
        .body("multipart/form-data; boundary=b", form);
    assert_eq!(hub.send(&twice).expect_problem(400), "bad-request");
    assert_eq!(hub.count("/v1/events"), 2);
}

/// T37: there is no WebSocket here, and nobody is switched to one.
#[test]
fn an_upgrade_is_not_made() {
    let remote = Wire::saying("{}");
    let (_place, hub) = hub(&remote);
    for (protocol, extra) in [
        (
            "websocket",
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        ),
        ("h2c", "HTTP2-Settings: AAMAAABkAAQAAP__\r\n"),
        ("tls/1.2", ""),
    ] {
        for path in ["/c/orders", "/livez", "/v1/runs", "/c/orders/runs/x/stream"] {
            let mut stream = TcpStream::connect(hub.address).unwrap();
            stream
                .set_read_timeout(Some(Duration::from_secs(10)))
                .unwrap();
            write!(
                stream,
                "GET {path} HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade, close\r\nUpgrade: {protocol}\r\n{extra}\r\n"
            )
            .unwrap();
            // A frame behind it is no request either: the connection is over.
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            let status = answer.split(' ').nth(1).unwrap();
            assert_ne!(status, "101", "{path}: {answer}");
            assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
        }
    }
    let connect = hub.send(&Request::new("CONNECT", "127.0.0.1:22").bearer(SECRET));
    assert!(connect.status >= 400, "{}", connect.text());
    let healthy = wait(|| Some(hub.send(&Request::get("/livez")).status));
    assert_eq!(healthy, 200);
}
