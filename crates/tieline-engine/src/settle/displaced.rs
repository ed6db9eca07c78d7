//! Runs whose place a newer one of their line took: each ends as cancelled, and says into which
//! it went.
//!
//! The store takes the place in the commit of the newer event, and from then on nobody claims
//! them. That they end is a second commit, which a crash may come before: the sweep finds those.

use std::sync::Arc;

use futures_util::StreamExt as _;
use tieline_model::{Policy, ProjectId, Reason, Run, RunError, RunId, RunState};
use tieline_store::Fence;

use super::cancel::cancelled;
use crate::limits::{ACTS_AT_ONCE, SWEEP_BATCH};
use crate::{EngineError, Hub};

impl Hub {
    /// Ends runs that gave up their place; returns how many. What cannot be ended now is left to
    /// the sweep.
    pub(crate) async fn end_displaced(self: &Arc<Self>, runs: Vec<(ProjectId, RunId)>) -> usize {
        let ends = runs.into_iter().map(|(project, id)| async move {
            let ended = self.end_displaced_run(project, id).await;
            if let Err(error) = &ended {
                tracing::warn!(run.id = %id, %error, "run {id} gave up its place and is not cancelled yet");
            }
            ended.unwrap_or(false)
        });
        let ended = futures_util::stream::iter(ends).buffer_unordered(ACTS_AT_ONCE);
        ended
            .filter(|ended| std::future::ready(*ended))
            .count()
            .await
    }

    /// Ends those that an earlier process left, or that could not be ended before.
    pub(crate) async fn sweep_displaced(self: &Arc<Self>) {
        while !self.stopping.is_cancelled() {
            let left = match self.store.displaced_runs(SWEEP_BATCH).await {
                Ok(left) => left,
                Err(error) => {
                    tracing::warn!(%error, "runs that gave up their place could not be looked for");
                    return;
                }
            };
            let full = left.len() >= SWEEP_BATCH as usize;
            if self.end_displaced(left).await == 0 || !full {
                return;
            }
        }
    }

    async fn end_displaced_run(
        self: &Arc<Self>,
        project: ProjectId,
        id: RunId,
    ) -> Result<bool, EngineError> {
        let run = self.run_to_settle(project, id).await?;
        let Some(into) = run.into.filter(|_| !run.state.is_final()) else {
            // It was in hand, and ended by itself first.
            return Ok(false);
        };
        let code = code(&run, self.policy_of(&run));
        let error = RunError::new(code, format!("run {into} of a newer event took its place"));
        let ended = self.settle_from_outside(&run, Fence::Open, cancelled(error));
        let ended = ended.await?.is_some();
        self.metrics.runs_displaced.inc_by(u64::from(ended));
        Ok(ended)
    }

    /// The policy of the link that a run came by, as it stands now.
    fn policy_of(&self, run: &Run) -> Policy {
        let catalog = self.catalog.load();
        let connector = catalog.connectors.get(&run.connector);
        let mut links = connector.into_iter().flat_map(|found| &found.links);
        let link = links.find(|link| link.agent == run.agent);
        link.map(|link| link.policy).unwrap_or_default()
    }
}

/// How a run lost its place, by what it was at.
fn code(run: &Run, policy: Policy) -> &'static str {
    let begun = run.attempt > 0 || run.outages > 0 || run.state == RunState::Running;
    if run.reason == Some(Reason::Debounce) {
        "debounced"
    } else if begun || policy == Policy::Replace {
        "replaced"
    } else {
        "coalesced"
    }
}
