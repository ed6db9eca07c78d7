//! A delivery: one result on its way through one outbound connector.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{
    ConnectorId, DeliveryId, EventId, Kept, ProjectId, Reason, RunError, RunId, Timestamp,
};

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    Queued,
    Running,
    Waiting,
    Delivered,
    Failed,
    Cancelled,
}

impl DeliveryState {
    pub const ALL: [Self; 6] = [
        Self::Queued,
        Self::Running,
        Self::Waiting,
        Self::Delivered,
        Self::Failed,
        Self::Cancelled,
    ];

    pub const fn is_final(self) -> bool {
        matches!(self, Self::Delivered | Self::Failed | Self::Cancelled)
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A delivery as it is stored.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub id: DeliveryId,
    pub project: ProjectId,
    /// The outbound connector.
    pub connector: ConnectorId,
    pub run: RunId,
    pub event: EventId,
    pub state: DeliveryState,
    pub reason: Option<Reason>,
    pub waiting_since: Option<Timestamp>,
    /// Attempts made so far.
    pub attempt: u32,
    pub due_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub error: Option<RunError>,
    /// The same bytes at every attempt.
    pub body: Bytes,
    /// Of `body`, which is empty where it is not whole.
    pub kept: Kept,
}

/// One try of a run or of a delivery, kept in the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// From 1.
    pub number: u32,
    pub started_at: Timestamp,
    pub ended_at: Timestamp,
    /// The status that the other side answered with, where it speaks HTTP.
    pub status: Option<u16>,
    pub error: Option<RunError>,
    /// The first bytes of the answer, as text.
    pub response: Option<String>,
}
