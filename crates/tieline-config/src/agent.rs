//! An agent as people write it: what all agents share, and what its runtime reads.

use std::time::Duration;

use schemars::{JsonSchema, Schema, schema_for};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tieline_contract::settings::{REDACTED, redact, walk, walk_beside};
use tieline_contract::{Problems, RuntimeType};
use tieline_model::quantity::{Rate, Span};
use tieline_model::{Agent, AgentId, ManagedBy, Name, ProjectId, Retry};

use crate::Types;

/// What all agents share. The rest of an agent's fields are its runtime's.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AgentFields {
    /// What connectors call it.
    name: Name,
    /// How it is executed.
    runtime: String,
    /// How long one attempt may take.
    #[serde(default = "default_timeout")]
    timeout: Span,
    /// How many of its runs execute at once; left out, the runtime's own default.
    #[serde(default)]
    #[schemars(range(min = 1, max = 10_000))]
    concurrency: Option<u32>,
    /// How many runs of one session execute at once.
    #[serde(default = "default_session_concurrency")]
    #[schemars(range(min = 1, max = 10_000))]
    session_concurrency: u32,
    /// How many attempts may begin in a length of time; left out, as many as there are places.
    #[serde(default)]
    rate: Option<Rate>,
    /// How long a run may wait for its first attempt before it fails; left out, as long as it
    /// takes.
    #[serde(default)]
    queue_ttl: Option<Span>,
    /// How its runs are retried.
    #[serde(default)]
    retry: Retry,
}

const fn default_timeout() -> Span {
    Span::from_secs(300)
}

const fn default_session_concurrency() -> u32 {
    1
}

/// The fields that are not the runtime's.
pub(crate) const SHARED: [&str; 8] = [
    "name",
    "runtime",
    "timeout",
    "concurrency",
    "session_concurrency",
    "rate",
    "queue_ttl",
    "retry",
];

pub(crate) fn shared_schema() -> Schema {
    schema_for!(AgentFields)
}

/// Reads an agent of the management API, with all problems at once.
pub fn read_agent(value: &Value, types: &Types<'_>) -> Result<Agent, Problems> {
    let mut problems = Problems::default();
    match read(value, types, &mut problems) {
        Some(agent) if problems.is_empty() => Ok(agent),
        _ => Err(problems),
    }
}

/// Reads an agent; `None` where a problem leaves none.
pub(crate) fn read(value: &Value, types: &Types<'_>, problems: &mut Problems) -> Option<Agent> {
    let before = problems.iter().len();
    let Some(fields) = value.as_object() else {
        problems.add_with_fix(
            "",
            "is no agent",
            "write `name`, `runtime` and what it needs",
        );
        return None;
    };
    let (shared, settings) = split(fields);
    let shared = Value::Object(shared);
    walk(&shared_schema(), &shared, problems);
    let runtime = types.read_runtime(fields.get("runtime"), problems);
    if let Some(runtime) = runtime {
        let settings = Value::Object(settings.clone());
        let mut beside = SHARED.to_vec();
        beside.retain(|name| !fields.contains_key(*name));
        walk_beside(&(runtime.schema)(), &settings, &beside, problems);
    }
    for name in ["timeout", "queue_ttl"] {
        let text = fields.get(name).and_then(Value::as_str);
        if text.is_some_and(is_zero) {
            problems.add_with_fix(name, "is too short", "write at least `1ms`");
        }
    }
    let runtime = runtime.filter(|_| problems.iter().len() == before)?;
    match serde_path_to_error::deserialize::<_, AgentFields>(shared) {
        Ok(fields) => Some(agent(fields, runtime, settings)),
        Err(error) => {
            problems.add(&error.path().to_string(), error.inner().to_string());
            None
        }
    }
}

fn agent(fields: AgentFields, runtime: &RuntimeType, settings: Map<String, Value>) -> Agent {
    Agent {
        id: AgentId(0),
        project: ProjectId::DEFAULT,
        name: fields.name,
        runtime: fields.runtime,
        timeout: fields.timeout.0,
        concurrency: fields.concurrency.unwrap_or(runtime.concurrency_default),
        session_concurrency: fields.session_concurrency,
        rate: fields.rate,
        queue_ttl: fields.queue_ttl.map(|ttl| ttl.0),
        retry: fields.retry,
        settings,
        managed_by: ManagedBy::Api,
        paused: false,
        removed: false,
    }
}

/// Parts what all agents share from what is the runtime's.
fn split(fields: &Map<String, Value>) -> (Map<String, Value>, Map<String, Value>) {
    let is_shared = |(name, _): &(String, Value)| SHARED.contains(&name.as_str());
    fields.clone().into_iter().partition(is_shared)
}

fn is_zero(text: &str) -> bool {
    text.parse::<Span>() == Ok(Span(Duration::ZERO))
}

/// An agent as it is shown: its fields as they are written, no secrets, and its state.
pub fn show_agent(agent: &Agent, types: &Types<'_>) -> Value {
    let mut shown = written(agent, &shown_settings(agent, types));
    let mut set = |name: &str, value: Value| shown.insert(name.to_owned(), value);
    set("managed_by", json!(agent.managed_by));
    set("paused", json!(agent.paused));
    Value::Object(shown)
}

/// The settings without secrets; those of a runtime that is not known any more show nothing.
pub(crate) fn shown_settings(agent: &Agent, types: &Types<'_>) -> Map<String, Value> {
    let settings = Value::Object(agent.settings.clone());
    match types
        .runtime(&agent.runtime)
        .map(|runtime| redact(&(runtime.schema)(), &settings))
    {
        Some(Value::Object(shown)) => shown,
        _ => hidden(&agent.settings),
    }
}

/// Settings of which nothing is known but their names.
pub(crate) fn hidden(settings: &Map<String, Value>) -> Map<String, Value> {
    let hide = |name: &String| (name.clone(), Value::String(REDACTED.to_owned()));
    settings.keys().map(hide).collect()
}

/// The fields as people write them, over the settings given.
pub(crate) fn written(agent: &Agent, settings: &Map<String, Value>) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    set("name", json!(agent.name));
    set("runtime", json!(agent.runtime));
    set("timeout", json!(Span(agent.timeout)));
    set("concurrency", json!(agent.concurrency));
    set("session_concurrency", json!(agent.session_concurrency));
    if let Some(rate) = agent.rate {
        set("rate", json!(rate));
    }
    if let Some(ttl) = agent.queue_ttl {
        set("queue_ttl", json!(Span(ttl)));
    }
    set("retry", json!(agent.retry));
    fields.extend(settings.clone());
    fields
}

#[cfg(test)]
mod tests;
