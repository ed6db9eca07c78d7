//! Agents of the management API.

use serde_json::json;

use super::*;
use crate::samples::TYPES;

#[test]
fn an_agent_is_read_with_its_defaults_and_shown_without_its_secrets() {
    let written = json!({
        "name": "triage", "runtime": "command", "command": ["sh"], "env": {"KEY": "canary"}
    });
    let agent = read_agent(&written, &TYPES).unwrap();
    assert_eq!((agent.timeout.as_secs(), agent.concurrency), (300, 4));
    assert_eq!(agent.managed_by, ManagedBy::Api);
    let shown = json!({
        "name": "triage", "runtime": "command", "timeout": "5m", "concurrency": 4,
        "session_concurrency": 1,
        "retry": {
            "attempts": 3, "crashes": 5, "backoff": {"initial": "1s", "max": "5m"},
            "exhausted": "dead_letter"
        },
        "command": ["sh"], "env": {"KEY": "***"}, "managed_by": "api", "paused": false
    });
    assert_eq!(show_agent(&agent, &TYPES), shown);
}

#[test]
fn limits_of_an_agent_are_read_and_shown_as_they_are_written() {
    let written = json!({
        "name": "a", "runtime": "http", "url": "http://127.0.0.1:9/", "session_concurrency": 2,
        "rate": "100/1m", "queue_ttl": "1h", "retry": {"crashes": 2, "exhausted": "pause"}
    });
    let agent = read_agent(&written, &TYPES).unwrap();
    let shown = show_agent(&agent, &TYPES);
    for name in ["session_concurrency", "rate", "queue_ttl"] {
        assert_eq!(shown[name], written[name], "{name}");
    }
    assert_eq!(shown["retry"]["exhausted"], "pause");
    let wrong = json!({
        "name": "a", "runtime": "http", "url": "http://127.0.0.1:9/", "session_concurrency": 0,
        "rate": "fast", "queue_ttl": "0s"
    });
    let problems = read_agent(&wrong, &TYPES).unwrap_err().to_string();
    for path in [
        "session_concurrency: is too small",
        "rate: is no rate",
        "queue_ttl: is too short",
    ] {
        assert!(problems.contains(path), "{path} in {problems}");
    }
}

#[test]
fn settings_of_an_unknown_runtime_show_nothing() {
    let written = json!({"name": "a", "runtime": "http", "url": "http://canary"});
    let mut agent = read_agent(&written, &TYPES).unwrap();
    agent.runtime = "gone".to_owned();
    assert!(!show_agent(&agent, &TYPES).to_string().contains("canary"));
}

#[test]
fn problems_of_an_agent_have_paths_from_its_top() {
    let written = json!({
        "name": "A", "runtime": "http", "retry": {"attempts": 0}, "concurrency": 0, "id": 5
    });
    let problems = read_agent(&written, &TYPES).unwrap_err().to_string();
    let wanted = "\
        name: is no name (write 1 to 63 of a-z, 0-9 and `-`, beginning with a letter or a digit); \
        retry.attempts: is too small (write at least 1); \
        concurrency: is too small (write at least 1); \
        id: unknown field (write one of `url`, `secret`, `timeout`, `session_concurrency`, \
        `rate`, `queue_ttl`); \
        url: is missing (add `url: …`)";
    let sort = |text: &str| {
        let mut parts: Vec<String> = text.split("; ").map(str::to_owned).collect();
        parts.sort_unstable();
        parts
    };
    assert_eq!(sort(&problems), sort(wanted));
    assert!(read_agent(&json!([]), &TYPES).is_err());
}
