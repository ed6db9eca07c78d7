//! Reap: what time or a person frees: held runs, dead deliveries, what is no longer kept.

mod many;
mod sweep;

use std::sync::Arc;

use tieline_model::{DeliveryId, EventId, ProjectId, RunId};
use tieline_store::Change;

use crate::catalog::LiveRole;
use crate::desk::Side;
use crate::{EngineError, Hub};

impl Hub {
    /// Frees a run that is held or paused: it is queued, and a paused one begins anew.
    pub async fn release_run(
        self: &Arc<Self>,
        project: ProjectId,
        run: RunId,
    ) -> Result<(), EngineError> {
        let hub = Arc::clone(self);
        self.finish(async move {
            let change = hub.store.release_held(project, run, hub.steady()).await?;
            allowed(change, "Only a run that is held or paused can be released.")?;
            hub.wake_agent_of(project, run).await;
            Ok(())
        })
        .await
    }

    /// Gives a dead delivery more attempts, beginning now.
    pub async fn redrive_delivery(
        self: &Arc<Self>,
        project: ProjectId,
        delivery: DeliveryId,
    ) -> Result<(), EngineError> {
        let hub = Arc::clone(self);
        self.finish(async move {
            let now = hub.steady();
            let change = hub.store.redrive_delivery(project, delivery, now).await?;
            allowed(
                change,
                "Only a delivery that failed, was cancelled or waits can be redriven, as long as \
                 its body is kept.",
            )?;
            hub.wake_outlet_of(project, delivery).await;
            Ok(())
        })
        .await
    }

    /// Erases the bodies of an event that has ended, of its runs and of its deliveries, now.
    pub async fn erase_event(
        self: &Arc<Self>,
        project: ProjectId,
        event: EventId,
    ) -> Result<(), EngineError> {
        let hub = Arc::clone(self);
        self.finish(async move {
            let change = hub.store.erase_event(project, event).await?;
            allowed(
                change,
                "An event can be erased once all its runs and deliveries have ended.",
            )?;
            tracing::info!(event.id = %event, "event {event} was erased");
            Ok(())
        })
        .await
    }

    async fn wake_agent_of(&self, project: ProjectId, run: RunId) {
        let catalog = self.catalog.load_full();
        match self.store.run(project, run).await {
            Ok(Some(run)) => {
                if let Some(agent) = catalog.agents.get(&run.agent) {
                    agent.desk.probe_now();
                }
            }
            _ => self.desks.wake_all(),
        }
    }

    async fn wake_outlet_of(self: &Arc<Self>, project: ProjectId, delivery: DeliveryId) {
        match self.store.delivery(project, delivery).await {
            Ok(Some(delivery)) => self.resume_outlet(delivery.connector),
            _ => self.desks.wake_all(),
        }
    }

    /// A person has given an outbound connector work again, also one that was removed.
    fn resume_outlet(self: &Arc<Self>, outlet: tieline_model::ConnectorId) {
        let catalog = self.catalog.load();
        let connector = catalog.connectors.get(&outlet);
        if let Some(LiveRole::Sink { desk, .. }) = connector.map(|connector| &connector.role) {
            desk.probe_now();
            self.resume(Side::Outlet(outlet));
        }
    }
}

fn allowed(change: Change, otherwise: &str) -> Result<(), EngineError> {
    match change {
        Change::Done => Ok(()),
        Change::NotFound => Err(EngineError::NotFound),
        Change::NotAllowed => Err(EngineError::NotAllowed(otherwise.to_owned())),
    }
}
