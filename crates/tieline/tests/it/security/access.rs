//! API keys, projects, the audit log, rotation.

use std::collections::BTreeMap;
use std::io::{Seek as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::http::{Answer, Request};
use crate::hub::{KEY, Place, Process, SECRET, run, tieline, wait_until};

/// One agent that answers, and one that is in hand for as long as a test lasts.
const AGENTS: &str = r#"
agents:
  - { name: echo, runtime: echo }
  - { name: slow, runtime: command, command: ["sleep", "50"] }
"#;

fn hub() -> (Place, Process) {
    let place = Place::new(AGENTS);
    let hub = place.start();
    (place, hub)
}

/// A request of the management API, with a key and a JSON body where there is one.
fn manage(hub: &Process, line: &str, key: &str, body: &Value) -> Answer {
    let (method, path) = line.split_once(' ').unwrap();
    let request = Request::new(method, path).bearer(key);
    let request = if body.is_null() {
        request
    } else {
        request.json(body)
    };
    hub.send(&request)
}

#[track_caller]
fn admin(hub: &Process, line: &str, body: &Value) -> Value {
    let answer = manage(hub, line, KEY, body);
    assert!(
        (200..300).contains(&answer.status),
        "{line}: {}",
        answer.text()
    );
    if answer.body.is_empty() {
        Value::Null
    } else {
        answer.json()
    }
}

/// A connector of the API with the secret of these tests.
fn connector(hub: &Process, name: &str, agent: &str) {
    let wanted = json!({"name": name, "type": "webhook", "mode": "inbound", "secret": SECRET,
        "agents": [agent]});
    admin(hub, "POST /v1/connectors", &wanted);
}

fn key_of(made: &Value) -> String {
    made["key"].as_str().unwrap().to_owned()
}

#[test]
fn keys_are_made_listed_and_revoked_by_the_command_line() {
    let (place, mut hub) = hub();
    let scopes = [
        "--scope",
        "read",
        "--scope",
        "trigger",
        "--expires-in",
        "90d",
    ];
    let (code, key, said) = hub.command(&[&["keys", "create", "ci"][..], &scopes].concat());
    assert_eq!(code, 0, "{said}");
    let key = key.trim();
    assert!(
        key.starts_with("tl_") && said.contains("shown this once"),
        "{said}"
    );
    assert_eq!(manage(&hub, "GET /v1/runs", key, &Value::Null).status, 200);
    let made = hub.command(&[
        "keys", "create", "b", "--scope", "admin", "--output", "json",
    ]);
    let second = key_of(&serde_json::from_str(&made.1).unwrap());
    let (_, listed, _) = hub.command(&["keys", "list"]);
    let row = listed.lines().find(|line| line.starts_with("ci ")).unwrap();
    let hint = &key[key.len() - 4..];
    assert!(
        row.contains("read, trigger") && row.contains(hint),
        "{listed}"
    );
    assert!(!listed.contains(key), "{listed}");
    let (code, _, said) = hub.command(&["keys", "revoke", "ci"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(manage(&hub, "GET /v1/runs", key, &Value::Null).status, 401);
    let (code, _, said) = hub.command(&["keys", "revoke", "ci"]);
    assert!(code == 1 && said.contains("no such thing"), "{said}");
    let (code, _, said) = hub.command(&["keys", "create", "x", "--scope", "all"]);
    assert!(code == 1 && said.contains("one of `read`"), "{said}");
    let (_, log, _) = hub.command(&["audit", "list", "--limit", "3"]);
    assert!(
        log.contains("key.revoke") && log.contains("127.0.0.1"),
        "{log}"
    );
    // The first key, which the environment presets no more, is revoked for good.
    hub.signal(Signal::TERM);
    hub.wait();
    let hub = Process::start(place.serve().env_remove("TIELINE_ADMIN_KEY"));
    assert_eq!(
        manage(&hub, "DELETE /v1/keys/first", &second, &Value::Null).status,
        204
    );
    drop(hub);
    let hub = Process::start(place.serve().env_remove("TIELINE_ADMIN_KEY"));
    assert_eq!(manage(&hub, "GET /v1/runs", KEY, &Value::Null).status, 401);
    assert_eq!(
        manage(&hub, "GET /v1/runs", &second, &Value::Null).status,
        200
    );
}

#[test]
fn a_preset_key_that_is_empty_or_too_short_refuses_to_start() {
    let place = Place::new(AGENTS);
    for preset in ["", " ", "\t", "tl_", "null", "short-key-0123456789"] {
        let (code, _, said) = run(place.serve().env("TIELINE_ADMIN_KEY", preset));
        assert_eq!(code, 1, "{preset:?}: {said}");
        assert!(said.contains("TIELINE_ADMIN_KEY"), "{preset:?}: {said}");
    }
    let (code, _, said) = run(&mut tieline(&["runs", "list", "--key", ""]));
    assert_eq!(code, 2, "{said}");
}

/// What many callers were answered with one secret, by when the answer came.
#[derive(Default)]
struct Seen {
    accepted: BTreeMap<&'static str, u32>,
    last: BTreeMap<&'static str, Instant>,
}

/// Calls a connector again and again with a secret, until it is told to stop.
fn caller(
    hub: &Process,
    (of, secret): (&'static str, String),
    (seen, stop): (&Arc<Mutex<Seen>>, &Arc<AtomicBool>),
) -> thread::JoinHandle<()> {
    let (address, seen, stop) = (hub.address, Arc::clone(seen), Arc::clone(stop));
    thread::spawn(move || {
        let request = Request::post("/c/orders")
            .bearer(&secret)
            .json(&json!({"n": 1}));
        while !stop.load(Ordering::SeqCst) {
            // The moment of the call: what was let in before the end is let in.
            let begun = Instant::now();
            let Ok(answer) = request.try_send(address) else {
                continue;
            };
            if answer.status == 202 {
                let mut seen = seen.lock().unwrap();
                *seen.accepted.entry(of).or_default() += 1;
                let last = seen.last.entry(of).or_insert(begun);
                *last = begun.max(*last);
            } else {
                assert!([401, 429].contains(&answer.status), "{}", answer.text());
                thread::sleep(Duration::from_millis(20));
            }
        }
    })
}

#[test]
fn a_rotated_secret_is_refused_within_a_second_under_load_and_its_streams_end() {
    let (_place, hub) = hub();
    connector(&hub, "orders", "echo");
    connector(&hub, "held", "slow");
    let held = hub.post("held", &json!(1)).expect(202)["run_ids"][0].clone();
    let stream = format!("/c/held/runs/{}/stream", held.as_str().unwrap());
    let address = hub.address;
    let reader = thread::spawn(move || {
        let answer = Request::get(&stream).bearer(SECRET).send(address);
        assert_eq!(answer.status, 200, "{}", answer.text());
        Instant::now()
    });
    let (seen, stop) = (Arc::default(), Arc::default());
    let load = (&seen, &stop);
    let mut callers: Vec<_> = (0..4)
        .map(|_| caller(&hub, ("old", SECRET.to_owned()), load))
        .collect();
    let count = |of: &str| {
        let seen: &Mutex<Seen> = &seen;
        seen.lock().unwrap().accepted.get(of).copied().unwrap_or(0)
    };
    wait_until(|| count("old") >= 50);
    let rotated = hub.command(&[
        "connectors",
        "rotate-secret",
        "orders",
        "--overlap",
        "2s",
        "--output",
        "json",
    ]);
    assert_eq!(rotated.0, 0, "{}", rotated.2);
    let shown: Value = serde_json::from_str(&rotated.1).unwrap();
    let new = shown["secret"].as_str().unwrap().to_owned();
    let rotated_at = Instant::now();
    // Both are good while the overlap lasts.
    callers.push(caller(&hub, ("new", new), load));
    wait_until(|| count("new") >= 10);
    assert!(
        rotated_at.elapsed() < Duration::from_secs(2),
        "the machine is too slow to tell"
    );
    let before = count("old");
    wait_until(|| count("old") > before);
    let none = json!({"overlap": "0s"});
    admin(&hub, "POST /v1/connectors/held/rotate-secret", &none);
    let held_until = Instant::now();
    let ended = reader.join().unwrap();
    let late = ended.saturating_duration_since(held_until);
    assert!(
        late <= Duration::from_secs(1),
        "the stream went on for {late:?}"
    );
    wait_until(|| rotated_at.elapsed() >= Duration::from_secs(5));
    stop.store(true, Ordering::SeqCst);
    for caller in callers {
        caller.join().unwrap();
    }
    let seen = seen.lock().unwrap();
    let after = seen.last["old"].saturating_duration_since(rotated_at);
    assert!(
        after <= Duration::from_secs(3),
        "the old secret was taken {after:?} after"
    );
    assert!(seen.accepted["new"] >= 10);
    let newest = seen.last["new"].duration_since(rotated_at);
    assert!(
        newest > Duration::from_secs(3),
        "the new one is taken all along: {newest:?}"
    );
}

#[test]
fn a_secret_that_the_sender_issued_is_given_on_standard_input() {
    let (_place, hub) = hub();
    connector(&hub, "github", "echo");
    let give = |input: &str| {
        let mut command = tieline(&["connectors", "rotate-secret", "github", "--from-stdin"]);
        command.env("TIELINE_HUB", format!("http://{}", hub.address));
        command.env("TIELINE_KEY", KEY).args(["--overlap", "0s"]);
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(input.as_bytes()).unwrap();
        file.rewind().unwrap();
        run(command.stdin(file))
    };
    for bad in [
        "",
        "\n",
        "canary-short\n",
        "canary-0123456789\ncanary-0123456789",
    ] {
        let (code, stdout, stderr) = give(bad);
        assert_eq!((code, &*stdout), (1, ""), "{stderr}");
        assert!(stderr.contains("standard input"), "{stderr}");
        assert!(!stderr.contains("canary"), "{stderr}");
    }
    assert_eq!(hub.post("github", &json!(1)).status, 202);
    let issued = "canary-that-github-issued-1";
    let (code, stdout, stderr) = give(&format!("{issued}\r\n"));
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains("others_until"), "{stdout}");
    assert!(![stdout, stderr].concat().contains("canary"));
    assert_eq!(hub.post("github", &json!(1)).status, 401);
    let event = Request::post("/c/github").bearer(issued).json(&json!(1));
    assert_eq!(hub.send(&event).status, 202);
    assert!(!hub.stderr().contains("canary"), "{}", hub.stderr());
}

#[test]
fn a_revoked_key_opens_nothing_and_its_streams_end_within_a_second() {
    let (_place, hub) = hub();
    connector(&hub, "held", "slow");
    let held = hub.post("held", &json!(1)).expect(202)["run_ids"][0].clone();
    let made = admin(
        &hub,
        "POST /v1/keys",
        &json!({"name": "ci", "scopes": ["read"]}),
    );
    let key = key_of(&made);
    let stream = format!("/c/held/runs/{}/stream", held.as_str().unwrap());
    let (address, own) = (hub.address, key.clone());
    let reader = thread::spawn(move || {
        let answer = Request::get(&stream).bearer(&own).send(address);
        assert_eq!(answer.status, 200, "{}", answer.text());
        Instant::now()
    });
    wait_until(|| {
        let keys = admin(&hub, "GET /v1/keys", &Value::Null);
        keys["data"][0]["name"] == "ci" && keys["data"][0]["last_used_at"].is_string()
    });
    admin(&hub, "DELETE /v1/keys/ci", &Value::Null);
    let revoked = Instant::now();
    assert_eq!(manage(&hub, "GET /v1/runs", &key, &Value::Null).status, 401);
    let late = reader.join().unwrap().saturating_duration_since(revoked);
    assert!(
        late <= Duration::from_secs(1),
        "the stream went on for {late:?}"
    );
}

#[test]
fn a_second_project_works_under_its_own_address_and_is_no_way_into_the_machine() {
    let (_place, hub) = hub();
    let wanted = [
        "keys",
        "create",
        "acme",
        "--scope",
        "admin",
        "--project",
        "acme",
    ];
    let (code, key, said) = hub.command(&wanted);
    assert_eq!(code, 0, "{said}");
    let key = key.trim();
    let agent = json!({"name": "echo", "runtime": "echo"});
    assert_eq!(manage(&hub, "POST /v1/agents", key, &agent).status, 201);
    let orders =
        json!({"name": "orders", "type": "webhook", "mode": "inbound", "agents": ["echo"]});
    let made = manage(&hub, "POST /v1/connectors", key, &orders).expect(201);
    assert_eq!(made["address"], "/p/acme/c/orders");
    let secret = made["secret"].as_str().unwrap();
    let event = Request::post("/p/acme/c/orders")
        .bearer(secret)
        .json(&json!({"n": 1}));
    let accepted = hub.send(&event).expect(202);
    let run = accepted["run_ids"][0].as_str().unwrap();
    let line = format!("GET /v1/runs/{run}");
    wait_until(|| manage(&hub, &line, key, &Value::Null).json()["status"] == "completed");
    assert_eq!(manage(&hub, &line, KEY, &Value::Null).status, 404);
    assert_eq!(hub.count("/v1/runs"), 0);
    assert_eq!(hub.post("orders", &json!(1)).status, 404);
    // A command would run as the hub, with all projects' data before it.
    let command = json!({"name": "sh", "runtime": "command", "command": ["id"]});
    let refused = manage(&hub, "POST /v1/agents", key, &command);
    assert_eq!(
        refused.expect_problem(422),
        "invalid-settings",
        "{}",
        refused.text()
    );
    assert_eq!(
        manage(&hub, "GET /v1/agents/sh", key, &Value::Null).status,
        404
    );
}

#[test]
fn what_was_done_is_in_the_audit_log_over_restarts_and_reloads() {
    let (place, mut hub) = hub();
    connector(&hub, "orders", "echo");
    admin(&hub, "POST /v1/connectors/orders/pause", &Value::Null);
    place.write(&AGENTS.replace("sleep\", \"50", "sleep\", \"51"));
    hub.signal(Signal::HUP);
    let actions = |hub: &Process| -> Vec<(String, String)> {
        let log = admin(hub, "GET /v1/audit", &Value::Null);
        let text = |entry: &Value, name: &str| entry[name].as_str().unwrap().to_owned();
        let rows = log["data"].as_array().unwrap().iter();
        rows.map(|entry| (text(entry, "actor"), text(entry, "action")))
            .collect()
    };
    let entry = |actor: &str, action: &str| (actor.to_owned(), action.to_owned());
    wait_until(|| actions(&hub)[0] == entry("file", "agent.update"));
    let expected = [
        entry("file", "agent.update"),
        entry("key", "connector.pause"),
        entry("key", "connector.pause"),
        entry("key", "connector.create"),
        entry("file", "agent.create"),
        entry("file", "agent.create"),
        entry("hub", "key.create"),
    ];
    assert_eq!(actions(&hub), expected);
    hub.signal(Signal::TERM);
    hub.wait();
    let hub = place.start();
    assert_eq!(
        actions(&hub),
        expected,
        "a start that changes nothing adds nothing"
    );
    let log = admin(&hub, "GET /v1/audit", &Value::Null);
    for (place, outcome) in [(1, "ended"), (2, "begun")] {
        let pause = &log["data"][place];
        assert_eq!(
            (&pause["from"], &pause["outcome"]),
            (&json!("127.0.0.1"), &json!(outcome))
        );
        assert_eq!(
            (&pause["key"], &pause["target"]),
            (&json!("first"), &json!("orders"))
        );
    }
    assert_eq!(log["data"][1]["begun"], log["data"][2]["position"]);
}
