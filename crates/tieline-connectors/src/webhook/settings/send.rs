//! The settings of the sink: outbound.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tieline_contract::{Problems, Settings};
use tieline_model::quantity::Span;
use tieline_model::{Name, RunState, Secret};

/// Where results go, which ones, and in what form.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::webhook) struct SendSettings {
    /// Where results are posted to: `https`, or `http` to a network that `egress.allow` names.
    #[schemars(extend("format" = "uri"))]
    pub url: String,
    /// Headers to send along. Their values are kept as secrets.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
    /// How long one attempt may take.
    #[serde(default = "timeout")]
    pub timeout: Span,
    /// How a run must have ended for its result to be delivered.
    #[serde(default = "on")]
    pub on: Vec<Ending>,
    /// Delivers only results of events that came in by these connectors. Empty for all.
    #[serde(default)]
    pub from: Vec<Name>,
    /// What is posted.
    #[serde(default)]
    pub body: BodySettings,
    /// The content type of what is posted.
    #[serde(default = "content_type")]
    pub content_type: String,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::webhook) enum Ending {
    Completed,
    Failed,
    Cancelled,
}

/// What is posted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::webhook) enum BodySettings {
    /// The whole result.
    #[default]
    Full,
    /// Ids and status alone: the receiver reads the rest over the API.
    Thin,
    /// A Jinja template over the fields of the whole result.
    Template(String),
}

impl From<Ending> for RunState {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Completed => Self::Completed,
            Ending::Failed => Self::Failed,
            Ending::Cancelled => Self::Cancelled,
        }
    }
}

impl Settings for SendSettings {
    fn check(&self, problems: &mut Problems) {
        let sensible = Duration::from_secs(1)..=Duration::from_mins(10);
        if !sensible.contains(&self.timeout.0) {
            problems.add_with_fix("timeout", "is not a sensible time", "write `1s` to `10m`");
        }
        if self.on.is_empty() {
            let fix = "name at least one of `completed`, `failed`, `cancelled`";
            problems.add_with_fix("on", "is an empty list", fix);
        }
    }
}

fn timeout() -> Span {
    Span::from_secs(30)
}

fn on() -> Vec<Ending> {
    vec![Ending::Completed]
}

fn content_type() -> String {
    "application/json".to_owned()
}
