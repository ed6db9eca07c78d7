//! CloudEvents against the specification's own Python library.

use serde_json::{Value, json};

use super::{ask, script};
use crate::agent::Agent;
use crate::http::{Answer, Request};
use crate::hub::{Place, Process, SECRET, wait_until};

fn hub(agent: &Agent) -> (Place, Process) {
    let place = Place::new(&format!(
        r#"
agents: [{{ name: remote, runtime: http, url: "{}" }}]
connectors:
  - {{ name: orders, type: webhook, mode: inbound, secret: "{SECRET}", agents: [remote] }}
  - {{ name: ask, type: webhook, mode: sync, secret: "{SECRET}", agents: [remote] }}
"#,
        agent.url(),
    ));
    let process = place.start();
    (place, process)
}

/// Attributes with everything that a header cannot carry as it is, and an extension.
fn given() -> Value {
    json!({
        "specversion": "1.0",
        "source": "/shops/zürich?a=b c",
        "type": "com.example.order",
        "subject": "100% \"größer\" \u{1f600}",
        "dataschema": "https://example.com/order.json",
        "time": "2026-03-04T05:06:07+00:00",
        "tenant": "acme",
    })
}

/// Every request that the library makes, by name.
fn requests() -> Value {
    let line = given().to_string();
    ask(&mut script("cloudevents_requests.py"), line.as_bytes())
}

fn send(hub: &Process, connector: &str, request: &Value) -> Answer {
    let mut message = Request::post(&format!("/c/{connector}")).bearer(SECRET);
    for (name, value) in request["headers"].as_object().unwrap() {
        let value = value.as_str().unwrap();
        message = if name.eq_ignore_ascii_case("content-type") {
            message.body(value, request["body"].as_str().unwrap())
        } else {
            message.header(name, value)
        };
    }
    hub.send(&message)
}

/// The attributes that the agent must see.
fn expected(id: &str, content_type: &str) -> Value {
    let mut attributes = given();
    attributes["id"] = json!(id);
    attributes["time"] = json!("2026-03-04T05:06:07Z");
    attributes["datacontenttype"] = json!(content_type);
    attributes
}

#[test]
#[ignore = "needs a rig: cargo xtask test --rigs"]
fn events_of_the_library_reach_the_agent_with_their_attributes() {
    let agent = Agent::start();
    let (_place, hub) = hub(&agent);
    let requests = requests();
    let order = json!({ "order": 42, "note": "Grüße" });
    for (case, content_type, input) in [
        ("json", "application/json", order),
        ("text", "text/plain", json!("hello")),
        ("bytes", "application/octet-stream", Value::Null),
    ] {
        for mode in ["binary", "structured"] {
            let name = format!("{mode}-{case}");
            let first = send(&hub, "orders", &requests[&name]).expect(202);
            hub.ended(&first["run_ids"][0]);
            let seen = agent.seen().last().unwrap().clone();
            assert_eq!(seen["run_id"], first["run_ids"][0]);
            let attributes = &seen["event"]["cloudevent"];
            assert_eq!(*attributes, expected(&name, content_type), "{name}");
            assert_eq!(seen["input"], input, "{name}");
            judge_files(&seen["files"], case);
            // `source` and `id` are the key.
            let again = send(&hub, "orders", &requests[&name]).expect(202);
            assert_eq!(again["duplicate"], true, "{name}");
            assert_eq!(again["event_id"], first["event_id"], "{name}");
        }
    }
    assert_eq!(agent.seen().len(), 6);
}

fn judge_files(files: &Value, case: &str) {
    if case != "bytes" {
        assert_eq!(*files, json!([]));
        return;
    }
    assert_eq!(files.as_array().unwrap().len(), 1, "{files}");
    assert_eq!(files[0]["content_type"], "application/octet-stream");
    assert_eq!(files[0]["size"], 3);
    let sha256 = "ae4b3280e56e2faf83f414a6e3dabe9d5fbe18976544c05fed121accb85b53fc";
    assert_eq!(files[0]["sha256"], sha256);
}

#[test]
#[ignore = "needs a rig: cargo xtask test --rigs"]
fn a_batch_is_an_event_for_each_element() {
    let agent = Agent::start();
    let (_place, hub) = hub(&agent);
    let batch = &requests()["batch"];
    let answer = send(&hub, "orders", batch).expect(202);
    let events = answer["events"].as_array().unwrap();
    assert_eq!(events.len(), 3, "{answer}");
    assert_eq!(answer["run_ids"].as_array().unwrap().len(), 3, "{answer}");
    wait_until(|| agent.seen().len() == 3);
    for (number, event) in events.iter().enumerate() {
        let mine = |run: &&Value| run["event"]["id"] == event["event_id"];
        let seen = agent.seen();
        let run = seen.iter().find(mine).unwrap();
        assert_eq!(event["duplicate"], false);
        assert_eq!(event["run_ids"], json!([run["run_id"]]));
        let id = format!("batch-{number}");
        let attributes = &run["event"]["cloudevent"];
        assert_eq!(*attributes, expected(&id, "application/json"));
    }
    let again = send(&hub, "orders", batch).expect(202);
    assert_eq!(again["run_ids"], answer["run_ids"]);
    let refused = send(&hub, "ask", batch);
    assert_eq!(refused.expect_problem(415), "unsupported-media-type");
}
