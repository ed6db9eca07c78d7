//! The management API against its own description.

use std::fmt::Write as _;
use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{feed, program};
use crate::http::Request;
use crate::hub::{KEY, Process, tieline, wait_until};

/// How many agents and connectors there are to delete.
const SPARE: usize = 40;

/// Every check but one. That whatever fits the description is accepted cannot be asked for: settings
/// are described by examples and cursors are opaque, so that nearly everything fits.
const CHECKS: [&str; 4] = [
    "--checks",
    "all",
    "--exclude-checks",
    "positive_data_acceptance",
];

#[test]
#[ignore = "needs a rig: cargo xtask test --rigs"]
fn the_api_answers_as_its_description_says() {
    let folder = tempfile::tempdir().unwrap();
    let hub = start(&folder);
    let known = fill(&hub);
    let settings = folder.path().join("schemathesis.toml");
    fs::write(&settings, configuration(&known)).unwrap();
    let document = hub.send(&Request::get("/v1/openapi.json")).expect(200);
    let description = folder.path().join("openapi.json");
    fs::write(&description, document.to_string()).unwrap();
    let mut command = program("schemathesis");
    command.current_dir(folder.path());
    command.arg("--config-file").arg(&settings).arg("run");
    // Were it read from its address, the tool would leave out that operation.
    command.arg(&description);
    command.args(["--url", &format!("http://{}", hub.address)]);
    command.args(["--max-examples", "20"]);
    command.args(CHECKS);
    command.args(["--continue-on-failure", "--generation-deterministic"]);
    command.arg("--no-color");
    let (code, said) = feed(&mut command, b"");
    assert_eq!(code, Some(0), "{said}");
    let every = operations(&document);
    for line in [
        format!("Selected: {every}/{every}"),
        format!("Tested: {every}"),
    ] {
        assert!(said.contains(&line), "{line}: {said}");
    }
}

/// How many operations the API has.
fn operations(document: &Value) -> usize {
    let paths = document["paths"].as_object().unwrap().values();
    let items = paths.flat_map(|path| path.as_object().unwrap().values());
    items.filter(|item| item["responses"].is_object()).count()
}

/// Without a file, so that `apply` is not refused.
fn start(folder: &TempDir) -> Process {
    let mut command = tieline(&["serve", "--listen", "127.0.0.1:0", "--data"]);
    command.arg(folder.path().join("data"));
    Process::start(command.env("TIELINE_ADMIN_KEY", KEY))
}

fn create(hub: &Process, kind: &str, body: &Value) {
    let request = Request::post(&format!("/v1/{kind}"));
    hub.send(&request.bearer(KEY).json(body)).expect(201);
}

