//! How attempts end.

use tieline_model::{
    Attempt, Delivery, DeliveryState, ProjectId, Reason, Run, RunError, RunState, Timestamp,
};

use super::accept::refuse_known;
use super::{Held, State};
use crate::{
    DeliveryOutcome, Epoch, NewDelivery, Next, RunOutcome, SettleDelivery, SettleRun, Settled,
    StoreError,
};

impl State {
    pub(super) fn settle_run(
        &mut self,
        project: ProjectId,
        settle: SettleRun,
    ) -> Result<Settled, StoreError> {
        let Some(held) = self.runs.get_mut(&(project, settle.run)) else {
            return Ok(Settled::Fenced);
        };
        let waits_for_answer =
            held.row.state == RunState::Waiting && held.row.reason == Some(Reason::Answer);
        let in_hand = held.row.state == RunState::Running || waits_for_answer;
        if !may_settle(held, settle.epoch, in_hand, held.row.state.is_final()) {
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
                held.node = None;
                let run = held.row.clone();
                for new in settle.deliveries {
                    self.create(&run, new, settle.now);
                }
            }
            RunOutcome::Again(next) => again(held, next, settle.now),
        }
        self.record(project, *settle.run.as_bytes(), settle.attempt);
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
        let in_hand = held.row.state == DeliveryState::Running;
        if !may_settle(held, settle.epoch, in_hand, held.row.state.is_final()) {
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
                row.attempt -= u32::from(next.not_started && row.attempt > 0);
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

/// The fence: an epoch counts only in the hand that holds it; without one, any open row will do.
fn may_settle<Row>(held: &Held<Row>, epoch: Option<Epoch>, in_hand: bool, ended: bool) -> bool {
    match epoch {
        Some(epoch) => in_hand && held.epoch == epoch,
        None => !ended,
    }
}

fn again(held: &mut Held<Run>, next: Next, now: Timestamp) {
    let row = &mut held.row;
    row.state = RunState::Waiting;
    row.reason = Some(next.reason);
    row.waiting_since = Some(now);
    row.due_at = Some(next.due_at);
    row.error = next.error;
    if next.not_started {
        row.attempt = row.attempt.saturating_sub(1);
        row.outages += 1;
    } else {
        row.outages = 0;
    }
    held.node = None;
}

fn end_delivery(row: &mut Delivery, state: DeliveryState, error: Option<RunError>, now: Timestamp) {
    row.state = state;
    row.error = error;
    row.reason = None;
    row.waiting_since = None;
    row.due_at = None;
    row.ended_at = Some(now);
}
