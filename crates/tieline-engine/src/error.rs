//! Why the engine did not do what it was asked.

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
    #[error("the connector is paused")]
    Paused,
    #[error("there is no such thing")]
    NotFound,
    #[error("{0}")]
    NotAllowed(String),
    #[error("the hub is shutting down")]
    Stopping,
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
                tracing::warn!(%error, "the store failed");
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
            EngineError::Paused => Self::new(
                Code::ConnectorPaused,
                "This connector is paused and stores nothing. Send the request again later.",
            )
            .retry_after(std::time::Duration::from_mins(1)),
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
