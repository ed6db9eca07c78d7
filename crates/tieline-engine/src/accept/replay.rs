//! Replay: new runs from a stored event. The originals are not touched.

use std::sync::Arc;

use tieline_model::{AgentId, Event, EventId, Kept, Name, Priority, ProjectId, RunError, RunId};
use tieline_store::{Change, NewRun};

use super::judge::{Seen, Verdict};
use super::line;
use crate::catalog::{LiveAgent, LiveConnector};
use crate::error::Lost;
use crate::{EngineError, Hub};

/// One run that a replay is to make.
struct Again {
    agent: Arc<LiveAgent>,
    session: Option<String>,
    /// Why it is held, where its condition fails.
    held: Option<RunError>,
    priority: Priority,
}

impl Hub {
    /// Queues a new run for the event of a run, in the same session: of the same agent, or of
    /// another. Returns its id.
    pub async fn replay_run(
        self: &Arc<Self>,
        project: ProjectId,
        run: RunId,
        to: Option<AgentId>,
    ) -> Result<RunId, EngineError> {
        let original = self.store.run(project, run).await?;
        let original = original.ok_or(EngineError::NotFound)?;
        let event = self.event_to_replay(project, original.event).await?;
        let again = Again {
            agent: self.agent_to_replay(project, to.unwrap_or(original.agent))?,
            session: original.session,
            held: None,
            priority: original.priority,
        };
        let ids = self.queue_again(&event, vec![again]).await?;
        Ok(ids.into_iter().next().expect("one run was asked for"))
    }

    /// Queues new runs for an event, as if it came now: of every linked agent whose condition
    /// holds, or of one agent, linked or not, whatever its condition says. Returns their ids, in
    /// link order.
    pub async fn replay_event(
        self: &Arc<Self>,
        project: ProjectId,
        event: EventId,
        to: Option<&Name>,
    ) -> Result<Vec<RunId>, EngineError> {
        let event = self.event_to_replay(project, event).await?;
        let catalog = self.catalog.load_full();
        let connector = catalog.connectors.get(&event.connector);
        let again = if let Some(name) = to {
            let agent = catalog.agent(project, name).ok_or(EngineError::NotFound)?;
            vec![self.again_by(connector, agent, &event).await?]
        } else {
            let text = "The connector that the event came by cannot be opened, so that its \
                        agents are not known. Name one.";
            let unknown = || EngineError::NotAllowed(text.to_owned());
            let connector = connector.ok_or_else(unknown)?;
            self.again_by_links(connector, &event).await?
        };
        if again.is_empty() {
            let text = "No linked agent takes this event. Name the agent that is to run.";
            return Err(EngineError::NotAllowed(text.to_owned()));
        }
        self.queue_again(&event, again).await
    }

    async fn event_to_replay(&self, project: ProjectId, id: EventId) -> Result<Event, EngineError> {
        let event = self.store.event(project, id).await?;
        let event = event.ok_or(EngineError::NotFound)?;
        match event.kept {
            Kept::Whole => Ok(event),
            Kept::Erased => Err(EngineError::NotKept(Lost::Erased)),
            Kept::Damaged => Err(EngineError::NotKept(Lost::Damaged)),
        }
    }

    fn agent_to_replay(
        &self,
        project: ProjectId,
        id: AgentId,
    ) -> Result<Arc<LiveAgent>, EngineError> {
        let catalog = self.catalog.load();
        let agent = catalog.agents.get(&id);
        let agent = agent.filter(|agent| agent.row.project == project && !agent.row.removed);
        let gone = || EngineError::NotAllowed("The run's agent has been removed.".to_owned());
        agent.cloned().ok_or_else(gone)
    }

    /// One agent that a person named: its link, if there is one, gives the session.
    async fn again_by(
        &self,
        connector: Option<&Arc<LiveConnector>>,
        agent: &Arc<LiveAgent>,
        event: &Event,
    ) -> Result<Again, EngineError> {
        let linked = connector.and_then(|connector| {
            let mut links = connector.links.iter();
            let link = links.find(|link| link.agent == agent.row.id)?;
            Some((connector, link))
        });
        let (session, priority) = match linked {
            Some((connector, link)) => {
                let seen = Seen::of_stored(event);
                let session = self.session_of(connector, link, seen).await?;
                (session, link.priority)
            }
            None => (None, Priority::default()),
        };
        Ok(Again {
            agent: Arc::clone(agent),
            session,
            held: None,
            priority,
        })
    }

    async fn again_by_links(
        &self,
        connector: &LiveConnector,
        event: &Event,
    ) -> Result<Vec<Again>, EngineError> {
        let judged = self.judge(connector, Seen::of_stored(event)).await?;
        let mut again = Vec::with_capacity(connector.links.len());
        for (link, verdict) in connector.links.iter().zip(judged.verdicts) {
            let (session, held) = match verdict {
                Verdict::Run(session) => (session, None),
                Verdict::Hold(error) => (None, Some(error)),
                Verdict::Skip => continue,
            };
            if let Ok(agent) = self.agent_to_replay(connector.row.project, link.agent) {
                again.push(Again {
                    agent,
                    session,
                    held,
                    priority: link.priority,
                });
            }
        }
        Ok(again)
    }

    /// Stores the new runs and wakes their agents, also where the caller goes away.
    async fn queue_again(
        self: &Arc<Self>,
        event: &Event,
        again: Vec<Again>,
    ) -> Result<Vec<RunId>, EngineError> {
        let new = again.iter().map(|again| {
            let row = &again.agent.row;
            let session = again.session.as_deref();
            NewRun {
                id: self.ids.run(),
                agent: row.id,
                session: again.session.clone(),
                held: again.held.clone(),
                priority: again.priority,
                line: session.map(|key| line::of_replay(key, line::Widths::of(Some(row)))),
            }
        });
        let new: Vec<_> = new.collect();
        let ids: Vec<_> = new.iter().map(|run| run.id).collect();
        let (hub, project, event) = (Arc::clone(self), event.project, event.id);
        self.finish(async move {
            let added = hub.store.add_runs(project, event, new, hub.steady());
            match added.await? {
                Change::Done => {}
                // It went meanwhile, because its time was over.
                Change::NotFound | Change::NotAllowed => {
                    return Err(EngineError::NotKept(Lost::Erased));
                }
            }
            hub.metrics.runs_queued.inc_by(ids.len() as u64);
            for again in &again {
                again.agent.desk.wake();
            }
            Ok(ids)
        })
        .await
    }
}
