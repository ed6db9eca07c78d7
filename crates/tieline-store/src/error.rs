//! Why a store did not do what it was asked.

/// A store's failure. Whatever it says, nothing of the transaction has happened.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// For now it cannot commit (disk full, connection lost, shutting down): answer 503.
    #[error("the store cannot commit now: {reason}")]
    Unavailable { reason: String },
    /// What it holds cannot be trusted or written any more: the process must end.
    #[error("the store is broken: {reason}")]
    Broken { reason: String },
    /// A defect in the hub: it asked for what the schema refuses.
    #[error("the store refused the request: {reason}")]
    Refused { reason: String },
}

impl StoreError {
    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable {
            reason: reason.into(),
        }
    }

    pub fn broken(reason: impl Into<String>) -> Self {
        Self::Broken {
            reason: reason.into(),
        }
    }

    pub fn refused(reason: impl Into<String>) -> Self {
        Self::Refused {
            reason: reason.into(),
        }
    }
}
