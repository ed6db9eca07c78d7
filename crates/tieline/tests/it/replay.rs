//! Again, by hand: one or many runs, events and deliveries, and the end of an event.

use serde_json::{Value, json};

use crate::hub::{Place, Process, SECRET, run, tieline, wait_until};

fn hub() -> (Place, Process) {
    let place = Place::new(&format!(
        r#"
agents: [{{ name: one, runtime: echo }}, {{ name: two, runtime: echo }}]
connectors:
  - {{ name: orders, type: webhook, mode: inbound, secret: "{SECRET}", agents: [one] }}
  - name: out
    type: webhook
    mode: outbound
    secret: "{SECRET}"
    agents: [two]
    settings: {{ url: "http://127.0.0.1:1/nowhere" }}
"#
    ));
    let hub = place.start();
    (place, hub)
}

/// Sends events and returns them once their runs have ended.
fn ended(hub: &Process, count: usize) -> Vec<Value> {
    let send = |n| hub.post("orders", &json!({ "n": n })).expect(202);
    let events: Vec<Value> = (0..count).map(send).collect();
    for event in &events {
        hub.ended(&event["run_ids"][0]);
    }
    events
}

fn id(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[track_caller]
fn done(output: (i32, String, String)) -> String {
    let (code, stdout, stderr) = output;
    assert_eq!(code, 0, "{stderr}");
    stdout
}

#[test]
fn nobody_replays_or_redrives_everything_by_leaving_something_out() {
    for args in [
        &["runs", "replay"][..],
        &["runs", "replay", "--dry-run"],
        &["runs", "replay", "--to", "two"],
        &["runs", "replay", "x", "--agent", "one"],
        &["runs", "replay", "x", "--since", "2h"],
        &["runs", "replay", "x", "--all"],
        &["runs", "cancel"],
        &["deliveries", "redrive"],
        &["deliveries", "redrive", "x", "--until", "2h"],
        &["events", "replay"],
    ] {
        let (code, stdout, stderr) = run(&mut tieline(args));
        assert_eq!((code, stdout.as_str()), (2, ""), "{args:?}");
        assert!(stderr.contains("Usage:"), "{stderr}");
    }
}

#[test]
fn many_runs_are_counted_then_replayed_to_another_agent() {
    let (_place, hub) = hub();
    ended(&hub, 3);
    let filters = [
        "runs",
        "replay",
        "--agent",
        "one",
        "--connector",
        "orders",
        "--status",
        "completed",
        "--since",
        "1h",
        "--dead-letter=false",
        "--to",
        "two",
    ];
    let dry = done(hub.command(&[&filters[..], &["--dry-run"]].concat()));
    assert_eq!(dry, "matched:  3\nreplayed: 0\n");
    assert_eq!(hub.count("/v1/runs"), 3);
    assert_eq!(done(hub.command(&filters)), "matched:  3\nreplayed: 3\n");
    assert_eq!(hub.count("/v1/runs?agent=two"), 3);
    let none = done(hub.command(&["runs", "replay", "--dead-letter"]));
    assert_eq!(none, "matched:  0\nreplayed: 0\n");
    for list in [
        &["runs", "list", "--until", "1h"][..],
        &["events", "list", "--until", "1h"],
        &["deliveries", "list", "--until", "1h"],
        &["runs", "list", "--connector", "out"],
        &["runs", "list", "--dead-letter"],
    ] {
        assert_eq!(done(hub.command(list)).lines().count(), 1, "{list:?}");
    }
    let (code, _, stderr) = hub.command(&["runs", "list", "--since", "yesterday"]);
    assert_eq!(code, 1);
    assert!(stderr.contains("RFC 3339"), "{stderr}");
}

#[test]
fn one_of_many_that_cannot_be_done_stops_none_of_the_others() {
    let (_place, hub) = hub();
    assert_eq!(hub.command(&["agents", "pause", "one"]).0, 0);
    let sent: Vec<Value> = (0..2)
        .map(|n| hub.post("orders", &json!(n)).expect(202))
        .collect();
    let [first, second] = [0, 1].map(|n: usize| id(&sent[n]["run_ids"][0]));
    let unknown = "01900000-0000-7000-8000-000000000000";
    let (code, stdout, stderr) = hub.command(&["runs", "cancel", first, unknown, second]);
    assert_eq!((code, stdout.lines().count()), (1, 3), "{stdout}");
    assert_eq!(
        stderr,
        format!("error: `{unknown}`: There is no such thing: There is no such thing.\n")
    );
    let again = [
        "runs", "replay", first, second, "--to", "two", "--output", "json",
    ];
    let again: Value = serde_json::from_str(&done(hub.command(&again))).unwrap();
    assert_eq!(again["data"].as_array().unwrap().len(), 2);
    assert_eq!(again["data"][1]["agent_name"], "two");
    assert_eq!(again["data"][1]["event_id"], sent[1]["event_id"]);
}

#[test]
fn an_event_is_replayed_and_then_erased_by_who_means_it() {
    let (_place, hub) = hub();
    let sent = ended(&hub, 1).remove(0);
    let event = id(&sent["event_id"]);
    done(hub.command(&["connectors", "pause", "out"]));
    done(hub.command(&["events", "replay", event]));
    done(hub.command(&["events", "replay", event, "--agent", "two"]));
    let path = format!("/v1/events/{event}");
    let runs = hub.get(&path)["runs"].clone();
    let agents: Vec<&str> = (0..3).map(|n| id(&runs[n]["agent_name"])).collect();
    assert_eq!(agents, ["one", "one", "two"]);
    wait_until(|| hub.get(&path)["status"] == "done");
    let (code, _, stderr) = hub.command(&["events", "erase", event]);
    assert_eq!(code, 1);
    assert!(stderr.contains("fix: add `--yes`"), "{stderr}");
    assert_eq!(hub.get(&path).get("erased"), None);
    // What is still on its way outside is not torn away from it.
    let (code, _, stderr) = hub.command(&["events", "erase", event, "--yes"]);
    assert_eq!(code, 1);
    assert!(stderr.contains("have ended"), "{stderr}");
    let other = ended(&hub, 1).remove(0);
    let event = id(&other["event_id"]);
    let text = done(hub.command(&["events", "erase", event, "--yes"]));
    assert!(text.contains("erased:") && text.contains("true"), "{text}");
    let (code, _, stderr) = hub.command(&["events", "replay", event]);
    assert_eq!(code, 1);
    assert!(stderr.contains("erased"), "{stderr}");
}

#[test]
fn deliveries_are_redriven_by_what_narrows_them_and_breakers_are_shown() {
    let (_place, hub) = hub();
    let sent = ended(&hub, 1).remove(0);
    let event = id(&sent["event_id"]);
    done(hub.command(&["events", "replay", event, "--agent", "two"]));
    let path = "/v1/deliveries?status=failed";
    wait_until(|| hub.count(path) == 1);
    let failed = [
        "deliveries",
        "redrive",
        "--connector",
        "out",
        "--since",
        "1h",
    ];
    let dry = done(hub.command(&[&failed[..], &["--dry-run"]].concat()));
    assert_eq!(dry, "matched:  1\nredriven: 0\n");
    let said = done(hub.command(&failed));
    assert_eq!(said, "matched:  1\nredriven: 1\n");
    let delivery = hub.get("/v1/deliveries")["data"][0]["delivery_id"].clone();
    wait_until(|| hub.count(path) == 1);
    let again = done(hub.command(&["deliveries", "redrive", id(&delivery)]));
    assert!(again.contains(id(&delivery)), "{again}");
    for kind in ["agents", "connectors"] {
        let text = done(hub.command(&[kind, "list"]));
        assert!(
            text.contains("BREAKER") && text.contains("closed"),
            "{text}"
        );
    }
}
