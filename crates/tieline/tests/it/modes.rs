//! The three modes of the webhook connector, answered to the letter.

use serde_json::{Value, json};

use crate::agent::Agent;
use crate::http::Request;
use crate::hub::{Place, Process, SECRET, wait};

/// Two agents, one connector per mode, and a receiver.
fn hub() -> (Place, Process, Agent, Agent) {
    let agent = Agent::start();
    let receiver = Agent::start();
    let place = Place::new(&format!(
        r#"
agents:
  - {{ name: remote, runtime: http, url: "{}" }}
  - {{ name: local, runtime: command, command: ["sh", "-c", "cat > /dev/null; echo done"] }}
connectors:
  - name: orders
    type: webhook
    mode: inbound
    secret: {SECRET}
    agents: [remote, {{ agent: local, when: "input.total > 100" }}]
  - {{ name: ask, type: webhook, mode: sync, secret: "{SECRET}", agents: [local, remote] }}
  - name: results
    type: webhook
    mode: outbound
    secret: {SECRET}
    agents: [local]
    settings: {{ url: "{}", from: [orders] }}
egress: {{ allow: [127.0.0.0/8] }}
"#,
        agent.url(),
        receiver.url(),
    ));
    let process = place.start();
    (place, process, agent, receiver)
}

#[test]
fn inbound_answers_at_once_and_every_linked_agent_runs() {
    let (_place, hub, agent, _receiver) = hub();
    let answer = hub.post("orders", &json!({ "total": 120 })).expect(202);
    let runs = answer["run_ids"].as_array().unwrap();
    let event = answer["event_id"].as_str().unwrap();
    assert_eq!(answer["status"], "ok");
    assert_eq!(runs.len(), 2);
    assert_eq!(answer["dispatched_to"], 2);
    assert_eq!(answer["duplicate"], false);
    assert_eq!(answer["status_url"], format!("/c/orders/events/{event}"));
    let remote = hub.ended(&runs[0]);
    assert_eq!(remote["status"], "completed");
    assert_eq!(remote["agent_name"], "remote");
    assert_eq!(remote["output"], json!({ "total": 120 }));
    assert_eq!(hub.ended(&runs[1])["output"], "done");
    let run = &agent.seen()[0];
    assert_eq!(run["run_id"], runs[0]);
    assert_eq!(run["event"]["trust"], "secret");
    assert_eq!(
        run["connector"],
        json!({ "name": "orders", "type": "webhook", "mode": "inbound" })
    );
}

#[test]
fn a_condition_that_refuses_leaves_no_run() {
    let (_place, hub, _agent, _receiver) = hub();
    let answer = hub.post("orders", &json!({ "total": 1 })).expect(202);
    assert_eq!(answer["dispatched_to"], 1, "{answer}");
}

#[test]
fn a_repeat_with_the_same_key_gives_the_same_ids() {
    let (_place, hub, _agent, _receiver) = hub();
    let request = Request::post("/c/orders")
        .bearer(SECRET)
        .header("Idempotency-Key", "k-1");
    let first = hub
        .send(&request.clone().json(&json!({ "total": 1 })))
        .expect(202);
    let again = hub
        .send(&request.clone().json(&json!({ "total": 1 })))
        .expect(202);
    assert_eq!(first["run_ids"], again["run_ids"]);
    assert_eq!(first["event_id"], again["event_id"]);
    assert_eq!(again["duplicate"], true);
    let other = hub.send(&request.json(&json!({ "total": 2 })));
    assert_eq!(other.expect_problem(422), "idempotency-conflict");
}

#[test]
fn sync_answers_with_the_result() {
    let (_place, hub, _agent, _receiver) = hub();
    let request = Request::post("/c/ask").header("X-Tieline-Secret", SECRET);
    let answer = hub.send(&request.body("text/plain", "hello")).expect(200);
    let result = &answer["result"];
    assert_eq!(answer["status"], "ok");
    assert_eq!(result["agent_name"], "local");
    assert_eq!(result["status"], "completed");
    assert_eq!(result["output"], "done");
    assert_eq!(result["error"], Value::Null);
    assert_eq!(answer["results"][0], *result);
    assert_eq!(
        answer["results"][1]["output"],
        json!({ "message": "hello" })
    );
    let run = result["run_id"].as_str().unwrap();
    let read = Request::get(&format!("/c/ask/runs/{run}")).bearer(SECRET);
    assert_eq!(hub.send(&read).expect(200)["output"], "done");
    let elsewhere = Request::get(&format!("/c/orders/runs/{run}")).bearer(SECRET);
    assert_eq!(hub.send(&elsewhere).expect_problem(404), "not-found");
}

#[test]
fn outbound_delivers_a_signed_result() {
    let (_place, hub, _agent, receiver) = hub();
    let answer = hub.post("orders", &json!({ "total": 120 })).expect(202);
    let delivered = wait(|| receiver.seen().first().cloned());
    assert_eq!(delivered["run_id"], answer["run_ids"][1]);
    assert_eq!(delivered["agent_name"], "local");
    assert_eq!(delivered["status"], "completed");
    assert_eq!(delivered["output"], "done");
    assert_eq!(delivered["event_id"], answer["event_id"]);
    assert_eq!(delivered["connector"], "orders");
    let path = "/v1/deliveries?connector=results&status=delivered";
    let row = wait(|| hub.get(path)["data"].get(0).cloned());
    assert_eq!(row["run_id"], delivered["run_id"]);
}
