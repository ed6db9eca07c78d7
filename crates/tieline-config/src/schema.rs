//! The JSON Schema of a whole file (draft 2020-12), for editors.

use serde_json::{Map, Value, json};
use tieline_contract::{ConnectorType, RuntimeType};
use tieline_model::Mode;

use crate::{Types, agent, connector, hub};

/// The schema of a file that may hold everything the types offer.
///
/// Texts with a pattern may also hold `${…}`, since an editor sees them before they are replaced.
pub fn json_schema(types: &Types<'_>) -> Value {
    let mut definitions = Map::new();
    embed(&mut definitions, "hub", hub::schema().into());
    embed(
        &mut definitions,
        "agent-fields",
        agent::shared_schema().into(),
    );
    embed(
        &mut definitions,
        "connector-fields",
        connector::shared_schema().into(),
    );
    let agent = agent(types, &mut definitions);
    definitions.insert("agent".to_owned(), agent);
    let connector = connector(types, &mut definitions);
    definitions.insert("connector".to_owned(), connector);
    let mut properties = references(&definitions, "hub");
    for (list, item) in [("agents", "agent"), ("connectors", "connector")] {
        let items = json!({ "type": "array", "items": { "$ref": format!("#/$defs/{item}") } });
        properties.insert(list.to_owned(), items);
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Tieline configuration",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "$defs": definitions,
    })
}

fn agent(types: &Types<'_>, definitions: &mut Map<String, Value>) -> Value {
    let names: Vec<&str> = types.runtimes.iter().map(|runtime| runtime.name).collect();
    let mut cases = Vec::new();
    for RuntimeType { name, schema, .. } in types.runtimes {
        let definition = format!("runtime-{name}");
        embed(definitions, &definition, schema().into());
        cases.push(json!({
            "if": { "properties": { "runtime": { "const": name } }, "required": ["runtime"] },
            "then": {
                "properties": references(definitions, &definition),
                "required": required(definitions, &definition),
            },
        }));
    }
    let mut properties = references(definitions, "agent-fields");
    choose(&mut properties, "runtime", &names);
    json!({
        "type": "object",
        "properties": properties,
        "required": required(definitions, "agent-fields"),
        "allOf": cases,
        "unevaluatedProperties": false,
    })
}

fn connector(types: &Types<'_>, definitions: &mut Map<String, Value>) -> Value {
    let names: Vec<&str> = types.connectors.iter().map(|kind| kind.name).collect();
    let mut cases = Vec::new();
    for kind in types.connectors {
        let is_kind = json!({ "type": { "const": kind.name } });
        let modes: Vec<&str> = kind.modes().into_iter().map(Mode::as_str).collect();
        cases.push(json!({
            "if": { "properties": is_kind, "required": ["type"] },
            "then": { "properties": { "mode": { "enum": modes } } },
        }));
        for mode in kind.modes() {
            cases.extend(connector_case(kind, mode, definitions));
        }
    }
    let mut properties = references(definitions, "connector-fields");
    choose(&mut properties, "type", &names);
    json!({
        "type": "object",
        "properties": properties,
        "required": required(definitions, "connector-fields"),
        "allOf": cases,
        "additionalProperties": false,
    })
}

/// What holds for one type in one mode.
fn connector_case(
    kind: &ConnectorType,
    mode: Mode,
    definitions: &mut Map<String, Value>,
) -> Option<Value> {
    let definition = format!("{}-{mode}", kind.name);
    embed(definitions, &definition, kind.schema(mode)?().into());
    let needs_settings = !required(definitions, &definition).is_empty();
    let needed: &[&str] = if needs_settings { &["settings"] } else { &[] };
    Some(json!({
        "if": {
            "properties": { "type": { "const": kind.name }, "mode": { "const": mode } },
            "required": ["type", "mode"],
        },
        "then": {
            "properties": { "settings": { "$ref": format!("#/$defs/{definition}") } },
            "required": needed,
        },
    }))
}

/// Narrows a text to one of `names`.
fn choose(properties: &mut Map<String, Value>, property: &str, names: &[&str]) {
    if let Some(Value::Object(schema)) = properties.get_mut(property) {
        schema.insert("enum".to_owned(), json!(names));
    }
}

/// A reference to each property of a definition, so that others may stand beside them.
fn references(definitions: &Map<String, Value>, definition: &str) -> Map<String, Value> {
    let properties = definitions
        .get(definition)
        .and_then(|schema| schema.get("properties"));
    let properties = properties.and_then(Value::as_object);
    let reference = |name: &String| {
        let pointer = name.replace('~', "~0").replace('/', "~1");
        let target = format!("#/$defs/{definition}/properties/{pointer}");
        (name.clone(), json!({ "$ref": target }))
    };
    properties
        .into_iter()
        .flat_map(Map::keys)
        .map(reference)
        .collect()
}

fn required(definitions: &Map<String, Value>, definition: &str) -> Vec<Value> {
    let required = definitions
        .get(definition)
        .and_then(|schema| schema.get("required"));
    required
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default()
}

/// Puts a schema of its own among the definitions, its references turned to where it now stands.
fn embed(definitions: &mut Map<String, Value>, name: &str, mut schema: Value) {
    if let Some(fields) = schema.as_object_mut() {
        fields.remove("$schema");
        fields.remove("title");
    }
    turn(&mut schema, &format!("#/$defs/{name}"));
    definitions.insert(name.to_owned(), schema);
}

fn turn(schema: &mut Value, base: &str) {
    match schema {
        Value::Object(fields) => {
            for (keyword, value) in fields {
                match value {
                    Value::String(target) if keyword == "$ref" => {
                        if let Some(rest) = target.strip_prefix('#') {
                            *target = format!("{base}{rest}");
                        }
                    }
                    Value::String(pattern) if keyword == "pattern" => {
                        *pattern = format!("(?:{pattern})|\\$\\{{");
                    }
                    other => turn(other, base),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| turn(item, base)),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
