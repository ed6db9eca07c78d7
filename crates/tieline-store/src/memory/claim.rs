//! What comes out: due work under a lease.

use std::cmp::Reverse;

use tieline_model::{
    AgentId, ConnectorId, Delivery, DeliveryId, DeliveryState, NodeId, Priority, ProjectId, Reason,
    Run, RunId, RunState, Timestamp,
};

use super::{Held, State};
use crate::{Claim, ClaimedDelivery, ClaimedRun, Claims, Epoch};

impl State {
    /// A lease that has run out is due work like any other.
    pub(super) fn claim_runs(&mut self, claim: Claim<AgentId>) -> Claims<ClaimedRun> {
        let mut rows = Vec::new();
        for key in first_due(self.claimable(claim.of), &claim) {
            let held = self.runs.get_mut(&key).expect("it was listed above");
            // The attempt whose answer never came is still the same attempt.
            if held.row.reason != Some(Reason::Answer) {
                held.row.crashes += u32::from(held.row.state == RunState::Running);
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
        let dues = self.claimable(claim.of).map(|(_, when, _)| when);
        Claims {
            next_due: next_due(dues, &claim, rows.len()),
            rows,
        }
    }

    /// The runs of an agent that nothing but the time keeps from being claimed.
    fn claimable(
        &self,
        agent: AgentId,
    ) -> impl Iterator<Item = (Reverse<Priority>, When, (ProjectId, RunId))> {
        let of_agent = self.runs.iter();
        let of_agent = of_agent.filter(move |(_, held)| held.row.agent == agent);
        let forward = of_agent.filter(|(_, held)| self.is_forward(&held.row));
        forward.filter_map(|(key, held)| Some((Reverse(held.row.priority), when(&held.row)?, *key)))
    }

    pub(super) fn claim_deliveries(
        &mut self,
        claim: Claim<ConnectorId>,
    ) -> Claims<ClaimedDelivery> {
        let mut rows = Vec::new();
        for key in first_due(self.deliverable(claim.of), &claim) {
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
        let dues = self.deliverable(claim.of).map(|((), when, _)| when);
        Claims {
            next_due: next_due(dues, &claim, rows.len()),
            rows,
        }
    }

    fn deliverable(
        &self,
        connector: ConnectorId,
    ) -> impl Iterator<Item = ((), When, (ProjectId, DeliveryId))> {
        let of_connector = self.deliveries.iter();
        let of_connector = of_connector.filter(move |(_, held)| held.row.connector == connector);
        of_connector.filter_map(|(key, held)| Some(((), when_delivered(&held.row)?, *key)))
    }
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

/// The highest rank first, then the oldest due; of rows due at the same time, the one with the
/// smallest id.
fn first_due<Rank: Ord, Id: Copy + Ord, Of>(
    rows: impl Iterator<Item = (Rank, When, (ProjectId, Id))>,
    claim: &Claim<Of>,
) -> Vec<(ProjectId, Id)> {
    let now = claim.lease.now;
    let mut due: Vec<_> = rows
        .filter_map(|(rank, when, (project, id))| match when {
            When::Now(at) => Some((rank, at, id, project)),
            When::NotBefore(at) => (at <= now).then_some((rank, at, id, project)),
        })
        .collect();
    due.sort();
    due.truncate(claim.limit as usize);
    due.into_iter()
        .map(|(_, _, id, project)| (project, id))
        .collect()
}

fn next_due<Of>(
    dues: impl Iterator<Item = When>,
    claim: &Claim<Of>,
    claimed: usize,
) -> Option<Timestamp> {
    let dues = dues.filter_map(When::not_before);
    let later = dues.filter(|due_at| *due_at > claim.lease.now);
    if claimed < claim.limit as usize {
        later.min()
    } else {
        None
    }
}
