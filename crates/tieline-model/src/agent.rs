//! An agent: what executes runs.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::quantity::Rate;
use crate::{ManagedBy, Name, ProjectId, Retry};

/// An agent's row in the catalogue. Small and stable, unlike a name that may come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AgentId(pub i64);

/// What executes runs, as it stands in the catalogue.
#[derive(Clone, Debug)]
pub struct Agent {
    /// Zero until the store has given one.
    pub id: AgentId,
    pub project: ProjectId,
    pub name: Name,
    /// The name of its runtime: `http`, `command`, `echo`, …
    pub runtime: String,
    /// The time that one attempt may take.
    pub timeout: Duration,
    /// How many of its runs execute at once.
    pub concurrency: u32,
    /// How many runs of one session execute at once.
    pub session_concurrency: u32,
    /// How many of its attempts begin in a length of time.
    pub rate: Option<Rate>,
    /// How long a run may wait for its first attempt before it fails.
    pub queue_ttl: Option<Duration>,
    pub retry: Retry,
    /// What the runtime reads, as written; its secrets are among it.
    pub settings: Map<String, Value>,
    pub managed_by: ManagedBy,
    /// Claims nothing while set; events are still accepted.
    pub paused: bool,
    /// Removed by its owner, and kept until its open runs have ended.
    pub removed: bool,
}

impl Agent {
    /// Whether its work waits. A removed one finishes what is open, paused or not.
    pub const fn is_held(&self) -> bool {
        self.paused && !self.removed
    }
}
