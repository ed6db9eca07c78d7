//! Why the engine did not do what it was asked.

use std::time::Duration;

use tieline_contract::{Code, Problem, Problems};
use tieline_store::StoreError;

use crate::limits::RETRY_AFTER;

/// A refusal that its caller must be told.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("the settings are not valid")]
    Settings(#[from] Problems),
    #[error("the store failed")]
    Store(#[from] StoreError),
    #[error("the same key came before with another body")]
    IdempotencyConflict,
    #[error("the event's session has a run that has not ended")]
    SessionBusy,
    #[error("the connector takes no more events for {0:?}")]
    RateLimited(Duration),
    #[error("the connector is paused")]
    Paused,
    #[error("the event's input is no longer kept")]
    NotKept(Lost),
    #[error("there is no such thing")]
    NotFound,
    #[error("{0}")]
    NotAllowed(String),
    #[error("the hub is shutting down")]
    Stopping,
}

/// How something stored got lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// Erased by a person, or because its time was over.
    Erased,
    /// Changed by the disk.
    Damaged,
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Settings(problems) => problems.into(),
            EngineError::Store(StoreError::Refused { reason }) => {
                tracing::error!(reason, "the store refused what the hub asked");
                Self::new(Code::Internal, "The hub failed; its log says more.")
            }
            EngineError::Store(error) => {
                if matches!(error, StoreError::Broken { .. }) {
                    tracing::error!(%error, "the store is damaged: `tieline doctor` says where");
                } else {
                    tracing::warn!(%error, "the store failed");
                }
                Self::new(
                    Code::StoreUnavailable,
                    "Nothing was stored. Send the same request again, with the same key.",
                )
                .retry_after(RETRY_AFTER)
            }
            EngineError::IdempotencyConflict => Self::new(
                Code::IdempotencyConflict,
                "This key came before with another body. Use a new key for a new event.",
            ),
            EngineError::SessionBusy => Self::new(
                Code::SessionBusy,
                "A run of this event's session has not ended. Send the event again once it has.",
            ),
            EngineError::RateLimited(wait) => Self::new(
                Code::RateLimited,
                "This connector takes no more events for now. Send the same request again later.",
            )
            .retry_after(wait),
            EngineError::NotKept(Lost::Erased) => Self::new(
                Code::Erased,
                "The event cannot be replayed: its input has been erased.",
            ),
            EngineError::NotKept(Lost::Damaged) => Self::new(
                Code::Damaged,
                "The event cannot be replayed: its input was damaged on the disk.",
            ),
            EngineError::Paused => Self::new(
                Code::ConnectorPaused,
                "This connector is paused and stores nothing. Send the request again later.",
            )
            .retry_after(Duration::from_mins(1)),
            EngineError::NotFound => Self::new(Code::NotFound, "There is no such thing."),
            EngineError::NotAllowed(why) => Self::new(Code::Conflict, why),
            EngineError::Stopping => Self::new(
                Code::StoreUnavailable,
                "The hub is shutting down. Send it again.",
            )
            .retry_after(RETRY_AFTER),
        }
    }
}
