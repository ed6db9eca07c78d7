//! Claims that end early, and leases that last longer.

use tieline_model::{
    DeliveryId, DeliveryState, NodeId, ProjectId, Reason, Run, RunId, RunState, Timestamp,
};

use super::{Held, State};
use crate::{Epoch, Settled};

impl State {
    pub(super) fn release_leases(&mut self, keep: NodeId, now: Timestamp) -> u64 {
        let mut released = Vec::new();
        for (key, held) in &mut self.runs {
            if held.node.is_some_and(|node| node != keep) {
                held.row.crashes += u32::from(held.row.reason != Some(Reason::Answer));
                free_run(held, now);
                released.push(*key);
            }
            let row = &mut held.row;
            match row.state {
                RunState::Queued => row.due_at = row.due_at.min(Some(now)),
                RunState::Waiting => {
                    begin_by_now(&mut row.waiting_since, &mut row.due_at, now);
                }
                _ => {}
            }
        }
        let mut rows = released.len() as u64;
        for held in self.deliveries.values_mut() {
            if held.node.is_some_and(|node| node != keep) {
                held.row.state = DeliveryState::Queued;
                held.row.due_at = Some(now);
                held.node = None;
                rows += 1;
            }
            let row = &mut held.row;
            match row.state {
                DeliveryState::Queued => row.due_at = row.due_at.min(Some(now)),
                DeliveryState::Waiting => {
                    begin_by_now(&mut row.waiting_since, &mut row.due_at, now);
                }
                _ => {}
            }
        }
        for run in released {
            self.make_way(run);
        }
        rows
    }

    pub(super) fn release_run(
        &mut self,
        run: (ProjectId, RunId),
        epoch: Epoch,
        now: Timestamp,
    ) -> Settled {
        let Some(held) = self.claimed_run(run, epoch) else {
            return Settled::Fenced;
        };
        if held.row.reason != Some(Reason::Answer) {
            held.row.attempt -= 1;
        }
        free_run(held, now);
        self.make_way(run);
        Settled::Done
    }

    pub(super) fn release_delivery(
        &mut self,
        delivery: (ProjectId, DeliveryId),
        epoch: Epoch,
        now: Timestamp,
    ) -> Settled {
        let Some(held) = self.deliveries.get_mut(&delivery) else {
            return Settled::Fenced;
        };
        if held.row.state != DeliveryState::Running || held.epoch != epoch {
            return Settled::Fenced;
        }
        held.row.attempt -= 1;
        held.row.state = DeliveryState::Queued;
        held.row.due_at = Some(now);
        held.node = None;
        Settled::Done
    }

    pub(super) fn extend_run(
        &mut self,
        run: (ProjectId, RunId),
        epoch: Epoch,
        until: Timestamp,
    ) -> Settled {
        let Some(held) = self.claimed_run(run, epoch) else {
            return Settled::Fenced;
        };
        held.row.due_at = Some(until);
        Settled::Done
    }

    fn claimed_run(&mut self, run: (ProjectId, RunId), epoch: Epoch) -> Option<&mut Held<Run>> {
        let held = self.runs.get_mut(&run)?;
        (held.row.state == RunState::Running && held.epoch == epoch).then_some(held)
    }
}

/// Puts a run back to where it was claimed from, due at once.
fn free_run(held: &mut Held<Run>, now: Timestamp) {
    held.row.state = match held.row.reason {
        Some(Reason::Answer) => RunState::Waiting,
        _ => RunState::Queued,
    };
    held.row.due_at = Some(now);
    held.node = None;
}

/// Lets what began to wait in the future begin now, and wait as long.
fn begin_by_now(
    waiting_since: &mut Option<Timestamp>,
    due_at: &mut Option<Timestamp>,
    now: Timestamp,
) {
    if let Some(since) = waiting_since.filter(|since| *since > now) {
        *waiting_since = Some(now);
        *due_at = due_at.map(|due_at| now.plus(due_at.since(since)));
    }
}
