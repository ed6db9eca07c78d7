//! Replay: a new run from a stored event. The original is not touched.

use tieline_model::{ProjectId, RunId};
use tieline_store::{Change, NewRun};

use crate::{EngineError, Hub};

impl Hub {
    /// Queues a new run of the same agent for the same event; returns its id.
    pub async fn replay_run(&self, project: ProjectId, run: RunId) -> Result<RunId, EngineError> {
        let original = self
            .store
            .run(project, run)
            .await?
            .ok_or(EngineError::NotFound)?;
        let catalog = self.catalog.load_full();
        let agent = catalog
            .agents
            .get(&original.agent)
            .filter(|agent| !agent.row.removed);
        let Some(agent) = agent else {
            return Err(EngineError::NotAllowed(
                "The run's agent has been removed.".to_owned(),
            ));
        };
        let id = self.ids.run();
        let new = NewRun {
            id,
            agent: original.agent,
            session: original.session,
            held: None,
        };
        match self
            .store
            .add_runs(project, original.event, vec![new], self.clock.now())
            .await?
        {
            Change::Done => {
                self.metrics.runs_queued.inc();
                agent.desk.wake();
                Ok(id)
            }
            Change::NotFound | Change::NotAllowed => Err(EngineError::NotAllowed(
                "The run's event is no longer kept.".to_owned(),
            )),
        }
    }
}
