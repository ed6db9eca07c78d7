//! What people do to rows: free what is held, deliver again.

use tieline_model::{DeliveryId, DeliveryState, ProjectId, Reason, RunId, RunState, Timestamp};

use super::State;
use crate::Change;

impl State {
    pub(super) fn release_held(&mut self, run: (ProjectId, RunId), now: Timestamp) -> Change {
        let Some(held) = self.runs.get_mut(&run) else {
            return Change::NotFound;
        };
        let row = &mut held.row;
        match row.reason.filter(|_| row.state == RunState::Waiting) {
            Some(Reason::Held) => row.queued_at = now,
            Some(Reason::Paused) => {
                row.queued_at = now;
                row.attempt = 0;
                row.crashes = 0;
                row.outages = 0;
            }
            _ => return Change::NotAllowed,
        }
        row.state = RunState::Queued;
        row.reason = None;
        row.waiting_since = None;
        row.error = None;
        row.due_at = Some(now);
        Change::Done
    }

    pub(super) fn redrive_delivery(
        &mut self,
        delivery: (ProjectId, DeliveryId),
        now: Timestamp,
    ) -> Change {
        let Some(held) = self.deliveries.get_mut(&delivery) else {
            return Change::NotFound;
        };
        let row = &mut held.row;
        match row.state {
            // It failed before it had anything to deliver, or that was erased.
            DeliveryState::Failed | DeliveryState::Cancelled if row.body.is_empty() => {
                Change::NotAllowed
            }
            DeliveryState::Failed | DeliveryState::Cancelled => {
                row.state = DeliveryState::Queued;
                row.attempt = 0;
                row.ended_at = None;
                row.error = None;
                row.due_at = Some(now);
                Change::Done
            }
            DeliveryState::Waiting => {
                row.due_at = Some(now);
                Change::Done
            }
            DeliveryState::Queued | DeliveryState::Running | DeliveryState::Delivered => {
                Change::NotAllowed
            }
        }
    }
}
