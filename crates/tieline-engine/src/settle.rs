//! Settle: an attempt's end becomes the run's state, with its deliveries, in one commit.

mod callback;
mod cancel;
mod decide;
mod outlets;

use std::sync::Arc;

use tieline_contract::{Fault, Outcome};
use tieline_model::{Attempt, Run, RunState, Timestamp};
use tieline_store::{ClaimedRun, RunOutcome, SettleRun, Settled};

use crate::Hub;
use crate::catalog::LiveAgent;
use crate::metrics::Status;

pub use callback::Answer;

/// Settles an attempt. It does not give up while the store can recover: the outcome is kept in
/// hand until it is recorded, or the hub goes down and the run is taken up again.
pub(crate) async fn settle(
    hub: &Arc<Hub>,
    agent: &LiveAgent,
    claimed: ClaimedRun,
    started: Timestamp,
    result: Result<Outcome, Fault>,
) {
    let now = hub.clock.now();
    let attempt = journal(&claimed.run, started, now, &result);
    let random = hub.random();
    let outcome = decide::decide(&claimed.run, &agent.row, result, decide::At { now, random });
    let ended = ended(&claimed.run, &outcome, now).map(Arc::new);
    let deliveries = match &ended {
        Some(run) => hub.results_of(agent, run, &claimed.event),
        None => Vec::new(),
    };
    if attempt.is_some() {
        hub.metrics.run_attempts_failed.inc();
    }
    let retry_at = match &outcome {
        RunOutcome::Again(next) => Some(next.due_at),
        RunOutcome::Ended { .. } => None,
    };
    let outlets: Vec<_> = deliveries
        .iter()
        .map(|delivery| delivery.connector)
        .collect();
    let settle = SettleRun {
        run: claimed.run.id,
        epoch: Some(claimed.epoch),
        now,
        outcome,
        attempt,
        deliveries,
    };
    let project = claimed.run.project;
    let write = || hub.store.settle_run(project, settle.clone());
    if hub.record(&settle.run, write).await != Some(Settled::Done) {
        hub.live.put_back(claimed.run.id);
        return;
    }
    if let Some(run) = ended {
        hub.tell(&run, &outlets);
    } else {
        hub.live.put_back(claimed.run.id);
        tracing::debug!(run.id = %claimed.run.id, due = ?retry_at, "run goes on later");
        agent.desk.wake();
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
        ..run.clone()
    })
}

impl Hub {
    /// Tells those who wait that a run has ended, and those who deliver that there is work.
    fn tell(&self, run: &Arc<Run>, outlets: &[tieline_model::ConnectorId]) {
        self.metrics
            .runs_ended
            .get_or_create(&Status {
                status: run.state.as_str(),
            })
            .inc();
        self.metrics.deliveries_created.inc_by(outlets.len() as u64);
        self.live.ended(run);
        for outlet in outlets {
            self.desks.wake_outlet(*outlet);
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
