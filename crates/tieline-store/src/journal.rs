//! How lists are narrowed, and what a stored file is.

use bytes::Bytes;
use tieline_model::{
    AgentId, ConnectorId, DeliveryState, EventFile, EventId, Kept, ProjectId, RunId, RunState,
    Timestamp,
};

/// Which events to list.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    pub connector: Option<ConnectorId>,
    pub received: Between,
}

/// Which runs to list.
#[derive(Clone, Debug, Default)]
pub struct RunFilter {
    pub agent: Option<AgentId>,
    pub connector: Option<ConnectorId>,
    pub state: Option<RunState>,
    pub event: Option<EventId>,
    pub dead_letter: Option<bool>,
    pub queued: Between,
}

/// A range of time: from `since` on, before `until`.
///
/// A store may rely on the times in ids, which are UUIDv7: an event or a delivery got its id within
/// a day of its time, and a run at most a day after it was queued.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Between {
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
}

/// Which deliveries to list.
#[derive(Clone, Debug, Default)]
pub struct DeliveryFilter {
    pub connector: Option<ConnectorId>,
    pub state: Option<DeliveryState>,
    pub run: Option<RunId>,
    pub created: Between,
}

/// An uploaded file with its content.
#[derive(Clone, Debug)]
pub struct StoredFile {
    pub project: ProjectId,
    pub event: EventId,
    pub connector: ConnectorId,
    pub file: EventFile,
    pub content: Bytes,
    /// Of `content`, which is empty where it is not whole.
    pub kept: Kept,
}
