//! How lists are narrowed, and what a stored file is.

use bytes::Bytes;
use tieline_model::{
    AgentId, ConnectorId, DeliveryState, EventFile, EventId, ProjectId, RunId, RunState,
};

/// Which events to list.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    pub connector: Option<ConnectorId>,
}

/// Which runs to list.
#[derive(Clone, Debug, Default)]
pub struct RunFilter {
    pub agent: Option<AgentId>,
    pub state: Option<RunState>,
    pub event: Option<EventId>,
}

/// Which deliveries to list.
#[derive(Clone, Debug, Default)]
pub struct DeliveryFilter {
    pub connector: Option<ConnectorId>,
    pub state: Option<DeliveryState>,
    pub run: Option<RunId>,
}

/// An uploaded file with its content.
#[derive(Clone, Debug)]
pub struct StoredFile {
    pub project: ProjectId,
    pub event: EventId,
    pub connector: ConnectorId,
    pub file: EventFile,
    pub content: Bytes,
}