/// Makes one of everything, and returns what it is called: a list of names and ids for each list.
fn fill(hub: &Process) -> Value {
    for (name, command) in [("good", "true"), ("bad", "false")] {
        let retry = json!({ "attempts": 1 });
        let agent =
            json!({ "name": name, "runtime": "command", "command": [command], "retry": retry });
        create(hub, "agents", &agent);
    }
    create(
        hub,
        "agents",
        &json!({ "name": "changed", "runtime": "echo" }),
    );
    for (name, mode, agent) in [
        ("in", "inbound", json!("good")),
        ("asks", "sync", json!("good")),
        ("fails", "sync", json!("bad")),
        (
            "holds",
            "inbound",
            json!({ "agent": "good", "when": "input.no > 1" }),
        ),
        ("changes", "inbound", json!("good")),
    ] {
        let connector = json!({ "name": name, "type": "webhook", "mode": mode, "agents": [agent] });
        create(hub, "connectors", &connector);
    }
    let out = json!({ "url": "https://results.invalid/" });
    let out = json!({ "name": "out", "type": "webhook", "mode": "outbound", "agents": ["good"], "settings": out });
    create(hub, "connectors", &out);
    let mut spare = Vec::new();
    for number in 0..SPARE {
        let name = format!("spare-{number}");
        create(hub, "agents", &json!({ "name": name, "runtime": "echo" }));
        let connector =
            json!({ "name": name, "type": "webhook", "mode": "sync", "agents": ["good"] });
        create(hub, "connectors", &connector);
        spare.push(name);
    }
    for connector in ["in", "asks", "fails"].into_iter().chain(["holds"; 20]) {
        let request = Request::post(&format!("/v1/connectors/{connector}/trigger"));
        let answer = hub.send(&request.bearer(KEY).json(&json!({})));
        assert!(
            [200, 202, 424].contains(&answer.status),
            "{}",
            answer.text()
        );
    }
    wait_until(|| hub.count("/v1/runs?status=waiting") == 20);
    wait_until(|| hub.count("/v1/deliveries") == 2);
    let ids = |list: &str, id: &str| -> Vec<Value> {
        let rows = hub.get(&format!("/v1/{list}"));
        let rows = rows["data"].as_array().unwrap();
        rows.iter().map(|row| row[id].clone()).collect()
    };
    json!({
        "spare": spare,
        "events": ids("events", "event_id"),
        // What it came to is delivered nowhere, so that it has ended and can be erased.
        "over": ids("events?connector=fails", "event_id"),
        "runs": ids("runs", "run_id"),
        "held": ids("runs?status=waiting", "run_id"),
        "deliveries": ids("deliveries", "delivery_id"),
        "agents": ["good", "bad"],
        "agent": ["changed"],
        "connectors": ["in", "asks", "fails", "holds", "out"],
        "callable": ["in", "asks", "fails"],
        "connector": ["changes"],
        "types": ["webhook"],
    })
}

/// Which names and ids an operation is tried with, beside those that are made up.
const KNOWN: [(&str, &str, &str); 21] = [
    ("GET /v1/agents/{name}", "name", "agents"),
    ("PUT /v1/agents/{name}", "name", "agent"),
    ("DELETE /v1/agents/{name}", "name", "spare"),
    ("POST /v1/agents/{name}/pause", "name", "agent"),
    ("POST /v1/agents/{name}/resume", "name", "agent"),
    ("GET /v1/connectors/{name}", "name", "connectors"),
    ("PUT /v1/connectors/{name}", "name", "connector"),
    ("DELETE /v1/connectors/{name}", "name", "spare"),
    ("POST /v1/connectors/{name}/pause", "name", "connector"),
    ("POST /v1/connectors/{name}/resume", "name", "connector"),
    ("POST /v1/connectors/{name}/trigger", "name", "callable"),
    ("GET /v1/events/{id}", "id", "events"),
    ("POST /v1/events/{id}/replay", "id", "events"),
    ("POST /v1/events/{id}/erase", "id", "over"),
    ("GET /v1/runs/{id}", "id", "runs"),
    ("POST /v1/runs/{id}/cancel", "id", "held"),
    ("POST /v1/runs/{id}/release", "id", "held"),
    ("POST /v1/runs/{id}/replay", "id", "runs"),
    ("GET /v1/deliveries/{id}", "id", "deliveries"),
    ("POST /v1/deliveries/{id}/redrive", "id", "deliveries"),
    ("GET /v1/types/{type}", "type", "types"),
];

/// The tool's settings. An operation that finds nothing to work on is a failure: it proves nothing.
fn configuration(known: &Value) -> String {
    let mut text = format!(
        "[warnings]\nfail-on = [\"missing_test_data\", \"missing_auth\"]\n\
         [auth.openapi]\nkey = {{ bearer = \"{KEY}\" }}\n"
    );
    for (name, values) in known.as_object().unwrap() {
        writeln!(text, "[dictionaries.{name}]\nvalues = {values}").unwrap();
    }
    for (operation, parameter, dictionary) in KNOWN {
        writeln!(
            text,
            "[[operations]]\ninclude-name = \"{operation}\"\n[operations.parameters]\n\
             \"path.{parameter}\" = {{ dictionary = \"{dictionary}\", probability = 0.7 }}"
        )
        .unwrap();
    }
    text
}
