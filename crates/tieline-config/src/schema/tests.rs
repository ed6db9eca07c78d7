//! The schema of the file.

use super::*;
use crate::samples::TYPES;

/// Every reference in the schema, with what it leads to.
fn references_of<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(target) if name == "$ref" => found.push(target),
                    other => references_of(other, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references_of(item, found)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let schema = json_schema(&TYPES);
    let mut found = Vec::new();
    references_of(&schema, &mut found);
    assert!(found.len() > 20);
    for target in found {
        let pointer = target.strip_prefix('#').unwrap();
        assert!(schema.pointer(pointer).is_some(), "{target}");
    }
}

#[test]
fn runtimes_types_and_modes_narrow_what_may_stand() {
    let schema = json_schema(&TYPES);
    for (pointer, wanted) in [
        (
            "/properties/shutdown/$ref",
            json!("#/$defs/hub/properties/shutdown"),
        ),
        (
            "/$defs/agent/properties/runtime/enum",
            json!(["echo", "http", "command"]),
        ),
        ("/$defs/agent/allOf/1/then/required", json!(["url"])),
        (
            "/$defs/agent/allOf/1/if/properties/runtime/const",
            json!("http"),
        ),
        (
            "/$defs/connector/properties/type/enum",
            json!(["webhook", "mail"]),
        ),
        (
            "/$defs/connector/allOf/4/then/properties/mode/enum",
            json!(["outbound"]),
        ),
        (
            "/$defs/connector/allOf/3/then/properties/settings/$ref",
            json!("#/$defs/webhook-outbound"),
        ),
        (
            "/$defs/connector/allOf/3/then/required",
            json!(["settings"]),
        ),
        ("/$defs/connector/allOf/1/then/required", json!([])),
    ] {
        assert_eq!(schema.pointer(pointer), Some(&wanted), "{pointer}");
    }
}

#[test]
fn texts_with_a_pattern_may_be_replaced_ones() {
    let schema = json_schema(&TYPES);
    let pattern = schema
        .pointer("/$defs/agent-fields/properties/name/pattern")
        .unwrap();
    assert_eq!(pattern, "(?:^[a-z0-9][a-z0-9-]{0,62}$)|\\$\\{");
}
