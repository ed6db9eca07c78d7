//! A run: one agent handling one event.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{AgentId, ConnectorId, EventId, Kept, Priority, ProjectId, RunId, Timestamp};

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    Queued,
    Running,
    Waiting,
    Completed,
    Failed,
    Cancelled,
}

impl RunState {
    pub const ALL: [Self; 6] = [
        Self::Queued,
        Self::Running,
        Self::Waiting,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
    ];

    /// Whether nothing can change it any more.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Why a run (or a delivery) waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// An attempt failed; the next one is due later.
    Retry,
    /// The agent or destination could not be reached, or said that it did not start.
    Outage,
    Paused,
    /// A condition or session expression failed; a person decides.
    Held,
    /// The agent will settle through its callback.
    Answer,
    Debounce,
}

impl Reason {
    pub const ALL: [Self; 6] = [
        Self::Retry,
        Self::Outage,
        Self::Paused,
        Self::Held,
        Self::Answer,
        Self::Debounce,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Outage => "outage",
            Self::Paused => "paused",
            Self::Held => "held",
            Self::Answer => "answer",
            Self::Debounce => "debounce",
        }
    }
}

/// What went wrong with a run or an attempt, for people and programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunError {
    /// Stable and in kebab-case: `agent-failed`, `timeout`, …
    pub code: String,
    pub message: String,
}

impl RunError {
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
        }
    }
}

/// A run as it is stored.
#[derive(Clone, Debug)]
pub struct Run {
    pub id: RunId,
    pub project: ProjectId,
    pub event: EventId,
    pub agent: AgentId,
    /// Which its event came in by.
    pub connector: ConnectorId,
    pub session: Option<String>,
    pub priority: Priority,
    pub state: RunState,
    /// Set while `Waiting`.
    pub reason: Option<Reason>,
    pub waiting_since: Option<Timestamp>,
    /// Attempts claimed so far, those that never started not counted.
    pub attempt: u32,
    /// How many of its attempts ended in a crash: of the agent, or of the hub.
    pub crashes: u32,
    /// How often in a row it could not be started.
    pub outages: u32,
    /// When it may be claimed; `None` where nothing but an act can move it.
    pub due_at: Option<Timestamp>,
    pub queued_at: Timestamp,
    /// When the last attempt began.
    pub started_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    /// JSON text.
    pub output: Option<Bytes>,
    pub error: Option<RunError>,
    /// JSON text, as the agent reported it.
    pub usage: Option<Bytes>,
    /// Failed because its attempts were used up.
    pub dead_letter: bool,
    /// The run that took its place: it is cancelled, or will be.
    pub into: Option<RunId>,
    /// Of `output` and `usage`.
    pub kept: Kept,
}
