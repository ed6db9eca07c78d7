//! A connector as people write it: what all connectors share, its links, and its type's settings.

mod links;
mod secrets;

use schemars::{JsonSchema, Schema, schema_for};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tieline_contract::settings::{one_of, redact, walk};
use tieline_contract::{ConnectorType, Problems};
use tieline_model::quantity::Rate;
use tieline_model::{Connector, ConnectorId, DatedSecret, ManagedBy, Mode, Name, ProjectId};

use self::links::Links;
use self::secrets::Secrets;
use crate::Types;
use crate::agent::hidden;

pub(crate) use self::secrets::show_secrets;
pub use self::secrets::write_secrets;

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
    /// What proves who calls, or signs what is sent: one, or a list with the newest first. Each is
    /// a text of 24 to 512 characters, or has the times between which it is good. Left out, it is
    /// generated and shown once.
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
    secrets::check(fields.get("secret"), problems);
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
        secrets: fields.secret.0,
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
/// anybody may call says `"open": true`; one whose secrets have times shows those.
pub fn show_connector(connector: &Connector, types: &Types<'_>) -> Value {
    let mut shown = written(connector, shown_settings(connector, types));
    let mut set = |name: &str, value: Value| shown.insert(name.to_owned(), value);
    let dated = |one: &DatedSecret| one.not_before.is_some() || one.not_after.is_some();
    if connector.secrets.iter().any(dated) {
        set("secret", json!(show_secrets(&connector.secrets)));
    }
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
