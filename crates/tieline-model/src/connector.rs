//! A connector: one configured type in one mode, linked to agents.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::quantity::{Rate, Span};
use crate::{DatedSecret, Name};

/// A hard wall around agents, connectors, runs and keys. Every table carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProjectId(pub i64);

impl ProjectId {
    /// The project that is there from the first start.
    pub const DEFAULT: Self = Self(1);
}

/// A connector's row in the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConnectorId(pub i64);

/// The direction in which a connector works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Fire and forget: runs are queued durably, the answer comes at once.
    Inbound,
    /// Request and response: the same request returns the result.
    Sync,
    /// When a run ends, its result is delivered outside.
    Outbound,
}

impl Mode {
    pub const ALL: [Self; 3] = [Self::Inbound, Self::Sync, Self::Outbound];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Sync => "sync",
            Self::Outbound => "outbound",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who made a row, and so who may change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ManagedBy {
    /// A configuration file: read-only through the API.
    File,
    Api,
}

/// What happens to a run whose condition or session expression fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnError {
    /// The run waits, reason `held`, until a person decides.
    #[default]
    Hold,
    /// There is no run.
    Skip,
    /// The run is queued as if the condition held.
    Run,
}

/// What ties a connector to one agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The agent's name.
    pub agent: Name,
    /// A CEL condition over `input`, `event`, `connector` and `files`; without one, always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// A CEL expression whose value is the session key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// What happens when `when` or `session` fails.
    #[serde(default)]
    pub on_error: OnError,
    /// What happens to an event whose session has a run already.
    #[serde(default, skip_serializing_if = "Policy::is_default")]
    pub policy: Policy,
    /// Waits until a session is quiet, and runs its newest event alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debounce: Option<Debounce>,
    /// Which of the agent's runs go first.
    #[serde(default, skip_serializing_if = "Priority::is_default")]
    pub priority: Priority,
}

/// What happens to an event whose session has a run that has not ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// Its run waits for its turn.
    #[default]
    Queue,
    /// Its run takes the place of the one that waits; that one ends `cancelled`.
    Coalesce,
    /// As `coalesce`, and what runs already is cancelled too.
    Replace,
    /// Its run does not wait.
    Parallel,
    /// It is refused with 409, and nothing is stored.
    Reject,
}

impl Policy {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it so")]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Waiting for quiet. Every event keeps its run: all but the newest end `cancelled`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Debounce {
    /// How long no other event may have come.
    pub quiet: Span,
    /// How long the first one waits at the most.
    #[serde(default = "Debounce::max_wait_default")]
    pub max_wait: Span,
    /// How many events are waited for at the most.
    #[serde(default = "Debounce::max_count_default")]
    #[schemars(range(min = 1, max = 100_000))]
    pub max_count: u32,
}

impl Debounce {
    const fn max_wait_default() -> Span {
        Span::from_secs(300)
    }

    const fn max_count_default() -> u32 {
        1000
    }
}

/// Which runs of an agent go first. Within a session the order of arrival stands.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    Low,
    #[default]
    Normal,
    High,
}

impl Priority {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it so")]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// One configured type in one mode, as it stands in the catalogue.
#[derive(Clone, Debug)]
pub struct Connector {
    /// Zero until the store has given one.
    pub id: ConnectorId,
    pub project: ProjectId,
    pub name: Name,
    /// The name of its type: `webhook`, …
    pub kind: String,
    pub mode: Mode,
    /// Newest first; empty only where nothing authenticates by the connector's own secret.
    pub secrets: Vec<DatedSecret>,
    pub links: Vec<Link>,
    /// How many deliveries are under way at once; `None` for the hub's default.
    pub concurrency: Option<u32>,
    /// How many deliveries begin, or how many events are taken, in a length of time.
    pub rate: Option<Rate>,
    /// What the type reads, as written; its secrets are among it.
    pub settings: Map<String, Value>,
    pub managed_by: ManagedBy,
    /// Refuses or holds what comes while set.
    pub paused: bool,
    /// Removed by its owner, and kept until its open deliveries have ended.
    pub removed: bool,
}

impl Connector {
    /// Whether its work waits. A removed one finishes what is open, paused or not.
    pub const fn is_held(&self) -> bool {
        self.paused && !self.removed
    }
}
