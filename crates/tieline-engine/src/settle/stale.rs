//! Runs that waited for their first attempt longer than their agent's `queue_ttl`.
//!
//! A desk sees those that it claims; this finds those that nobody claims, because their agent is
//! paused, busy or down. It never touches a run that was begun.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use tieline_model::{AgentId, ProjectId, RunId};
use tieline_store::Fence;

use super::decide;
use crate::limits::{ACTS_AT_ONCE, SWEEP_BATCH};
use crate::{EngineError, Hub};

impl Hub {
    /// Ends what is too old, of every agent that says how old that is.
    pub(crate) async fn sweep_stale(self: &Arc<Self>) {
        let catalog = self.catalog.load_full();
        let mut agents: Vec<_> = catalog.agents.values().collect();
        agents.sort_by_key(|agent| agent.row.id);
        for agent in agents {
            let Some(ttl) = agent.row.queue_ttl else {
                continue;
            };
            if let Err(error) = self.sweep_stale_of(agent.row.id, ttl).await {
                let name = &agent.row.name;
                tracing::warn!(agent = %name, %error, "runs of agent `{name}` could not be expired");
            }
        }
    }

    async fn sweep_stale_of(
        self: &Arc<Self>,
        agent: AgentId,
        ttl: Duration,
    ) -> Result<(), EngineError> {
        while !self.stopping.is_cancelled() {
            let before = self.steady().minus(ttl);
            let stale = self.store.stale_runs(agent, before, SWEEP_BATCH).await?;
            let full = stale.len() >= SWEEP_BATCH as usize;
            let ends = stale
                .into_iter()
                .map(|(project, id)| self.expire(project, id, ttl));
            let mut ends = futures_util::stream::iter(ends).buffer_unordered(ACTS_AT_ONCE);
            let (mut expired, mut failed) = (0_u64, None);
            while let Some(ended) = ends.next().await {
                match ended {
                    Ok(ended) => expired += u64::from(ended),
                    Err(error) => failed = Some(error),
                }
            }
            // All were tried: one that cannot be ended keeps nobody else.
            failed.map_or(Ok(()), Err)?;
            if expired == 0 || !full {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Ends one run; false where it was begun meanwhile.
    async fn expire(
        self: &Arc<Self>,
        project: ProjectId,
        id: RunId,
        ttl: Duration,
    ) -> Result<bool, EngineError> {
        let run = self.run_to_settle(project, id).await?;
        if run.into.is_some() {
            // It ends as cancelled, which says more.
            return Ok(false);
        }
        let ended = self.settle_from_outside(&run, Fence::NeverBegun, decide::expired(ttl));
        let ended = ended.await?.is_some();
        self.metrics.runs_expired.inc_by(u64::from(ended));
        Ok(ended)
    }
}
