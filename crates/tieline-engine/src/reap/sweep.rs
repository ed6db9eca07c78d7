//! The sweep: what expires, what outlived its time, and what a crash left half done.

use std::sync::Arc;

use tieline_store::Retain;

use crate::Hub;
use crate::limits::{RETAIN_BATCH, SWEEP_BATCH, SWEEP_BREATH, SWEEP_EVERY};

impl Hub {
    /// Sweeps for as long as the hub works.
    pub(crate) async fn sweep(self: Arc<Self>) {
        self.sweep_displaced().await;
        loop {
            tokio::select! {
                () = tokio::time::sleep(SWEEP_EVERY) => {}
                () = self.stopping.cancelled() => return,
            }
            self.sweep_displaced().await;
            self.sweep_stale().await;
            self.forget_keys().await;
            self.retain().await;
        }
    }

    async fn forget_keys(&self) {
        loop {
            match self.store.forget_expired(self.steady(), SWEEP_BATCH).await {
                Ok(forgotten) if forgotten >= u64::from(SWEEP_BATCH) => {}
                Ok(_) => return,
                Err(error) => {
                    tracing::warn!(%error, "expired keys could not be forgotten");
                    return;
                }
            }
            if self.breathe().await {
                return;
            }
        }
    }

    /// Erases what is no longer kept, in small commits, so that nobody waits for them.
    async fn retain(&self) {
        loop {
            // An end is stamped by the wall clock. Where that was set, either clock may make what
            // has just ended look old; nothing goes before it is old by both.
            let now = self.steady().min(self.now());
            let kept = self.surroundings.load().retention;
            let retain = Retain {
                bodies_before: now.minus(kept.bodies),
                rows_before: now.minus(kept.rows),
                limit: RETAIN_BATCH,
            };
            match self.store.retain(retain).await {
                Ok(done) => {
                    self.metrics.bodies_erased.inc_by(done.bodies);
                    self.metrics.events_erased.inc_by(done.rows);
                    if !done.more {
                        return;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "what is no longer kept could not be erased");
                    return;
                }
            }
            if self.breathe().await {
                return;
            }
        }
    }

    /// Leaves the store to others for a moment; true where the hub stops.
    async fn breathe(&self) -> bool {
        tokio::select! {
            () = tokio::time::sleep(SWEEP_BREATH) => false,
            () = self.stopping.cancelled() => true,
        }
    }
}
