//! Cancel: a settle from outside, whoever has the run in hand.

use std::sync::Arc;

use tieline_model::{ProjectId, Run, RunError, RunId, RunState};
use tieline_store::{Fence, RunOutcome, Settled};

use super::{Committed, Ending};
use crate::{EngineError, Hub};

impl Hub {
    /// Ends a run as `cancelled` and stops the attempt that is in hand.
    pub async fn cancel_run(
        self: &Arc<Self>,
        project: ProjectId,
        id: RunId,
    ) -> Result<Arc<Run>, EngineError> {
        let run = self.run_to_settle(project, id).await?;
        let outcome = cancelled(RunError::new("cancelled", "the run was cancelled"));
        let settled = self.settle_from_outside(&run, Fence::Open, outcome).await?;
        settled.ok_or_else(over)
    }

    pub(super) async fn run_to_settle(
        &self,
        project: ProjectId,
        id: RunId,
    ) -> Result<Run, EngineError> {
        let run = self.store.run(project, id).await?;
        run.ok_or(EngineError::NotFound)
    }

    /// Ends a run that this call does not have in hand, with its deliveries. `None` where it has
    /// ended already, or is in other hands than the fence allows.
    pub(super) async fn settle_from_outside(
        self: &Arc<Self>,
        run: &Run,
        fence: Fence,
        outcome: RunOutcome,
    ) -> Result<Option<Arc<Run>>, EngineError> {
        let ending = self.ending(run, fence, outcome);
        let outlets = ending.outlets();
        let (hub, project) = (Arc::clone(self), run.project);
        let settled = self.finish(async move {
            let Ending { settle, run } = ending;
            let Committed { settled, ridden } = hub.commit_settle(project, settle).await?;
            let begun = hub.begin_deliveries(ridden);
            if settled == Settled::Fenced {
                return Ok::<_, EngineError>(None);
            }
            if let Some(run) = &run {
                hub.live.ended_from_outside();
                hub.tell(run, &outlets, &begun);
            }
            Ok(run)
        });
        settled.await
    }
}

pub(super) fn cancelled(error: RunError) -> RunOutcome {
    RunOutcome::Ended {
        state: RunState::Cancelled,
        output: None,
        error: Some(error),
        usage: None,
        dead_letter: false,
    }
}

/// What a caller is told whose settle came too late.
pub(super) fn over() -> EngineError {
    let text = "The run has ended already, or another attempt has it in hand.";
    EngineError::NotAllowed(text.to_owned())
}
