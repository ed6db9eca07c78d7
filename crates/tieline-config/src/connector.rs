//! A connector as people write it: what all connectors share, its links, and its type's settings.

mod links;

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema, schema_for};
use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value, json};
use tieline_contract::settings::{one_of, redact, walk};
use tieline_contract::{ConnectorType, Problems};
use tieline_model::quantity::Rate;
use tieline_model::{
    Connector, ConnectorId, DatedSecret, ManagedBy, Mode, Name, ProjectId, Secret,
};

use self::links::Links;
use crate::Types;
use crate::agent::hidden;

/// What all connectors share.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ConnectorFields {
    /// Its address is `/c/` and this.
    name: Name,
    /// What it speaks.
    #[serde(rename = "type")]
    kind: String,
    /// The direction in which it works.
    mode: Mode,
    /// What proves who calls, or signs what is sent: one, or a list with the newest first. Left
    /// out, it is generated and shown once.
    #[serde(default)]
    secret: Secrets,
    /// The agents that handle its events, or whose results it delivers. At least one.
    agents: Links,
    /// Outbound: how many deliveries are under way at once; left out, the hub's own default.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1000))]
    concurrency: Option<u32>,
    /// How many events are taken, or deliveries begun, in a length of time. Events above it are
    /// refused with 429; deliveries wait.
    #[serde(default)]
    rate: Option<Rate>,
    /// What its type reads.
    #[serde(default)]
    settings: Map<String, Value>,
}

pub(crate) fn shared_schema() -> Schema {
    schema_for!(ConnectorFields)
}

/// One secret or several.
#[derive(Debug, Default)]
struct Secrets(Vec<Secret>);

impl<'de> Deserialize<'de> for Secrets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let secret = |value: &Value| {
            let text = value
                .as_str()
                .ok_or_else(|| de::Error::custom("expected a text"))?;
            Secret::for_callers(text).map_err(de::Error::custom)
        };
        let secrets = written_secrets(&value)
            .into_iter()
            .map(|(_, value)| secret(value));
        secrets.collect::<Result<_, _>>().map(Self)
    }
}

impl JsonSchema for Secrets {
    fn schema_name() -> Cow<'static, str> {
        "Secrets".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let secret = generator.subschema_for::<Secret>();
        let several = json_schema!({ "type": "array", "items": secret, "minItems": 1 });
        json_schema!({ "anyOf": [secret, several] })
    }

    fn inline_schema() -> bool {
        true
    }
}

/// Each secret with its path.
fn written_secrets(value: &Value) -> Vec<(String, &Value)> {
    match value {
        Value::Array(several) => {
            let path = |n| format!("secret[{n}]");
            several
                .iter()
                .enumerate()
                .map(|(n, value)| (path(n), value))
                .collect()
        }
        Value::Null => Vec::new(),
        one => vec![("secret".to_owned(), one)],
    }
}

/// Reads a connector of the management API, with all problems at once. `agents` are the names that
/// it may link.
pub fn read_connector(
    value: &Value,
    types: &Types<'_>,
    agents: &[Name],
) -> Result<Connector, Problems> {
    let mut problems = Problems::default();
    let agents: Vec<&str> = agents.iter().map(Name::as_str).collect();
    match read(value, types, Some(&agents), &mut problems) {
        Some(connector) if problems.is_empty() => Ok(connector),
        _ => Err(problems),
    }
}

/// Reads a connector; `None` where a problem leaves none. Without `agents`, any name may be linked.
pub(crate) fn read(
    value: &Value,
    types: &Types<'_>,
    agents: Option<&[&str]>,
    problems: &mut Problems,
) -> Option<Connector> {
    let before = problems.iter().len();
    let Some(fields) = value.as_object() else {
        let fix = "write `name`, `type`, `mode` and `agents`";
        problems.add_with_fix("", "is no connector", fix);
        return None;
    };
    walk(&shared_schema(), value, problems);
    let kind = types.read_connector(fields.get("type"), problems);
    if let Some(kind) = kind {
        settings(kind, fields, problems);
    }
    for (path, secret) in fields
        .get("secret")
        .map(written_secrets)
        .unwrap_or_default()
    {
        // What is no text, or empty, has its problem already.
        let text = secret.as_str().filter(|text| !text.is_empty());
        if let Some(Err(error)) = text.map(Secret::for_callers) {
            problems.add_with_fix(&path, "is no secret", error.to_string());
        }
    }
    let list = fields.get("agents").and_then(Value::as_array);
    links::check(list.map_or(&[], Vec::as_slice), agents, problems);
    let outbound = fields.get("mode").and_then(Value::as_str) == Some(Mode::Outbound.as_str());
    if !outbound && fields.contains_key("concurrency") {
        let fix = "limit its agents' `concurrency`, or this connector's `rate`";
        problems.add_with_fix("concurrency", "is for outbound connectors", fix);
    }
    if problems.iter().len() != before {
        return None;
    }
    match serde_path_to_error::deserialize::<_, ConnectorFields>(value) {
        Ok(fields) => Some(connector(fields)),
        Err(error) => {
            problems.add(&error.path().to_string(), error.inner().to_string());
            None
        }
    }
}

