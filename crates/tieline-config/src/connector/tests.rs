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
