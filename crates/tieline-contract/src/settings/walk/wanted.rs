//! Types of values, and the words for them.

use serde_json::Value;

use crate::settings::schema::{Place, type_of};

/// What a value is, in words, without showing it.
pub(super) fn found(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(true) => "`true`",
        Value::Bool(false) => "`false`",
        other => words(type_of(other)),
    }
}

fn words(kind: &str) -> &'static str {
    match kind {
        "null" => "nothing",
        "boolean" => "`true` or `false`",
        "integer" => "a whole number",
        "number" => "a number",
        "array" => "a list",
        "object" => "fields",
        _ => "a text",
    }
}

/// What is wrong with a value whose type is not the one that is wanted, and what to write.
pub(super) fn wrong_type(place: &Place<'_>, value: &Value) -> (String, String) {
    let types: Vec<&str> = place.types().into_iter().filter(|t| *t != "null").collect();
    let names: Vec<&str> = types.iter().map(|kind| expected(place, kind)).collect();
    let message = format!("expected {}, found {}", names.join(" or "), found(value));
    let fix = match (types.as_slice(), value) {
        (["string"], Value::Number(_)) if place.text("format") == Some("duration") => {
            "write it with a unit, as in `30s`".to_owned()
        }
        (["string"], Value::Number(_)) if place.text("format") == Some("size") => {
            "write it with a unit, as in `10MiB`".to_owned()
        }
        (["string"], Value::Number(_)) if place.text("format") == Some("rate") => {
            "write it with a length of time, as in `100/1m`".to_owned()
        }
        (["string"], Value::Number(_) | Value::Bool(_)) => "put it in quotes".to_owned(),
        (["array"], Value::String(_) | Value::Number(_) | Value::Object(_)) => {
            "write it as a list, as in `[…]`".to_owned()
        }
        (["integer" | "number"], Value::String(text)) if text.parse::<f64>().is_ok() => {
            "write it without quotes".to_owned()
        }
        _ => format!("write {}", names.join(" or ")),
    };
    (message, fix)
}

fn expected(place: &Place<'_>, kind: &str) -> &'static str {
    match (kind, place.text("format")) {
        ("string", Some("duration")) => "a duration",
        ("string", Some("size")) => "a size",
        ("string", Some("rate")) => "a rate",
        _ => words(kind),
    }
}

/// What is wrong with a value that none of several alternatives takes.
pub(super) fn no_alternative(root: &Value, branches: &[Value], value: &Value) -> (String, String) {
    let mut names: Vec<&str> = Vec::new();
    for branch in branches {
        let place = Place::new(root, branch);
        let types = place.value_types(root);
        names.extend(types.into_iter().filter(|t| *t != "null").map(words));
    }
    names.dedup();
    let names = names.join(" or ");
    (
        format!("expected {names}, found {}", found(value)),
        format!("write {names}"),
    )
}

/// What could stand at a place, to show how to write it.
pub(super) fn sample(place: &Place<'_>) -> &'static str {
    match (place.types().first(), place.text("format")) {
        (_, Some("duration")) => "30s",
        (_, Some("size")) => "10MiB",
        (_, Some("rate")) => "100/1m",
        (_, Some("uri")) => "https://…",
        (Some(&"boolean"), _) => "true",
        (Some(&"integer" | &"number"), _) => "1",
        (Some(&"array"), _) => "[…]",
        (Some(&"object"), _) => "{…}",
        _ => "…",
    }
}