/// Checks the mode against what the type offers, and the settings against their schema.
fn settings(kind: &ConnectorType, fields: &Map<String, Value>, problems: &mut Problems) {
    let written = fields.get("mode").and_then(Value::as_str);
    let Some(mode) = Mode::ALL
        .into_iter()
        .find(|mode| Some(mode.as_str()) == written)
    else {
        return;
    };
    let Some(schema) = kind.schema(mode) else {
        let offered: Vec<&str> = kind.modes().into_iter().map(Mode::as_str).collect();
        let message = format!("`{}` does not work in this mode", kind.name);
        problems.add_with_fix("mode", message, one_of("", &offered));
        return;
    };
    let empty = Value::Object(Map::new());
    let settings = fields.get("settings").unwrap_or(&empty);
    if settings.is_object() {
        let mut inner = Problems::default();
        walk(&schema(), settings, &mut inner);
        problems.extend_below("settings", inner);
    }
}

fn connector(fields: ConnectorFields) -> Connector {
    Connector {
        id: ConnectorId(0),
        project: ProjectId::DEFAULT,
        name: fields.name,
        kind: fields.kind,
        mode: fields.mode,
        secrets: fields
            .secret
            .0
            .into_iter()
            .map(DatedSecret::always)
            .collect(),
        links: fields.agents.0,
        concurrency: fields.concurrency,
        rate: fields.rate,
        settings: fields.settings,
        managed_by: ManagedBy::Api,
        paused: false,
        removed: false,
    }
}

/// A connector as it is shown: its fields as they are written, no secrets, and its state. One that
/// anybody may call says `"open": true`.
pub fn show_connector(connector: &Connector, types: &Types<'_>) -> Value {
    let mut shown = written(connector, shown_settings(connector, types));
    let mut set = |name: &str, value: Value| shown.insert(name.to_owned(), value);
    set("managed_by", json!(connector.managed_by));
    set("paused", json!(connector.paused));
    if is_open(connector) {
        set("open", json!(true));
    }
    Value::Object(shown)
}

/// Whether anybody may call it.
pub(crate) fn is_open(connector: &Connector) -> bool {
    match connector.settings.get("auth") {
        Some(Value::String(one)) => one == "none",
        Some(Value::Array(several)) => several.iter().any(|one| one == "none"),
        _ => false,
    }
}

/// The settings without secrets; those of a type that is not known any more show nothing.
pub(crate) fn shown_settings(connector: &Connector, types: &Types<'_>) -> Map<String, Value> {
    let schema = types
        .connector(&connector.kind)
        .and_then(|kind| kind.schema(connector.mode));
    let settings = Value::Object(connector.settings.clone());
    match schema.map(|schema| redact(&schema(), &settings)) {
        Some(Value::Object(shown)) => shown,
        _ => hidden(&connector.settings),
    }
}

/// The fields as people write them, over the settings given and without the secrets.
pub(crate) fn written(connector: &Connector, settings: Map<String, Value>) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    set("name", json!(connector.name));
    set("type", json!(connector.kind));
    set("mode", json!(connector.mode));
    set(
        "agents",
        connector.links.iter().map(|link| json!(link)).collect(),
    );
    if let Some(concurrency) = connector.concurrency {
        set("concurrency", json!(concurrency));
    }
    if let Some(rate) = connector.rate {
        set("rate", json!(rate));
    }
    set("settings", Value::Object(settings));
    fields
}

#[cfg(test)]
mod tests;
