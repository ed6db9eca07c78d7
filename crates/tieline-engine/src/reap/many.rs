//! Acts on many rows at once, page by page. What comes meanwhile is not among them.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::StreamExt as _;
use tieline_model::page::PageRequest;
use tieline_model::{AgentId, DeliveryState, ProjectId, RunId};
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

    /// How many deliveries [`Hub::redrive_deliveries`] would look at.
    pub async fn count_redrives(
        &self,
        project: ProjectId,
        mut filter: DeliveryFilter,
    ) -> Result<u64, EngineError> {
        filter.state.get_or_insert(DeliveryState::Failed);
        let (mut page, mut count) = (PageRequest::first(ACT_PAGE), 0);
        loop {
            let found = self.store.deliveries(project, filter.clone(), page).await?;
            count += found.rows.len() as u64;
            match found.next {
                Some(next) => page = after(next),
                None => return Ok(count),
            }
        }
    }

    /// How many runs [`Hub::replay_runs`] would look at.
    pub async fn count_replays(
        &self,
        project: ProjectId,
        filter: RunFilter,
    ) -> Result<u64, EngineError> {
        let ended = self.ended_runs(project, filter).await?;
        Ok(u64::try_from(ended.len()).unwrap_or(u64::MAX))
    }

    async fn redrive_all(
        self: &Arc<Self>,
        project: ProjectId,
        mut filter: DeliveryFilter,
    ) -> Result<u64, EngineError> {
        filter.state.get_or_insert(DeliveryState::Failed);
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
            let outlets: BTreeSet<_> = done.done.iter().copied().collect();
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
        let mut ended = self.ended_runs(project, filter).await?;
        // In the order in which they came, so that a session's replays are in its order.
        ended.reverse();
        let mut count = 0;
        for page in ended.chunks(ACT_PAGE as usize) {
            if self.is_stopping() {
                break;
            }
            let alone: Vec<RunId> = ids(page, false);
            let acts = alone
                .into_iter()
                .map(|run| self.replay_if_kept(project, run, to));
            count += together(acts).await.count()?;
            for run in ids(page, true) {
                let replayed = self.replay_if_kept(project, run, to).await?;
                count += u64::from(replayed.is_some());
            }
        }
        Ok(count)
    }

    /// Newest first. Nothing but what has to be known of each is held in memory.
    async fn ended_runs(
        &self,
        project: ProjectId,
        filter: RunFilter,
    ) -> Result<Vec<Ended>, EngineError> {
        let (mut page, mut ended) = (PageRequest::first(ACT_PAGE), Vec::new());
        loop {
            let found = self.store.runs(project, filter.clone(), page).await?;
            let rows = found.rows.iter().filter(|run| run.state.is_final());
            ended.extend(rows.map(|run| Ended {
                id: run.id,
                ordered: run.session.is_some(),
            }));
            match found.next {
                Some(next) => page = after(next),
                None => return Ok(ended),
            }
        }
    }

    /// `None` where its event or agent is gone.
    async fn replay_if_kept(
        self: &Arc<Self>,
        project: ProjectId,
        run: RunId,
        to: Option<AgentId>,
    ) -> Result<Option<RunId>, EngineError> {
        match self.replay_run(project, run, to).await {
            Ok(id) => Ok(Some(id)),
            Err(EngineError::NotFound | EngineError::NotAllowed(_) | EngineError::NotKept(_)) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// A run that can be replayed.
struct Ended {
    id: RunId,
    /// It stands in the order of a session.
    ordered: bool,
}

fn ids(page: &[Ended], ordered: bool) -> Vec<RunId> {
    let chosen = page.iter().filter(|run| run.ordered == ordered);
    chosen.map(|run| run.id).collect()
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
