//! Standard Webhooks against the specification's own Python library.

use serde_json::{Value, json};

use super::{Speaker, ask, script};
use crate::agent::Agent;
use crate::http::{Answer, Request};
use crate::hub::{Place, Process, SECRET, wait};

/// The secret of another connector.
const OTHER: &str = "whsec_ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=";
const BODY: &str = r#"{"order":42,"note":"Grüße"}"#;

fn hub(agent: &Agent) -> (Place, Process) {
    let place = Place::new(&format!(
        r#"
agents: [{{ name: remote, runtime: http, url: "{}" }}]
connectors:
  - {{ name: orders, type: webhook, mode: inbound, secret: "{SECRET}", agents: [remote] }}
  - {{ name: others, type: webhook, mode: inbound, secret: "{OTHER}", agents: [remote] }}
"#,
        agent.url(),
    ));
    let process = place.start();
    (place, process)
}

/// The headers that the library makes; the age is in seconds.
fn sign(secret: &str, id: &str, age: i32, body: &str) -> Value {
    let age = age.to_string();
    ask(script("sign.py").args([secret, id, &age]), body.as_bytes())
}

fn send(hub: &Process, headers: &Value, body: &str) -> Answer {
    let mut request = Request::post("/c/orders").body("application/json", body);
    for (name, value) in headers.as_object().unwrap() {
        request = request.header(name, value.as_str().unwrap());
    }
    hub.send(&request)
}

#[test]
#[ignore = "needs a rig: cargo xtask test --rigs"]
fn what_the_library_signs_is_verified_and_its_id_is_the_key() {
    let agent = Agent::start();
    let (_place, hub) = hub(&agent);
    let first = send(&hub, &sign(SECRET, "msg_1", 0, BODY), BODY).expect(202);
    assert_eq!(first["duplicate"], false);
    let event = first["event_id"].as_str().unwrap();
    let shown = hub.get(&format!("/v1/events/{event}"));
    assert_eq!(shown["trust"], "verified");
    let run = hub.ended(&first["run_ids"][0]);
    assert_eq!(run["output"], json!({ "order": 42, "note": "Grüße" }));
    assert_eq!(agent.seen()[0]["event"]["trust"], "verified");
    // Signed anew: the id alone makes it a repeat, whatever an unsigned header says.
    let mut again = sign(SECRET, "msg_1", 2, BODY);
    again["idempotency-key"] = json!("another");
    let again = send(&hub, &again, BODY).expect(202);
    assert_eq!(again["duplicate"], true);
    assert_eq!(again["run_ids"], first["run_ids"]);
    assert_eq!(again["event_id"], first["event_id"]);
    let other = BODY.replace("42", "43");
    let conflict = send(&hub, &sign(SECRET, "msg_1", 0, &other), &other);
    assert_eq!(conflict.expect_problem(422), "idempotency-conflict");
    let fresh = send(&hub, &sign(SECRET, "msg_2", 0, BODY), BODY).expect(202);
    assert_eq!(fresh["duplicate"], false);
    assert_ne!(fresh["event_id"], first["event_id"]);
    hub.ended(&fresh["run_ids"][0]);
    assert_eq!(agent.seen().len(), 2);
}

#[test]
#[ignore = "needs a rig: cargo xtask test --rigs"]
fn what_the_library_did_not_sign_so_is_refused() {
    let agent = Agent::start();
    let (_place, hub) = hub(&agent);
    let good = sign(SECRET, "msg_1", 0, BODY);
    let mut renamed = good.clone();
    renamed["webhook-id"] = json!("msg_2");
    for (what, headers, body) in [
        ("one byte", good.clone(), BODY.replace("42", "43").as_str()),
        ("one byte more", good.clone(), &format!("{BODY} ")),
        ("another id", renamed, BODY),
        ("old", sign(SECRET, "msg_1", 310, BODY), BODY),
        ("of the future", sign(SECRET, "msg_1", -310, BODY), BODY),
        ("another's secret", sign(OTHER, "msg_1", 0, BODY), BODY),
    ] {
        let answer = send(&hub, &headers, body);
        assert_eq!(answer.status, 401, "{what}: {}", answer.text());
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{what}");
        assert_eq!(answer.expect_problem(401), "unauthorized", "{what}");
    }
    assert_eq!(hub.count("/v1/events"), 0);
    assert_eq!(hub.count("/v1/runs"), 0);
    // What is only late is taken: it was the age that was refused.
    for age in [240, -240] {
        let id = format!("late{age}");
        send(&hub, &sign(SECRET, &id, age, BODY), BODY).expect(202);
    }
    send(&hub, &good, BODY).expect(202);
}

