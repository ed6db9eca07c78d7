//! Settle: an attempt's end becomes the run's state, with its deliveries, in one commit.

mod callback;
mod cancel;
mod decide;
mod displaced;
mod outlets;
mod stale;

use std::sync::Arc;

use tieline_contract::{Fault, Outcome};
use tieline_failpoint::{self as failpoint, Step};
use tieline_model::{
    Attempt, ConnectorId, DeliveryId, Kept, ProjectId, Run, RunError, RunState, Timestamp,
};
use tieline_store::{
    ClaimedDelivery, ClaimedRun, Fence, RunOutcome, SettleRun, Settled, StoreError, Written,
};

use crate::Hub;
use crate::catalog::{LiveAgent, LiveCatalog, LiveConnector};
use crate::desk::Ridden;
use crate::metrics::Status;

pub use callback::Answer;

/// A settle that is ready to be written, and the run as it will stand.
struct Ending {
    settle: SettleRun,
    /// `None` where it goes on.
    run: Option<Arc<Run>>,
}

impl Ending {
    fn outlets(&self) -> Vec<(DeliveryId, ConnectorId)> {
        let deliveries = self.settle.deliveries.iter();
        deliveries.map(|new| (new.id, new.connector)).collect()
    }
}

/// A settle that is written, and the deliveries that were claimed with it.
struct Committed {
    settled: Settled,
    ridden: Vec<Ridden<LiveConnector, ClaimedDelivery>>,
}

/// Settles an attempt. It does not give up while the store can recover: the outcome is kept in
/// hand until it is recorded, or the hub goes down and the run is taken up again.
pub(crate) async fn settle(
    hub: &Arc<Hub>,
    agent: &LiveAgent,
    claimed: ClaimedRun,
    started: Timestamp,
    result: Result<Outcome, Fault>,
) {
    let attempt = journal(&claimed.run, started, hub.clock.now(), &result);
    if attempt.is_some() {
        hub.metrics.run_attempts_failed.inc();
    }
    let at = decide::At {
        now: hub.steady(),
        random: &|| hub.random(),
    };
    let outcome = decide::decide(&claimed.run, &agent.row, result, at);
    conclude(hub, agent, &claimed, outcome, attempt).await;
}

/// Settles a claimed run that must not be started, where it is one: its input is gone, it waited
/// too long, or it has taken the hub down too often. Says whether it was.
pub(crate) async fn settle_unstarted(
    hub: &Arc<Hub>,
    agent: &LiveAgent,
    claimed: &ClaimedRun,
) -> bool {
    let ClaimedRun { run, event, .. } = claimed;
    let Some(outcome) = decide::refuse(run, event, &agent.row, hub.steady()) else {
        return false;
    };
    if event.kept == Kept::Damaged {
        tracing::error!(run.id = %run.id, "the input of run {} is damaged", run.id);
    }
    hub.metrics
        .runs_expired
        .inc_by(u64::from(decide::is_expired(&outcome)));
    conclude(hub, agent, claimed, outcome, None).await;
    true
}

/// Records what becomes of a claimed run, and tells it.
async fn conclude(
    hub: &Arc<Hub>,
    agent: &LiveAgent,
    claimed: &ClaimedRun,
    outcome: RunOutcome,
    attempt: Option<Attempt>,
) {
    let ClaimedRun { run, epoch, .. } = claimed;
    let id = run.id;
    let mut ending = hub.ending(run, Fence::Claim(*epoch), outcome);
    ending.settle.attempt = attempt;
    let mut written = hub.write(run.project, &ending.settle).await;
    if let Some(Err(reason)) = &written {
        // It would be refused for ever, and the run would stay in hand until the next start.
        tracing::error!(run.id = %id, reason, "the store refused the outcome of run {id}: it ends as failed");
        let message = "the hub could not store how the run ended; its log says more";
        let outcome = decide::failed(RunError::new("internal", message));
        ending = hub.ending(run, Fence::Claim(*epoch), outcome);
        written = hub.write(run.project, &ending.settle).await;
    }
    if let Some(Err(reason)) = &written {
        tracing::error!(run.id = %id, reason, "the store refused the results of run {id}: none is delivered");
        ending.settle.deliveries.clear();
        written = hub.write(run.project, &ending.settle).await;
    }
    failpoint::pass(Step::SettleCommitted);
    let (mut settled, mut begun) = (None, Vec::new());
    if let Some(Ok(committed)) = written {
        settled = Some(committed.settled);
        begun = hub.begin_deliveries(committed.ridden);
    }
    match (settled, &ending.run) {
        (Some(Settled::Done), Some(run)) => hub.tell(run, &ending.outlets(), &begun),
        (Some(Settled::Done), None) => {
            hub.live.put_back(id);
            goes_on(id, &ending.settle.outcome);
            agent.desk.wake();
        }
        (Some(Settled::Fenced) | None, _) => hub.live.put_back(id),
    }
}

fn goes_on(id: tieline_model::RunId, outcome: &RunOutcome) {
    match outcome {
        RunOutcome::Again(next) => {
            tracing::debug!(run.id = %id, due = %next.due_at, "run {id} goes on later");
        }
        RunOutcome::Paused { error } => {
            let error = &error.code;
            tracing::warn!(run.id = %id, error, "run {id} is paused: its attempts are used up");
        }
        RunOutcome::Ended { .. } => {}
    }
}

