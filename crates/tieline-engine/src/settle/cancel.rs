//! Cancel: a settle from outside, whoever has the run in hand.

use std::sync::Arc;

use tieline_model::{ProjectId, Run, RunError, RunId, RunState};
use tieline_store::{RunOutcome, SettleRun, Settled};

use super::ended;
use crate::{EngineError, Hub};

impl Hub {
    /// Ends a run as `cancelled` and stops the attempt that is in hand.
    pub async fn cancel_run(
        self: &Arc<Self>,
        project: ProjectId,
        id: RunId,
    ) -> Result<Arc<Run>, EngineError> {
        let outcome = RunOutcome::Ended {
            state: RunState::Cancelled,
            output: None,
            error: Some(RunError::new("cancelled", "the run was cancelled")),
            usage: None,
            dead_letter: false,
        };
        self.settle_from_outside(project, id, None, outcome).await
    }

    /// Settles a run that this call does not have in hand, with its deliveries.
    pub(super) async fn settle_from_outside(
        self: &Arc<Self>,
        project: ProjectId,
        id: RunId,
        epoch: Option<tieline_store::Epoch>,
        outcome: RunOutcome,
    ) -> Result<Arc<Run>, EngineError> {
        let run = self
            .store
            .run(project, id)
            .await?
            .ok_or(EngineError::NotFound)?;
        let event = self
            .store
            .event(project, run.event)
            .await?
            .ok_or(EngineError::NotFound)?;
        let now = self.clock.now();
        let over = || {
            let text = "The run has ended already, or another attempt has it in hand.";
            EngineError::NotAllowed(text.to_owned())
        };
        let run = Arc::new(ended(&run, &outcome, now).ok_or_else(over)?);
        let catalog = self.catalog.load_full();
        let deliveries = match catalog.agents.get(&run.agent) {
            Some(agent) => self.results_of(agent, &run, &event),
            None => Vec::new(),
        };
        let outlets: Vec<_> = deliveries
            .iter()
            .map(|delivery| delivery.connector)
            .collect();
        let settle = SettleRun {
            run: id,
            epoch,
            now,
            outcome,
            attempt: None,
            deliveries,
        };
        let hub = Arc::clone(self);
        let settled = self.finish(async move {
            let settled = hub.store.settle_run(project, settle).await?;
            if settled == Settled::Done {
                hub.live.ended_from_outside();
                hub.tell(&run, &outlets);
            }
            Ok::<_, EngineError>((settled, run))
        });
        match settled.await? {
            (Settled::Done, run) => Ok(run),
            (Settled::Fenced, _) => Err(over()),
        }
    }
}
