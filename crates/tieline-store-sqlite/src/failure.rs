//! What a failure of SQLite means for the one who asked.

use rusqlite::{ErrorCode, ffi};
use tieline_store::StoreError;

/// Why a job or a read did not work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// The hub asked for what cannot be.
    #[error("{0}")]
    Refused(&'static str),
    /// A stored row cannot be what this program wrote.
    #[error("{0}")]
    Damaged(&'static str),
}

/// The three answers of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Refused,
    Unavailable,
    Broken,
}

impl Failure {
    pub(crate) fn verdict(&self) -> Verdict {
        match self {
            Self::Sqlite(rusqlite::Error::SqliteFailure(error, _)) => of_code(*error),
            // What was read has another type or value than what is ever written.
            Self::Damaged(_)
            | Self::Sqlite(
                rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::Utf8Error(..),
            ) => Verdict::Broken,
            Self::Refused(_) | Self::Sqlite(_) => Verdict::Refused,
        }
    }

    pub(crate) fn to_error(&self) -> StoreError {
        let reason = self.to_string();
        match self.verdict() {
            Verdict::Refused => StoreError::refused(reason),
            Verdict::Unavailable => StoreError::unavailable(reason),
            Verdict::Broken => StoreError::broken(reason),
        }
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        failure.to_error()
    }
}

fn of_code(error: ffi::Error) -> Verdict {
    match error.code {
        // The shared memory beside the log could not grow: the disk is full, nothing was lost.
        ErrorCode::SystemIoFailure if error.extended_code == ffi::SQLITE_IOERR_SHMSIZE => {
            Verdict::Unavailable
        }
        ErrorCode::SystemIoFailure
        | ErrorCode::DatabaseCorrupt
        | ErrorCode::NotADatabase
        | ErrorCode::ReadOnly => Verdict::Broken,
        ErrorCode::DiskFull
        | ErrorCode::DatabaseBusy
        | ErrorCode::DatabaseLocked
        | ErrorCode::OutOfMemory
        | ErrorCode::CannotOpen
        | ErrorCode::FileLockingProtocolFailed => Verdict::Unavailable,
        _ => Verdict::Refused,
    }
}
