//! How attempts end.

use tieline_model::{
    Attempt, Delivery, DeliveryState, Kept, ProjectId, Reason, Run, RunError, RunState, Timestamp,
};

use super::accept::refuse_known;
use super::line::{is_in_hand, is_never_begun};
use super::{Held, State};
use crate::{
    Counts, DeliveryOutcome, Epoch, Fence, NewDelivery, Next, RunOutcome, SettleDelivery,
    SettleRun, Settled, StoreError,
};

impl State {
    pub(super) fn settle_run(
        &mut self,
        project: ProjectId,
        settle: SettleRun,
    ) -> Result<Settled, StoreError> {
        let key = (project, settle.run);
        if self.largest.is_some_and(|most| largest(&settle) > most) {
            return Err(StoreError::refused("a body is too large"));
        }
        let Some(held) = self.runs.get_mut(&key) else {
            return Ok(Settled::Fenced);
        };
        if !lets_through(settle.fence, held) {
            return Ok(Settled::Fenced);
        }
        match settle.outcome {
            RunOutcome::Ended { state, .. } if !state.is_final() => {
                return Err(StoreError::refused("a run cannot end in this state"));
            }
            RunOutcome::Ended {
                state,
                output,
                error,
                usage,
                dead_letter,
            } => {
                let ids = settle.deliveries.iter().map(|new| (project, new.id));
                refuse_known(&self.deliveries, ids.collect())?;
                let row = &mut held.row;
                row.state = state;
                row.output = output;
                row.error = error;
                row.usage = usage;
                row.dead_letter = dead_letter;
                row.reason = None;
                row.waiting_since = None;
                row.due_at = None;
                row.ended_at = Some(settle.now);
                row.into = row.into.filter(|_| state == RunState::Cancelled);
                let run = row.clone();
                for new in settle.deliveries {
                    self.create(&run, new, settle.now);
                }
            }
            RunOutcome::Again(next) => again(&mut held.row, next, settle.now),
            RunOutcome::Paused { error } => pause(&mut held.row, error, settle.now),
        }
        self.runs.get_mut(&key).expect("it was there above").node = None;
        self.record(project, *settle.run.as_bytes(), settle.attempt);
        self.make_way(key);
        Ok(Settled::Done)
    }

    fn create(&mut self, run: &Run, new: NewDelivery, now: Timestamp) {
        let failed = new.failed.is_some();
        let row = Delivery {
            id: new.id,
            project: run.project,
            connector: new.connector,
            run: run.id,
            event: run.event,
            state: if failed {
                DeliveryState::Failed
            } else {
                DeliveryState::Queued
            },
            reason: None,
            waiting_since: None,
            attempt: 0,
            due_at: (!failed).then_some(now),
            created_at: now,
            ended_at: failed.then_some(now),
            error: new.failed,
            body: new.body,
            kept: Kept::Whole,
        };
        let held = Held {
            row,
            epoch: Epoch(0),
            node: None,
        };
        self.deliveries.insert((run.project, new.id), held);
    }

    pub(super) fn settle_delivery(
        &mut self,
        project: ProjectId,
        settle: SettleDelivery,
    ) -> Result<Settled, StoreError> {
        let Some(held) = self.deliveries.get_mut(&(project, settle.delivery)) else {
            return Ok(Settled::Fenced);
        };
        let may_settle = match settle.epoch {
            Some(epoch) => held.row.state == DeliveryState::Running && held.epoch == epoch,
            None => !held.row.state.is_final(),
        };
        if !may_settle {
            return Ok(Settled::Fenced);
        }
        match settle.outcome {
            DeliveryOutcome::Ended { state, .. } if !state.is_final() => {
                return Err(StoreError::refused("a delivery cannot end in this state"));
            }
            DeliveryOutcome::Ended { state, error } => {
                end_delivery(&mut held.row, state, error, settle.now);
            }
            DeliveryOutcome::Again(next) => {
                let row = &mut held.row;
                row.state = DeliveryState::Waiting;
                row.reason = Some(next.reason);
                row.waiting_since = Some(settle.now);
                row.due_at = Some(next.due_at);
                row.error = next.error;
                if next.counts == Counts::Outage {
                    row.attempt = row.attempt.saturating_sub(1);
                }
            }
        }
        held.node = None;
        self.record(project, *settle.delivery.as_bytes(), settle.attempt);
        Ok(Settled::Done)
    }

    fn record(&mut self, project: ProjectId, owner: [u8; 16], attempt: Option<Attempt>) {
        if let Some(attempt) = attempt {
            self.attempts
                .entry((project, owner))
                .or_default()
                .push(attempt);
        }
    }
}

/// Of the bodies that a settle brings.
fn largest(settle: &SettleRun) -> usize {
    let results = settle.deliveries.iter().map(|new| new.body.len());
    let output = match &settle.outcome {
        RunOutcome::Ended { output, .. } => output.as_ref().map_or(0, bytes::Bytes::len),
        RunOutcome::Again(_) | RunOutcome::Paused { .. } => 0,
    };
    results.max().unwrap_or(0).max(output)
}

fn lets_through(fence: Fence, held: &Held<Run>) -> bool {
    match fence {
        Fence::Claim(epoch) => is_in_hand(&held.row) && held.epoch == epoch,
        Fence::Open => !held.row.state.is_final(),
        Fence::NeverBegun => is_never_begun(&held.row),
    }
}

fn again(row: &mut Run, next: Next, now: Timestamp) {
    row.state = RunState::Waiting;
    row.reason = Some(next.reason);
    row.waiting_since = Some(now);
    row.due_at = Some(next.due_at);
    row.error = next.error;
    match next.counts {
        Counts::Attempt => row.outages = 0,
        Counts::Crash => {
            row.crashes += 1;
            row.outages = 0;
        }
        Counts::Outage => {
            row.attempt = row.attempt.saturating_sub(1);
            row.outages += 1;
        }
    }
}

/// Nothing but a person moves it on.
fn pause(row: &mut Run, error: RunError, now: Timestamp) {
    row.state = RunState::Waiting;
    row.reason = Some(Reason::Paused);
    row.waiting_since = Some(now);
    row.due_at = None;
    row.error = Some(error);
}

fn end_delivery(row: &mut Delivery, state: DeliveryState, error: Option<RunError>, now: Timestamp) {
    row.state = state;
    row.error = error;
    row.reason = None;
    row.waiting_since = None;
    row.due_at = None;
    row.ended_at = Some(now);
}
