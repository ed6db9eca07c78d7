//! The forms in which secrets are written, and what is said of those that are none.

use serde_json::json;

use super::*;
use crate::samples::{SECRET, TYPES};
use crate::{read_connector, show_connector};

const OTHER: &str = "fedcba9876543210fedcba98";

fn connector(secret: &Value) -> Result<tieline_model::Connector, Problems> {
    let written = json!({
        "name": "orders", "type": "webhook", "mode": "sync", "secret": secret, "agents": ["triage"]
    });
    let agents = [tieline_model::Name::new("triage").unwrap()];
    read_connector(&written, &TYPES, &agents)
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn a_text_one_with_its_time_and_a_list_of_both_are_read() {
    let dated = json!({"value": OTHER, "not_after": "2026-11-23T00:00:00Z"});
    let both = json!({
        "value": OTHER,
        "not_before": "2026-11-22T01:00:00+01:00",
        "not_after": "2026-11-23T00:00:00Z"
    });
    for (written, wanted) in [
        (json!(SECRET), vec![(SECRET, None, None)]),
        (
            dated.clone(),
            vec![(OTHER, None, Some(time("2026-11-23T00:00:00Z")))],
        ),
        (
            json!([SECRET, both]),
            vec![
                (SECRET, None, None),
                (
                    OTHER,
                    Some(time("2026-11-22T00:00:00Z")),
                    Some(time("2026-11-23T00:00:00Z")),
                ),
            ],
        ),
        (
            json!([dated]),
            vec![(OTHER, None, Some(time("2026-11-23T00:00:00Z")))],
        ),
    ] {
        let read = connector(&written).unwrap().secrets;
        let read: Vec<_> = read
            .iter()
            .map(|one| (one.expose(), one.not_before, one.not_after))
            .collect();
        assert_eq!(read, wanted, "{written}");
    }
}

#[test]
fn what_is_no_secret_is_named_by_its_path_and_never_shown() {
    let late = json!({
        "value": SECRET,
        "not_before": "2026-11-23T00:00:00Z",
        "not_after": "2026-11-23T00:00:00Z"
    });
    for (written, path) in [
        (json!(""), "secret"),
        (json!("        "), "secret"),
        (json!("canary-short"), "secret"),
        (json!([]), "secret"),
        (json!(24), "secret"),
        (json!([SECRET, ""]), "secret[1]"),
        (json!([SECRET, null]), "secret[1]"),
        (json!([SECRET, "canary canary canary canary"]), "secret[1]"),
        (json!({"value": ""}), "secret.value"),
        (json!({"value": "canary-short"}), "secret.value"),
        (json!({"value": "***"}), "secret.value"),
        (json!({"not_after": "2026-11-23T00:00:00Z"}), "secret.value"),
        (json!({"value": SECRET, "until": "x"}), "secret.until"),
        (
            json!({"value": SECRET, "not_after": "canary"}),
            "secret.not_after",
        ),
        (json!({"value": SECRET, "not_after": 7}), "secret.not_after"),
        (
            json!([{"value": SECRET, "not_before": "2026-11-23"}]),
            "secret[0].not_before",
        ),
        (late, "secret.not_after"),
    ] {
        let problems = connector(&written).unwrap_err();
        let paths: Vec<_> = problems.iter().map(|one| one.path.as_str()).collect();
        assert!(paths.contains(&path), "{written}: {problems}");
        let told = problems.to_string();
        assert!(!told.contains("canary") && !told.contains(SECRET), "{told}");
    }
}

#[test]
fn what_is_written_is_read_again_and_what_is_shown_has_times_alone() {
    let written = json!([SECRET, {"value": OTHER, "not_after": "2026-11-23T00:00:00.000Z"}]);
    let connector = connector(&written).unwrap();
    assert_eq!(write_secrets(&connector.secrets), Some(written));
    assert_eq!(write_secrets(&[]), None);
    let shown = show_connector(&connector, &TYPES);
    let wanted = json!(["***", {"value": "***", "not_after": "2026-11-23T00:00:00.000Z"}]);
    assert_eq!(shown["secret"], wanted);
}
