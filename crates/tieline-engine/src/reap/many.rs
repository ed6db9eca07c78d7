//! Acts on many rows at once, page by page. What comes meanwhile is not among them.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::StreamExt as _;
use tieline_model::page::PageRequest;
use tieline_model::{AgentId, DeliveryState, ProjectId};
use tieline_store::{Change, DeliveryFilter, RunFilter};

use crate::limits::{ACT_PAGE, ACTS_AT_ONCE};
use crate::{EngineError, Hub};

impl Hub {
    /// Gives more attempts to all deliveries that the filter takes; without a state those that
    /// failed. Returns how many. It goes on where the caller goes away, and ends where the hub
    /// stops: what it did stands, and the rest can be asked for again.
    pub async fn redrive_deliveries(
        self: &Arc<Self>,
        project: ProjectId,
        filter: DeliveryFilter,
    ) -> Result<u64, EngineError> {
        let hub = Arc::clone(self);
        self.finish(async move { hub.redrive_all(project, filter).await })
            .await
    }

    /// Replays all runs that have ended and that the filter takes, with the agent of each or with
    /// another. Returns how many were queued; those whose event or agent is gone are left out.
    /// The originals stay as they are. It goes on where the caller goes away.
    pub async fn replay_runs(
        self: &Arc<Self>,
        project: ProjectId,
        filter: RunFilter,
        to: Option<AgentId>,
    ) -> Result<u64, EngineError> {
        let hub = Arc::clone(self);
        self.finish(async move { hub.replay_all(project, filter, to).await })
            .await
    }

    async fn redrive_all(
        self: &Arc<Self>,
        project: ProjectId,
        filter: DeliveryFilter,
    ) -> Result<u64, EngineError> {
        let filter = DeliveryFilter {
            state: filter.state.or(Some(DeliveryState::Failed)),
            ..filter
        };
        let (mut page, mut count) = (PageRequest::first(ACT_PAGE), 0);
        loop {
            let found = self.store.deliveries(project, filter.clone(), page).await?;
            let acts = found.rows.into_iter().map(|delivery| async move {
                let now = self.steady();
                let act = self.store.redrive_delivery(project, delivery.id, now);
                let done = act.await? == Change::Done;
                Ok::<_, EngineError>(done.then_some(delivery.connector))
            });
            let done = together(acts).await;
            let outlets: HashSet<_> = done.done.iter().copied().collect();
            for outlet in outlets {
                self.resume_outlet(outlet);
            }
            count += done.count()?;
            match found.next.filter(|_| !self.is_stopping()) {
                Some(next) => page = after(next),
                None => return Ok(count),
            }
        }
    }

    async fn replay_all(
        self: &Arc<Self>,
        project: ProjectId,
        filter: RunFilter,
        to: Option<AgentId>,
    ) -> Result<u64, EngineError> {
        let (mut page, mut count) = (PageRequest::first(ACT_PAGE), 0);
        loop {
            let found = self.store.runs(project, filter.clone(), page).await?;
            let ended = found.rows.into_iter().filter(|run| run.state.is_final());
            let acts = ended.map(|run| async move {
                match self.replay_run(project, run.id, to).await {
                    Ok(id) => Ok(Some(id)),
                    Err(
                        EngineError::NotFound
                        | EngineError::NotAllowed(_)
                        | EngineError::NotKept(_),
                    ) => Ok(None),
                    Err(error) => Err(error),
                }
            });
            count += together(acts).await.count()?;
            match found.next.filter(|_| !self.is_stopping()) {
                Some(next) => page = after(next),
                None => return Ok(count),
            }
        }
    }
}

/// What became of the acts on one page.
struct Together<T> {
    done: Vec<T>,
    failed: Option<EngineError>,
}

impl<T> Together<T> {
    fn count(self) -> Result<u64, EngineError> {
        let count = u64::try_from(self.done.len()).unwrap_or(u64::MAX);
        self.failed.map_or(Ok(count), Err)
    }
}

/// Carries out acts side by side, all of them, also where one fails.
async fn together<T>(
    acts: impl Iterator<Item: Future<Output = Result<Option<T>, EngineError>>>,
) -> Together<T> {
    let mut acts = futures_util::stream::iter(acts).buffer_unordered(ACTS_AT_ONCE);
    let (mut done, mut failed) = (Vec::new(), None);
    while let Some(act) = acts.next().await {
        match act {
            Ok(result) => done.extend(result),
            Err(error) => failed = Some(error),
        }
    }
    Together { done, failed }
}

fn after(next: [u8; 16]) -> PageRequest {
    PageRequest {
        limit: ACT_PAGE,
        before: Some(next),
    }
}
