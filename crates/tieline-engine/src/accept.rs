//! Accept: what arrived becomes an event and its runs, in one commit, before anybody is answered.

mod draft;
mod intake;
mod judge;
mod line;
mod replay;

use std::sync::Arc;
use std::time::Duration;

use tieline_contract::IncomingEvent;
use tieline_failpoint::{self as failpoint, Step};
use tieline_model::{AgentId, EventId, ProjectId, RunId, Timestamp, Trust};
use tieline_store::{Acceptance, NewEvent, Written};
use tokio::time::Instant;

use crate::catalog::LiveConnector;
use crate::claim::RunRides;
use crate::{EngineError, Hub, Waiting};

pub(crate) use intake::{Intake, Intakes};

/// An event that is stored, or was before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    pub event_id: EventId,
    /// In link order.
    pub run_ids: Vec<RunId>,
    /// The same key came before: these are the first one's ids.
    pub duplicate: bool,
    /// Every link's condition refused it.
    pub filtered: bool,
}

/// When and by whom a request was sent.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    pub received_at: Timestamp,
    pub trust: Trust,
}

impl Hub {
    /// Stores events and queues a run for every linked agent. `Ok` means durable.
    pub async fn accept(
        self: &Arc<Self>,
        connector: &Arc<LiveConnector>,
        arrival: Arrival,
        events: Vec<IncomingEvent>,
    ) -> Result<Vec<Accepted>, EngineError> {
        let drafts = self.draft(connector, arrival, events).await?;
        self.commit(drafts).await
    }

    /// As [`Hub::accept`] for one event, and waits for its runs from before they can end.
    pub async fn accept_and_wait(
        self: &Arc<Self>,
        connector: &Arc<LiveConnector>,
        arrival: Arrival,
        event: IncomingEvent,
    ) -> Result<(Accepted, Waiting), EngineError> {
        let drafts = self.draft(connector, arrival, vec![event]).await?;
        let new_runs = drafts
            .iter()
            .flat_map(|draft| &draft.runs)
            .map(|run| run.id)
            .collect();
        let waiting = self.live.wait_for(new_runs);
        let accepted = self.commit(drafts).await?;
        let accepted = accepted
            .into_iter()
            .next()
            .expect("one acceptance for one event");
        if !accepted.duplicate {
            return Ok((accepted, waiting));
        }
        let waiting = self
            .wait_for_runs(connector.row.project, accepted.run_ids.clone())
            .await?;
        Ok((accepted, waiting))
    }

    /// Waits for runs that may have ended already.
    pub async fn wait_for_runs(
        &self,
        project: ProjectId,
        runs: Vec<RunId>,
    ) -> Result<Waiting, EngineError> {
        let waiting = self.live.wait_for(runs.clone());
        for run in self.store.runs_by_id(project, runs).await? {
            if run.state.is_final() {
                waiting.found(&Arc::new(run));
            }
        }
        Ok(waiting)
    }

    /// When a wait that begins now is over.
    pub fn wait_until(&self, wait: Duration) -> Instant {
        Instant::now() + wait
    }

    async fn commit(self: &Arc<Self>, drafts: Vec<NewEvent>) -> Result<Vec<Accepted>, EngineError> {
        let hub = Arc::clone(self);
        self.finish(async move {
            let shapes: Vec<_> = drafts.iter().map(Shape::of).collect();
            failpoint::pass(Step::AcceptDrafted);
            let rides = RunRides::ask(&hub, &drafts);
            let Written { done, claims } = hub.store.accept(drafts, rides.claims(&hub)).await?;
            failpoint::pass(Step::AcceptCommitted);
            let begun = rides.begin(&hub, claims);
            let mut displaced = Vec::new();
            let accepted = hub.accepted(shapes, done, &begun, &mut displaced);
            if !displaced.is_empty() {
                // Here, and not behind the answer's back: who sends faster than runs can be ended
                // is to feel it.
                hub.end_displaced(displaced).await;
            }
            accepted
        })
        .await
    }

    /// What follows the commit: it is counted, and the agents whose runs were not `begun` with it
    /// are woken.
    fn accepted(
        &self,
        shapes: Vec<Shape>,
        acceptances: Vec<Acceptance>,
        begun: &[RunId],
        given_up: &mut Vec<(ProjectId, RunId)>,
    ) -> Result<Vec<Accepted>, EngineError> {
        let mut accepted = Vec::with_capacity(shapes.len());
        let (mut waiting, mut refused) = (Vec::new(), None);
        for (shape, acceptance) in shapes.into_iter().zip(acceptances) {
            accepted.push(match acceptance {
                Acceptance::Conflict => {
                    refused.get_or_insert(EngineError::IdempotencyConflict);
                    continue;
                }
                Acceptance::Busy => {
                    refused.get_or_insert(EngineError::SessionBusy);
                    continue;
                }
                Acceptance::Duplicate {
                    event,
                    runs,
                    filtered,
                } => {
                    self.metrics.events_duplicate.inc();
                    Accepted {
                        event_id: event,
                        run_ids: runs,
                        duplicate: true,
                        filtered,
                    }
                }
                Acceptance::Stored { displaced } => {
                    self.metrics.events_accepted.inc();
                    self.metrics.runs_queued.inc_by(shape.runs.len() as u64);
                    let left = shape.runs.iter().filter(|(run, _)| !begun.contains(run));
                    waiting.extend(left.map(|(_, agent)| *agent));
                    given_up.extend(displaced.into_iter().map(|run| (shape.project, run)));
                    shape.accepted()
                }
            });
        }
        self.wake_agents(&waiting);
        // The others of its batch are stored, and are found when the sender repeats them.
        refused.map_or(Ok(accepted), Err)
    }

    fn wake_agents(&self, agents: &[AgentId]) {
        let catalog = self.catalog.load();
        for id in agents {
            let agent = catalog.agents.get(id);
            if let Some(agent) = agent.filter(|agent| !agent.row.is_held()) {
                agent.desk.wake();
            }
        }
    }
}

/// What is answered of a draft once it is stored.
struct Shape {
    project: ProjectId,
    event_id: EventId,
    runs: Vec<(RunId, AgentId)>,
    filtered: bool,
}

impl Shape {
    fn of(draft: &NewEvent) -> Self {
        let runs = draft.runs.iter().map(|run| (run.id, run.agent));
        Self {
            project: draft.project,
            event_id: draft.id,
            runs: runs.collect(),
            filtered: draft.filtered,
        }
    }

    fn accepted(self) -> Accepted {
        Accepted {
            event_id: self.event_id,
            run_ids: self.runs.into_iter().map(|(run, _)| run).collect(),
            duplicate: false,
            filtered: self.filtered,
        }
    }
}
