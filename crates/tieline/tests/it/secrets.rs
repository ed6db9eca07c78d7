//! No secret reaches a log, an error, an answer or a file that is not meant to hold it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use rustix::process::Signal;
use serde_json::json;

use crate::agent::Agent;
use crate::http::Request;
use crate::hub::{Place, Process, files_below};

const CONNECTOR: &str = "canary-connector-0123456789";
const HEADER: &str = "canary-header-0123456789";
const VARIABLE: &str = "canary-variable-0123456789";
const KEY: &str = "canary-key-0123456789-0123456789";

#[test]
fn secrets_are_in_no_log_and_in_no_answer() {
    let agent = Agent::answering(|_| (500, json!({ "oops": "canary-header-0123456789" })));
    let place = Place::new(&format!(
        r#"
agents:
  - {{ name: remote, runtime: http, url: "{}", headers: {{ authorization: "${{HEADER}}" }}, retry: {{ attempts: 1 }} }}
  - {{ name: local, runtime: command, command: ["sh", "-c", "echo $TOKEN >&2; exit 1"], env: {{ TOKEN: "${{VARIABLE}}" }} }}
connectors:
  - {{ name: ask, type: webhook, mode: sync, secret: "${{CONNECTOR}}", agents: [remote, local] }}
  - {{ name: results, type: webhook, mode: outbound, agents: [local], settings: {{ url: "https://example.com/" }} }}
"#,
        agent.url()
    ));
    let mut command = place.serve();
    command
        .env("CONNECTOR", CONNECTOR)
        .env("HEADER", HEADER)
        .env("VARIABLE", VARIABLE);
    command
        .env("TIELINE_ADMIN_KEY", KEY)
        .env("TIELINE_LOG", "debug");
    let mut hub = Process::start(&mut command);
    let said = use_everything(&hub);
    hub.signal(Signal::TERM);
    assert_eq!(hub.wait(), Some(0));
    assert_eq!(agent.seen().len(), 1);
    for text in said {
        for secret in [CONNECTOR, HEADER, VARIABLE, KEY] {
            assert!(!text.contains(secret), "{secret} in an answer: {text}");
        }
    }
    for secret in ["canary", "whsec_"] {
        let log = hub.stderr();
        assert!(!log.contains(secret), "{secret} in the log: {log}");
        assert!(!hub.stdout().contains(secret));
    }
    judge_files(&place);
}

/// What the hub says to one who knows everything, and to one who knows nothing.
fn use_everything(hub: &Process) -> Vec<String> {
    let body = json!({ "text": "canary-payload-0123456789" });
    let asked = hub.send(&Request::post("/c/ask").bearer(CONNECTOR).json(&body));
    assert_eq!(asked.status, 424, "{}", asked.text());
    let wrong = Request::post("/c/ask").bearer("canary-wrong-0123456789");
    assert_eq!(hub.send(&wrong.json(&body)).status, 401);
    let mut said = vec![asked.text()];
    for path in ["agents", "connectors", "runs", "events"] {
        let answer = hub.send(&Request::get(&format!("/v1/{path}")).bearer(KEY));
        assert_eq!(answer.status, 200, "{path}");
        said.push(answer.text());
    }
    said.push(hub.send(&Request::get("/metrics")).text());
    said
}

/// Files are their owner's alone, and none holds the key that others have.
fn judge_files(place: &Place) {
    for (path, about) in files_below(&place.data()) {
        let name = path.display().to_string();
        assert!(!name.contains("canary"), "{name}");
        assert_eq!(about.permissions().mode() & 0o077, 0, "{name}");
        if about.is_file() {
            let content = fs::read(&path).unwrap();
            let mut parts = content.windows(KEY.len());
            assert!(
                !parts.any(|part| part == KEY.as_bytes()),
                "the key stands in {name}"
            );
        }
    }
}

#[test]
fn a_made_key_and_made_secrets_are_not_logged() {
    let place = Place::new(
        r"
agents: [{ name: echo, runtime: echo }]
connectors: [{ name: orders, type: webhook, mode: inbound, agents: [echo] }]
",
    );
    let mut command = place.serve();
    let hub = Process::start(command.env_remove("TIELINE_ADMIN_KEY"));
    let file = place.data().join("admin.key");
    let key = fs::read_to_string(&file).unwrap();
    let key = key.trim();
    assert!(key.starts_with("tl_"), "the key has another form");
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(
        hub.send(&Request::get("/v1/agents").bearer(key)).status,
        200
    );
    let log = hub.stderr();
    assert!(!log.contains(key) && !log.contains("whsec_"), "{log}");
    assert!(
        log.contains("connector `orders` has a generated secret"),
        "{log}"
    );
    drop(hub);
    let again = Process::start(command.env_remove("TIELINE_ADMIN_KEY"));
    assert_eq!(
        again.send(&Request::get("/v1/agents").bearer(key)).status,
        200
    );
    assert!(
        !again.stderr().contains("generated secret"),
        "{}",
        again.stderr()
    );
}
