//! An outcome in hand is recorded, however long the store is unavailable.

use std::fmt::Display;

use tieline_store::StoreError;

use crate::Hub;
use crate::limits::{STORE_PAUSE_FIRST, STORE_PAUSE_MAX};

impl Hub {
    /// Writes an outcome, and tries again while the store can recover. `None` where it cannot, or
    /// where the hub goes down: the next start takes up what was in hand.
    pub(crate) async fn record<T, Writing>(
        &self,
        id: &(impl Display + Sync),
        write: impl Fn() -> Writing,
    ) -> Option<T>
    where
        Writing: Future<Output = Result<T, StoreError>>,
    {
        let mut pause = STORE_PAUSE_FIRST;
        loop {
            match write().await {
                Ok(written) => return Some(written),
                Err(StoreError::Unavailable { reason }) if !self.abandoning.is_cancelled() => {
                    tracing::warn!(%id, reason, "the outcome of {id} could not be recorded yet");
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        () = self.abandoning.cancelled() => {}
                    }
                    pause = (pause * 2).min(STORE_PAUSE_MAX);
                }
                Err(error) => {
                    tracing::error!(%id, %error, "the outcome of {id} could not be recorded");
                    return None;
                }
            }
        }
    }
}
