//! Reap: what time or a person frees: expired keys, held runs, dead deliveries.

use std::sync::Arc;

use tieline_model::{DeliveryId, ProjectId, RunId};
use tieline_store::Change;

use crate::limits::{SWEEP_BATCH, SWEEP_EVERY};
use crate::{EngineError, Hub};

impl Hub {
    /// Frees a held run: it is queued as if its condition had held.
    pub async fn release_run(&self, project: ProjectId, run: RunId) -> Result<(), EngineError> {
        let change = self
            .store
            .release_held(project, run, self.clock.now())
            .await?;
        allowed(change, "Only a run that is held can be released.")?;
        self.desks.wake_all();
        Ok(())
    }

    /// Gives a dead delivery more attempts, beginning now.
    pub async fn redrive_delivery(
        &self,
        project: ProjectId,
        delivery: DeliveryId,
    ) -> Result<(), EngineError> {
        let change = self
            .store
            .redrive_delivery(project, delivery, self.clock.now())
            .await?;
        allowed(
            change,
            "Only a delivery that failed, was cancelled or waits can be redriven.",
        )?;
        self.desks.wake_all();
        Ok(())
    }

    /// Forgets what has expired, for as long as the hub works.
    pub(crate) async fn sweep(self: Arc<Self>) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(SWEEP_EVERY) => {}
                () = self.stopping.cancelled() => return,
            }
            loop {
                match self
                    .store
                    .forget_expired(self.clock.now(), SWEEP_BATCH)
                    .await
                {
                    Ok(forgotten) if forgotten >= u64::from(SWEEP_BATCH) => {}
                    Ok(_) => break,
                    Err(error) => {
                        tracing::warn!(%error, "expired keys could not be forgotten");
                        break;
                    }
                }
            }
        }
    }
}

fn allowed(change: Change, otherwise: &str) -> Result<(), EngineError> {
    match change {
        Change::Done => Ok(()),
        Change::NotFound => Err(EngineError::NotFound),
        Change::NotAllowed => Err(EngineError::NotAllowed(otherwise.to_owned())),
    }
}
