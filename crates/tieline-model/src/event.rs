//! An event: what arrived, before any agent saw it.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{ConnectorId, EventId, FileId, ProjectId, RunId, Timestamp};

/// How sure the hub is of who sent an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trust {
    /// A signature over the content was verified.
    Verified,
    /// The sender knew the connector's secret.
    Secret,
    /// Anyone could have sent it.
    Open,
}

impl Trust {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Secret => "secret",
            Self::Open => "open",
        }
    }
}

/// An event as it is stored.
#[derive(Clone, Debug)]
pub struct Event {
    pub id: EventId,
    pub project: ProjectId,
    pub connector: ConnectorId,
    pub received_at: Timestamp,
    pub trust: Trust,
    /// Every link's condition refused it.
    pub filtered: bool,
    /// JSON text: what agents get as `input`.
    pub input: Bytes,
    /// A JSON object: what agents get as `event` beside its id, time and trust
    /// (`headers`, `cloudevent`).
    pub meta: Bytes,
    pub files: Vec<EventFile>,
    /// In link order, then replays.
    pub runs: Vec<RunId>,
    /// Of `input` and `meta`, which are empty where they are not whole.
    pub kept: Kept,
}

/// Whether a stored body is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kept {
    #[default]
    Whole,
    /// Erased by a person, or because its time was over.
    Erased,
    /// What is stored does not open: the disk has changed it.
    Damaged,
}

/// An uploaded file of an event, without its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventFile {
    pub id: FileId,
    /// The form field that it came in; `None` where it was the whole body.
    pub field: Option<String>,
    /// A base name for display, never a path.
    pub name: Option<String>,
    pub content_type: String,
    /// Bytes.
    pub size: u64,
    /// Of the content, in lowercase hexadecimal.
    pub sha256: String,
}
