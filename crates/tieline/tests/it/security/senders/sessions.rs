//! T14: what a payload says of its session reaches no run of another project, and takes the place
//! of none that came by another connector.

use std::time::Duration;

use serde_json::{Value, json};

use crate::agent::Agent;
use crate::http::{Answer, Request};
use crate::hub::{KEY, Place, Process, SECRET, wait_until};

fn manage(hub: &Process, line: &str, key: &str, body: &Value) -> Answer {
    let (method, path) = line.split_once(' ').unwrap();
    let request = Request::new(method, path).bearer(key);
    hub.send(&if body.is_null() {
        request
    } else {
        request.json(body)
    })
}

/// An agent that takes its time.
fn slow() -> Agent {
    Agent::answering(|run| {
        std::thread::sleep(Duration::from_millis(1500));
        (200, json!({ "output": run["input"] }))
    })
}

fn link(name: &str, policy: &str) -> Value {
    json!({
        "name": name, "type": "webhook", "mode": "inbound", "secret": SECRET,
        "agents": [{ "agent": "remote", "session": "input.session", "policy": policy }],
    })
}

#[test]
fn a_session_of_one_project_is_none_of_another() {
    let agent = slow();
    let url = agent.url();
    let place = Place::new("agents: []\n");
    let hub = place.start();
    let make = json!({ "name": "acme", "scopes": ["admin"], "project": "acme" });
    let key = manage(&hub, "POST /v1/keys", KEY, &make).expect(201);
    let theirs = key["key"].as_str().unwrap();
    let remote = json!({ "name": "remote", "runtime": "http", "url": url });
    for key in [KEY, theirs] {
        assert_eq!(manage(&hub, "POST /v1/agents", key, &remote).status, 201);
        let made = manage(&hub, "POST /v1/connectors", key, &link("orders", "reject"));
        assert_eq!(made.status, 201, "{}", made.text());
    }
    let send = |path: &str| {
        let body = json!({ "session": "the same" });
        hub.send(&Request::post(path).bearer(SECRET).json(&body))
    };
    let ours = send("/c/orders").expect(202);
    // The session is busy for its own project, and unknown in the other.
    assert_eq!(send("/c/orders").expect_problem(409), "session-busy");
    let accepted = send("/p/acme/c/orders").expect(202);
    let run = accepted["run_ids"][0].as_str().unwrap();
    let line = format!("GET /v1/runs/{run}");
    wait_until(|| manage(&hub, &line, theirs, &Value::Null).json()["status"] == "completed");
    assert_eq!(hub.ended(&ours["run_ids"][0])["status"], "completed");
}

#[test]
fn a_payload_that_names_another_connectors_session_takes_the_place_of_nothing_there() {
    let agent = slow();
    let place = Place::new(&format!(
        "agents: [{{ name: remote, runtime: http, url: \"{}\" }}]\nconnectors:\n  - {}\n  - {}\n",
        agent.url(),
        link("trusted", "queue"),
        link("public", "replace"),
    ));
    let hub = place.start();
    let body = json!({ "session": "customer-42" });
    let first = hub.post("trusted", &body).expect(202);
    let second = hub.post("trusted", &body).expect(202);
    let crafted = hub.post("public", &body).expect(202);
    for run in [&first, &second, &crafted] {
        assert_eq!(hub.ended(&run["run_ids"][0])["status"], "completed");
    }
    assert_eq!(agent.seen().len(), 3);
}