#[test]
#[ignore = "needs a rig: cargo xtask test --rigs"]
fn deliveries_are_verified_by_the_library() {
    let receiver = Speaker::start(script("receive.py").args([SECRET, OTHER]));
    let port = receiver.next()["port"].as_u64().unwrap();
    let place = Place::new(&format!(
        r#"
agents: [{{ name: parrot, runtime: echo }}]
connectors:
  - {{ name: orders, type: webhook, mode: inbound, secret: "{SECRET}", agents: [parrot] }}
  - name: results
    type: webhook
    mode: outbound
    secret: {SECRET}
    agents: [parrot]
    settings: {{ url: "http://127.0.0.1:{port}/hook?a=b", headers: {{ X-Own: mine }} }}
egress: {{ allow: [127.0.0.0/8] }}
"#,
    ));
    let hub = place.start();
    let event = hub
        .post("orders", &json!({ "note": "Grüße\u{1f600}" }))
        .expect(202);
    let run = hub.ended(&event["run_ids"][0]);
    let refused = receiver.next();
    judge(&refused, &run, &event);
    let taken = receiver.next();
    judge(&taken, &run, &event);
    assert_eq!(refused["body"], taken["body"]);
    let header = |delivery: &Value, name: &str| delivery["headers"][name].clone();
    assert_eq!(
        header(&refused, "webhook-id"),
        header(&taken, "webhook-id"),
        "a receiver drops repeats by it"
    );
    let time = |delivery| -> u64 {
        let text = header(delivery, "webhook-timestamp");
        text.as_str().unwrap().parse().unwrap()
    };
    assert!(time(&refused) < time(&taken), "{refused} {taken}");
    let id = header(&taken, "webhook-id");
    let path = format!("/v1/deliveries/{}", id.as_str().unwrap());
    let delivery = wait(|| {
        let delivery = hub.get(&path);
        (delivery["status"] == "delivered").then_some(delivery)
    });
    assert_eq!(delivery["attempts"][0]["status"], 500);
    assert_eq!(delivery["attempts"][1]["status"], 200);
    assert_eq!(delivery["attempts"].as_array().unwrap().len(), 2);
    assert!(
        receiver.rest().is_empty(),
        "it was delivered once too often"
    );
}

/// One delivery, as the receiver saw it.
fn judge(delivery: &Value, run: &Value, event: &Value) {
    assert_eq!(delivery["verified"], true, "{delivery}");
    assert_eq!(delivery["by_other"], false, "any secret does: {delivery}");
    assert_eq!(delivery["path"], "/hook?a=b");
    assert_eq!(delivery["headers"]["content-type"], "application/json");
    assert_eq!(delivery["headers"]["x-own"], "mine");
    // The first four are fixed, and stand first.
    let fields = [
        "run_id",
        "agent_name",
        "status",
        "output",
        "type",
        "error",
        "event_id",
        "connector",
        "started_at",
        "ended_at",
        "attempt",
        "usage",
    ];
    assert_eq!(delivery["fields"], json!(fields));
    let expected = json!({
        "run_id": run["run_id"],
        "agent_name": "parrot",
        "status": "completed",
        "output": { "note": "Grüße\u{1f600}" },
        "type": "run.completed",
        "error": null,
        "event_id": event["event_id"],
        "connector": "orders",
        "started_at": run["started_at"],
        "ended_at": run["ended_at"],
        "attempt": 1,
        "usage": null,
    });
    assert_eq!(delivery["result"], expected);
}
