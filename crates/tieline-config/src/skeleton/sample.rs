//! Values that could stand where a schema is, and how to write them.

use serde_json::{Map, Value, json};

use crate::document::scalar;

/// References and alternatives that are followed from one place.
const STEPS_MAX: usize = 16;

/// A value that fits: the default, an example, or the simplest there is. A secret comes from the
/// environment, by the name given.
pub(super) fn sample(root: &Value, schema: &Value, variable: &str) -> Value {
    sample_within(root, schema, variable, STEPS_MAX)
}

fn sample_within(root: &Value, schema: &Value, variable: &str, left: usize) -> Value {
    let Some(left) = left.checked_sub(1) else {
        return Value::Null;
    };
    let keyword = |name: &str| schema.get(name).filter(|value| !value.is_null());
    let example = keyword("examples").and_then(|examples| examples.get(0));
    if let Some(value) = keyword("default").or(example).or_else(|| keyword("const")) {
        return value.clone();
    }
    if let Some(first) = keyword("enum").and_then(|values| values.get(0)) {
        return first.clone();
    }
    let target = keyword("$ref").and_then(Value::as_str);
    let target = target.and_then(|target| root.pointer(target.strip_prefix('#')?));
    let branches = keyword("oneOf")
        .or_else(|| keyword("anyOf"))
        .and_then(Value::as_array);
    let is_something = |branch: &&Value| branch.get("type").is_none_or(|kind| kind != "null");
    let branch = branches.and_then(|branches| branches.iter().find(is_something));
    if let Some(schema) = target.or(branch) {
        return sample_within(root, schema, variable, left);
    }
    let kind = match schema.get("type") {
        Some(Value::Array(several)) => several.first().and_then(Value::as_str),
        Some(one) => one.as_str(),
        None => None,
    };
    match kind {
        Some("boolean") => json!(false),
        Some("integer" | "number") => keyword("minimum").cloned().unwrap_or_else(|| json!(1)),
        Some("array") => match (keyword("minItems"), keyword("items")) {
            (Some(_), Some(items)) => json!([sample_within(root, items, variable, left)]),
            _ => json!([]),
        },
        Some("object") => object(root, schema, variable, left),
        _ => json!(text(schema, variable)),
    }
}

fn object(root: &Value, schema: &Value, variable: &str, left: usize) -> Value {
    let mut fields = Map::new();
    let required = schema.get("required").and_then(Value::as_array);
    for name in required.into_iter().flatten().filter_map(Value::as_str) {
        let property = schema
            .get("properties")
            .and_then(|properties| properties.get(name));
        let value = property.map_or(Value::Null, |property| {
            sample_within(
                root,
                property,
                &format!("{variable}_{}", super::variable(name)),
                left,
            )
        });
        fields.insert(name.to_owned(), value);
    }
    Value::Object(fields)
}

fn text(schema: &Value, variable: &str) -> String {
    match schema.get("format").and_then(Value::as_str) {
        Some("password") => format!("${{{variable}}}"),
        Some("duration") => "30s".to_owned(),
        Some("size") => "10MiB".to_owned(),
        Some("rate") => "100/1m".to_owned(),
        Some("uri") => "https://example.com/hook".to_owned(),
        _ if variable.ends_with("URL") => "https://example.com/hook".to_owned(),
        _ => "text".to_owned(),
    }
}

/// The description, line by line.
pub(super) fn describe(schema: &Value) -> Vec<&str> {
    let text = schema
        .get("description")
        .and_then(Value::as_str)
        .unwrap_or("");
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect()
}

/// A value on one line: as a person writes it, else as JSON, which is YAML too.
pub(super) fn yaml(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        other => other.to_string(),
    }
}

fn is_plain(text: &str) -> bool {
    let simple = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | ':' | '-');
    let reference = text
        .strip_prefix("${")
        .and_then(|rest| rest.strip_suffix('}'));
    let begins_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    let is_word = begins_well && text.chars().all(simple) && !text.ends_with(':');
    let is_text = matches!(scalar::resolve(text), Ok(Value::String(_)));
    reference.unwrap_or(text).chars().all(simple) && (reference.is_some() || (is_word && is_text))
}
