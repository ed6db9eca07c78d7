//! The agents of a connector, each a name or a link with its own settings.

use std::borrow::Cow;
use std::collections::HashSet;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;
use tieline_contract::Problems;
use tieline_contract::settings::one_of;
use tieline_expression::Expression;
use tieline_model::quantity::Span;
use tieline_model::{Link, Name, OnError, Policy, Priority};

/// The list as it is written.
#[derive(Debug)]
pub(super) struct Links(pub(super) Vec<Link>);

impl<'de> Deserialize<'de> for Links {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let link = |value: Value| match value {
            Value::String(name) => Name::new(&name).map(plain).map_err(de::Error::custom),
            other => serde_json::from_value(other).map_err(de::Error::custom),
        };
        let written = Vec::<Value>::deserialize(deserializer)?;
        written
            .into_iter()
            .map(link)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

/// A link with nothing but a name.
const fn plain(agent: Name) -> Link {
    Link {
        agent,
        when: None,
        session: None,
        on_error: OnError::Hold,
        policy: Policy::Queue,
        debounce: None,
        priority: Priority::Normal,
    }
}

impl JsonSchema for Links {
    fn schema_name() -> Cow<'static, str> {
        "Links".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let name = generator.subschema_for::<Name>();
        let link = generator.subschema_for::<Link>();
        json_schema!({ "type": "array", "minItems": 1, "items": { "anyOf": [name, link] } })
    }

    fn inline_schema() -> bool {
        true
    }
}

/// Checks what the schema cannot express. Without `known`, any agent may be linked.
pub(super) fn check(links: &[Value], known: Option<&[&str]>, problems: &mut Problems) {
    let mut seen = HashSet::new();
    for (n, link) in links.iter().enumerate() {
        let (path, name) = match link.as_str() {
            Some(name) => (format!("agents[{n}]"), name),
            None => match link.get("agent").and_then(Value::as_str) {
                Some(name) => (format!("agents[{n}].agent"), name),
                None => continue,
            },
        };
        // What is no name has its problem already.
        if Name::new(name).is_ok() {
            if let Some(known) = known.filter(|known| !known.contains(&name)) {
                let fix = if known.is_empty() {
                    "define it under `agents`".to_owned()
                } else {
                    one_of(name, known)
                };
                problems.add_with_fix(&path, format!("there is no agent `{name}`"), fix);
            } else if !seen.insert(name) {
                let message = format!("agent `{name}` is linked twice");
                problems.add_with_fix(&path, message, "keep one link to it");
            }
        }
        for field in ["when", "session"] {
            let text = link.get(field).and_then(Value::as_str);
            if let Some(Err(error)) = text.map(Expression::compile) {
                let path = format!("agents[{n}].{field}");
                let fix = "write CEL over `input`, `event`, `connector` and `files`";
                problems.add_with_fix(&path, format!("is no expression: {error}"), fix);
            }
        }
        check_waiting(link, &format!("agents[{n}]"), problems);
    }
}

/// A policy and a debounce have to have something to wait for.
fn check_waiting(link: &Value, path: &str, problems: &mut Problems) {
    let policy = link.get("policy").and_then(Value::as_str);
    let has = |field: &str| link.get(field).is_some_and(|value| !value.is_null());
    if policy.is_some_and(|policy| policy != "queue") && !has("session") {
        let fix = "add a `session`, or leave the policy out";
        problems.add_with_fix(&format!("{path}.policy"), "needs a session", fix);
    }
    if policy == Some("reject") && has("debounce") {
        let message = "cannot be beside the policy `reject`";
        let fix = "choose one of the two";
        problems.add_with_fix(&format!("{path}.debounce"), message, fix);
    }
    let quiet = link.pointer("/debounce/quiet").and_then(Value::as_str);
    let span = |text: &str| text.parse::<Span>().ok();
    let Some(quiet) = quiet.and_then(span) else {
        return;
    };
    if quiet.0.is_zero() {
        let path = format!("{path}.debounce.quiet");
        problems.add_with_fix(&path, "is too short", "write at least `1ms`");
    }
    let longest = link.pointer("/debounce/max_wait").and_then(Value::as_str);
    if longest
        .and_then(span)
        .is_some_and(|longest| longest < quiet)
    {
        let path = format!("{path}.debounce.max_wait");
        problems.add_with_fix(&path, "is shorter than `quiet`", "write at least as much");
    }
}
