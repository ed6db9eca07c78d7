//! A first block for a connector: commented, and good as it stands.

mod sample;

use serde_json::{Map, Value};
use tieline_contract::{ConnectorType, RuntimeType};
use tieline_model::Mode;

use self::sample::{describe, sample, yaml};
use crate::Types;

/// A YAML document with one connector of the type and an agent for it. Without a mode, the type's
/// first. `None` where there is no such type, or it does not offer the mode.
pub fn skeleton(types: &Types<'_>, name: &str, mode: Option<Mode>) -> Option<String> {
    let kind = types.connector(name)?;
    let mode = mode.or_else(|| kind.modes().first().copied())?;
    let schema = Value::from(kind.schema(mode)?());
    let mut lines = head(kind, mode);
    lines.extend(["agents:".to_owned(), "  - name: my-agent".to_owned()]);
    lines.extend(agent(types));
    let name = kind.name;
    let secret = variable(&format!("my_{name}_secret"));
    lines.extend([
        "connectors:".to_owned(),
        format!("  - name: my-{name}"),
        format!("    type: {name}"),
        format!("    mode: {mode}"),
        "    # One, or a list with the newest first. Left out, it is generated and shown once."
            .to_owned(),
        format!("    # secret: ${{{secret}}}"),
        "    # At least one. With a condition: { agent: my-agent, when: 'input.total > 100' }"
            .to_owned(),
        "    agents: [my-agent]".to_owned(),
    ]);
    lines.extend(settings(&schema, name));
    Some(lines.join("\n") + "\n")
}

fn head(kind: &ConnectorType, mode: Mode) -> Vec<String> {
    let mut lines = vec![format!("# {}, {mode}. {}", kind.title, kind.summary)];
    let mut others = kind.modes();
    others.retain(|other| *other != mode);
    if !others.is_empty() {
        let others: Vec<&str> = others.into_iter().map(Mode::as_str).collect();
        lines.push(format!("# Its other modes: {}.", others.join(", ")));
    }
    lines
}

/// The simplest agent there is: `echo`, else one that needs no settings, else the first.
fn agent(types: &Types<'_>) -> Vec<String> {
    let schema_of = |runtime: &RuntimeType| Value::from((runtime.schema)());
    let is_bare = |runtime: &&&RuntimeType| required(&schema_of(runtime)).is_empty();
    let bare = types.runtimes.iter().find(is_bare).copied();
    let found = types.runtime("echo").or(bare);
    let Some(runtime) = found.or_else(|| types.runtimes.first().copied()) else {
        return Vec::new();
    };
    let mut lines = vec![format!("    runtime: {}", runtime.name)];
    let schema = schema_of(runtime);
    for (name, property) in properties(&schema) {
        if required(&schema).contains(&name.as_str()) {
            let value = sample(&schema, property, &variable(&format!("my_agent_{name}")));
            lines.push(format!("    {name}: {}", yaml(&value)));
        }
    }
    lines
}

/// Every setting with what it is for; those that may be left out are comments.
fn settings(schema: &Value, type_name: &str) -> Vec<String> {
    let required = required(schema);
    let mut lines = Vec::new();
    for (name, property) in properties(schema) {
        lines.extend(
            describe(property)
                .into_iter()
                .map(|line| format!("      # {line}")),
        );
        let value = sample(
            schema,
            property,
            &variable(&format!("my_{type_name}_{name}")),
        );
        let mark = if required.contains(&name.as_str()) {
            ""
        } else {
            "# "
        };
        lines.push(format!("      {mark}{name}: {}", yaml(&value)));
    }
    if !lines.is_empty() {
        // A field with nothing but comments below it would be nothing, not empty settings.
        let mark = if required.is_empty() { "# " } else { "" };
        lines.insert(0, format!("    {mark}settings:"));
    }
    lines
}

fn properties(schema: &Value) -> &Map<String, Value> {
    static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    schema
        .get("properties")
        .and_then(Value::as_object)
        .unwrap_or(&NONE)
}

fn required(schema: &Value) -> Vec<&str> {
    let required = schema.get("required").and_then(Value::as_array);
    required
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

/// A name for a variable of the environment.
fn variable(name: &str) -> String {
    name.replace('-', "_").to_ascii_uppercase()
}

#[cfg(test)]
mod tests;