/// The journal's line for an attempt that did not complete its run. None for one that never
/// started: an outage of hours would fill the journal, and the run itself says what it waits for.
fn journal(
    run: &Run,
    started_at: Timestamp,
    ended_at: Timestamp,
    result: &Result<Outcome, Fault>,
) -> Option<Attempt> {
    let number = run.attempt;
    match result {
        Ok(Outcome::Completed { .. } | Outcome::Deferred) => None,
        Ok(Outcome::Failed { error, .. }) => {
            let error = Some(error.clone());
            Some(Attempt {
                number,
                started_at,
                ended_at,
                status: None,
                error,
                response: None,
            })
        }
        Err(fault) if matches!(fault.verdict, tieline_contract::Verdict::NotStarted(_)) => None,
        Err(Fault {
            error,
            status,
            response,
            ..
        }) => Some(Attempt {
            number,
            started_at,
            ended_at,
            status: *status,
            error: Some(error.clone()),
            response: response.clone(),
        }),
    }
}

/// The run as it stands once the outcome is recorded; `None` where it goes on.
fn ended(run: &Run, outcome: &RunOutcome, now: Timestamp) -> Option<Run> {
    let RunOutcome::Ended {
        state,
        output,
        error,
        usage,
        dead_letter,
    } = outcome
    else {
        return None;
    };
    Some(Run {
        state: *state,
        reason: None,
        waiting_since: None,
        due_at: None,
        ended_at: Some(now),
        output: output.clone(),
        error: error.clone(),
        usage: usage.clone(),
        dead_letter: *dead_letter,
        into: run.into.filter(|_| *state == RunState::Cancelled),
        ..run.clone()
    })
}

impl Hub {
    /// What is written for an outcome, with the deliveries that follow from it.
    fn ending(&self, run: &Run, fence: Fence, outcome: RunOutcome) -> Ending {
        // What ends is stamped with the time that is shown; what waits, with the one it waits by.
        let now = match outcome {
            RunOutcome::Ended { .. } => self.now(),
            RunOutcome::Again(_) | RunOutcome::Paused { .. } => self.steady(),
        };
        let ended = ended(run, &outcome, now).map(Arc::new);
        let deliveries = ended.as_deref().map(|run| self.results_of(run));
        let deliveries = deliveries.unwrap_or_default();
        let settle = SettleRun {
            run: run.id,
            fence,
            now,
            outcome,
            attempt: None,
            deliveries,
        };
        Ending { settle, run: ended }
    }

    /// Writes a settle, however long the store is unavailable; `Err` where it refuses it, `None`
    /// as [`Hub::record`].
    async fn write(
        &self,
        project: ProjectId,
        settle: &SettleRun,
    ) -> Option<Result<Committed, String>> {
        let write = || async {
            match self.commit_settle(project, settle.clone()).await {
                Err(StoreError::Refused { reason }) => Ok(Err(reason)),
                written => written.map(Ok),
            }
        };
        self.record(&settle.run, write).await
    }

    /// Writes a settle, and claims in its commit what can go out at once.
    async fn commit_settle(
        &self,
        project: ProjectId,
        settle: SettleRun,
    ) -> Result<Committed, StoreError> {
        let rides = self.delivery_rides(&settle.deliveries);
        let claims = rides.claims(|outlet| outlet.row.id, self.lease());
        let Written { done, claims } = self.store.settle_run(project, settle, claims).await?;
        Ok(Committed {
            settled: done,
            ridden: rides.bring(claims),
        })
    }

    /// Tells those who wait that a run has ended, and those who deliver that there is work: what
    /// of it was not `begun` already.
    fn tell(&self, run: &Arc<Run>, outlets: &[(DeliveryId, ConnectorId)], begun: &[DeliveryId]) {
        self.metrics
            .runs_ended
            .get_or_create(&Status {
                status: run.state.as_str(),
            })
            .inc();
        self.metrics.deliveries_created.inc_by(outlets.len() as u64);
        self.live.ended(run);
        for (_, outlet) in outlets.iter().filter(|(id, _)| !begun.contains(id)) {
            self.desks.wake_outlet(*outlet);
        }
        let catalog = self.catalog.load();
        if may_free_another(&catalog, run)
            && let Some(agent) = catalog.agents.get(&run.agent)
        {
            agent.desk.wake();
        }
        if run.state == RunState::Failed {
            let error = run.error.as_ref().map_or("", |error| error.code.as_str());
            tracing::debug!(run.id = %run.id, error, "run {} failed", run.id);
        }
    }

    /// Four random bytes, for jitter.
    pub(crate) fn random(&self) -> u32 {
        let mut bytes = [0; 4];
        self.entropy.fill(&mut bytes);
        u32::from_be_bytes(bytes)
    }
}

/// Whether a run that ended may have had others of its line behind it: it has a session, or its
/// link is debounced. The desk looks anyway when a place gets free, but that is before the commit
/// that lets the next one come forward.
fn may_free_another(catalog: &LiveCatalog, run: &Run) -> bool {
    let debounced = || {
        let connector = catalog.connectors.get(&run.connector);
        connector.is_some_and(|connector| {
            let mut links = connector.links.iter();
            links.any(|link| link.agent == run.agent && link.debounce.is_some())
        })
    };
    run.session.is_some() || debounced()
}
