//! Connectors of the management API.

use serde_json::json;

use super::*;
use crate::samples::{SECRET, TYPES};

fn agents() -> Vec<Name> {
    vec![Name::new("triage").unwrap()]
}

#[test]
fn a_connector_is_read_and_shown_without_its_secrets() {
    let written = json!({
        "name": "results", "type": "webhook", "mode": "outbound", "secret": [SECRET, SECRET],
        "agents": [{"agent": "triage", "when": "input.a"}],
        "settings": {"url": "https://a", "headers": {"X-Key": "canary"}}
    });
    let connector = read_connector(&written, &TYPES, &agents()).unwrap();
    assert_eq!(connector.secrets.len(), 2);
    let shown = show_connector(&connector, &TYPES);
    let wanted = json!({
        "name": "results", "type": "webhook", "mode": "outbound",
        "agents": [{"agent": "triage", "when": "input.a", "on_error": "hold"}],
        "settings": {"url": "https://a", "headers": {"X-Key": "***"}},
        "managed_by": "api", "paused": false
    });
    assert_eq!(shown, wanted);
}

#[test]
fn an_open_connector_is_marked() {
    for (settings, open) in [
        (json!({}), None),
        (json!({"auth": "none"}), Some(&json!(true))),
    ] {
        let written = json!({
            "name": "c", "type": "webhook", "mode": "sync", "agents": ["triage"],
            "settings": settings
        });
        let connector = read_connector(&written, &TYPES, &agents()).unwrap();
        assert_eq!(show_connector(&connector, &TYPES).get("open"), open);
    }
}

#[test]
fn only_known_agents_are_linked() {
    let written = json!({"name": "c", "type": "webhook", "mode": "sync", "agents": ["triage"]});
    let problems = read_connector(&written, &TYPES, &[]).unwrap_err();
    let wanted = "agents[0]: there is no agent `triage` (define it under `agents`)";
    assert_eq!(problems.to_string(), wanted);
}

#[test]
fn a_link_says_how_its_events_wait_for_each_other() {
    let link = json!({
        "agent": "triage", "session": "input.chat", "on_error": "hold", "policy": "coalesce",
        "debounce": {"quiet": "5s", "max_wait": "1m", "max_count": 10}, "priority": "high"
    });
    let written = json!({
        "name": "c", "type": "webhook", "mode": "inbound", "agents": [link], "rate": "10/s"
    });
    let connector = read_connector(&written, &TYPES, &agents()).unwrap();
    let shown = show_connector(&connector, &TYPES);
    assert_eq!(shown["agents"], json!([link]));
    assert_eq!(shown["rate"], "10/1s");
}

#[test]
fn waiting_has_to_have_something_to_wait_for() {
    for (link, field) in [
        (
            json!({"policy": "replace"}),
            "agents[0].policy: needs a session",
        ),
        (
            json!({"session": "input.a", "policy": "reject", "debounce": {"quiet": "1s"}}),
            "agents[0].debounce: cannot be beside the policy `reject`",
        ),
        (
            json!({"debounce": {"quiet": "0s"}}),
            "agents[0].debounce.quiet: is too short",
        ),
        (
            json!({"debounce": {"quiet": "1m", "max_wait": "1s"}}),
            "agents[0].debounce.max_wait: is shorter than `quiet`",
        ),
        (
            json!({"policy": "latest"}),
            "agents[0].policy: is none of the known values",
        ),
        (
            json!({"debounce": {}}),
            "agents[0].debounce.quiet: is missing",
        ),
    ] {
        let mut link = link;
        link["agent"] = json!("triage");
        let written = json!({"name": "c", "type": "webhook", "mode": "sync", "agents": [link]});
        let problems = read_connector(&written, &TYPES, &agents()).unwrap_err();
        let problems = problems.to_string();
        assert!(problems.contains(field), "{field} in {problems}");
    }
    let written = json!({
        "name": "c", "type": "webhook", "mode": "sync", "agents": ["triage"], "concurrency": 2
    });
    let problems = read_connector(&written, &TYPES, &agents()).unwrap_err();
    assert!(
        problems
            .to_string()
            .contains("concurrency: is for outbound connectors")
    );
}
