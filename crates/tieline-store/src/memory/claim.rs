//! What comes out: due work under a lease, and leases that end early.

use tieline_model::{
    AgentId, ConnectorId, Delivery, DeliveryState, NodeId, ProjectId, Reason, Run, RunId, RunState,
    Timestamp,
};

use super::{Held, State};
use crate::{Claim, ClaimedDelivery, ClaimedRun, Claims, Epoch, Settled};

impl State {
    /// A lease that has run out is due work like any other.
    pub(super) fn claim_runs(&mut self, claim: Claim<AgentId>) -> Claims<ClaimedRun> {
        let of_agent = self
            .runs
            .iter()
            .filter(|(_, held)| held.row.agent == claim.of);
        let due = of_agent.filter_map(|(key, held)| Some((when(&held.row)?, *key)));
        let mut rows = Vec::new();
        for key in oldest_due(due, &claim) {
            let held = self.runs.get_mut(&key).expect("it was listed above");
            // The attempt whose answer never came is still the same attempt.
            if held.row.reason != Some(Reason::Answer) {
                held.row.attempt += 1;
                held.row.started_at = Some(claim.lease.now);
                held.row.reason = None;
                held.row.waiting_since = None;
            }
            held.row.state = RunState::Running;
            held.row.due_at = Some(claim.lease.until);
            lease(held, claim.lease.node);
            let event = self.events.get(&(key.0, held.row.event));
            rows.push(ClaimedRun {
                run: held.row.clone(),
                epoch: held.epoch,
                event: event.expect("a run never outlives its event").event.clone(),
            });
        }
        let of_agent = self.runs.values().filter(|held| held.row.agent == claim.of);
        let dues = of_agent.filter_map(|held| when(&held.row)?.not_before());
        Claims {
            next_due: next_due(dues, &claim, rows.len()),
            rows,
        }
    }

    pub(super) fn claim_deliveries(
        &mut self,
        claim: Claim<ConnectorId>,
    ) -> Claims<ClaimedDelivery> {
        let of_connector = self.deliveries.iter();
        let of_connector = of_connector.filter(|(_, held)| held.row.connector == claim.of);
        let due = of_connector.filter_map(|(key, held)| Some((when_delivered(&held.row)?, *key)));
        let mut rows = Vec::new();
        for key in oldest_due(due, &claim) {
            let held = self.deliveries.get_mut(&key).expect("it was listed above");
            held.row.attempt += 1;
            held.row.state = DeliveryState::Running;
            held.row.reason = None;
            held.row.waiting_since = None;
            held.row.due_at = Some(claim.lease.until);
            lease(held, claim.lease.node);
            rows.push(ClaimedDelivery {
                delivery: held.row.clone(),
                epoch: held.epoch,
            });
        }
        let of_connector = self.deliveries.values();
        let of_connector = of_connector.filter(|held| held.row.connector == claim.of);
        let dues = of_connector.filter_map(|held| when_delivered(&held.row)?.not_before());
        Claims {
            next_due: next_due(dues, &claim, rows.len()),
            rows,
        }
    }

    pub(super) fn release_leases(&mut self, keep: NodeId, now: Timestamp) -> u64 {
        let mut released = 0;
        for held in self.runs.values_mut() {
            if held.node.is_some_and(|node| node != keep) {
                free_run(held, now);
                released += 1;
            }
        }
        for held in self.deliveries.values_mut() {
            if held.node.is_some_and(|node| node != keep) {
                held.row.state = DeliveryState::Queued;
                held.row.due_at = Some(now);
                held.node = None;
                released += 1;
            }
        }
        released
    }

    pub(super) fn release_run(
        &mut self,
        run: (ProjectId, RunId),
        epoch: Epoch,
        now: Timestamp,
    ) -> Settled {
        let Some(held) = self.runs.get_mut(&run) else {
            return Settled::Fenced;
        };
        if held.row.state != RunState::Running || held.epoch != epoch {
            return Settled::Fenced;
        }
        if held.row.reason != Some(Reason::Answer) {
            held.row.attempt -= 1;
        }
        free_run(held, now);
        Settled::Done
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

fn lease<Row>(held: &mut Held<Row>, node: NodeId) {
    held.epoch = Epoch(held.epoch.0 + 1);
    held.node = Some(node);
}

/// When a row may be claimed.
#[derive(Clone, Copy)]
enum When {
    /// Whatever the clock says: the time only gives the order.
    Now(Timestamp),
    NotBefore(Timestamp),
}

impl When {
    const fn not_before(self) -> Option<Timestamp> {
        match self {
            Self::Now(_) => None,
            Self::NotBefore(due_at) => Some(due_at),
        }
    }
}

fn when(run: &Run) -> Option<When> {
    let due_at = run.due_at?;
    Some(match run.state {
        RunState::Queued => When::Now(due_at),
        _ => When::NotBefore(due_at),
    })
}

fn when_delivered(delivery: &Delivery) -> Option<When> {
    let due_at = delivery.due_at?;
    Some(match delivery.state {
        DeliveryState::Queued => When::Now(due_at),
        _ => When::NotBefore(due_at),
    })
}

/// Of rows due at the same time, the one with the smallest id comes first.
fn oldest_due<Id: Copy + Ord, Of>(
    rows: impl Iterator<Item = (When, (ProjectId, Id))>,
    claim: &Claim<Of>,
) -> Vec<(ProjectId, Id)> {
    let now = claim.lease.now;
    let mut due: Vec<_> = rows
        .filter_map(|(when, (project, id))| match when {
            When::Now(at) => Some((at, id, project)),
            When::NotBefore(at) => (at <= now).then_some((at, id, project)),
        })
        .collect();
    due.sort();
    due.truncate(claim.limit as usize);
    due.into_iter()
        .map(|(_, id, project)| (project, id))
        .collect()
}

fn next_due<Of>(
    dues: impl Iterator<Item = Timestamp>,
    claim: &Claim<Of>,
    claimed: usize,
) -> Option<Timestamp> {
    let later = dues.filter(|due_at| *due_at > claim.lease.now);
    if claimed < claim.limit as usize {
        later.min()
    } else {
        None
    }
}
