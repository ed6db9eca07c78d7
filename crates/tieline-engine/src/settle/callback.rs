//! An agent that said `202` settles its run later, once, with the token it was given.

use std::sync::Arc;

use bytes::Bytes;
use tieline_model::{Run, RunError, RunId, RunState};
use tieline_store::{Epoch, Fence, RunOutcome};

use super::cancel::over;
use crate::{EngineError, Hub};

/// What the agent says in the end.
#[derive(Clone, Debug)]
pub enum Answer {
    /// JSON text.
    Output(Bytes),
    Error(RunError),
}

impl Hub {
    /// Settles the run whose claim the token was made for. `NotFound` for a token that does not
    /// fit, so that nothing can be learned from it.
    pub async fn settle_by_callback(
        self: &Arc<Self>,
        id: RunId,
        token: &str,
        answer: Answer,
        usage: Option<Bytes>,
    ) -> Result<Arc<Run>, EngineError> {
        let claim = self
            .tokens
            .read_callback(id, token)
            .ok_or(EngineError::NotFound)?;
        let (state, output, error) = match answer {
            Answer::Output(output) => (RunState::Completed, Some(output), None),
            Answer::Error(error) => (RunState::Failed, None, Some(error)),
        };
        let outcome = RunOutcome::Ended {
            state,
            output,
            error,
            usage,
            dead_letter: false,
        };
        let run = self.run_to_settle(claim.project, id).await?;
        let fence = Fence::Claim(Epoch(claim.epoch));
        let settled = self.settle_from_outside(&run, fence, outcome).await?;
        settled.ok_or_else(over)
    }
}
