//! The hub's life: start, the tasks that serve its desks, and the end.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tieline_model::{AgentId, ConnectorId};

use crate::catalog::LiveRole;
use crate::claim::Runs;
use crate::deliver::Deliveries;
use crate::desk::serve;
use crate::{EngineError, Hub};

/// The desks that have their task.
#[derive(Debug, Default)]
pub(crate) struct Served {
    agents: HashSet<AgentId>,
    outlets: HashSet<ConnectorId>,
    started: bool,
}

impl Hub {
    /// Frees what an earlier process had in hand, opens the catalogue and begins to work.
    pub async fn start(self: &Arc<Self>) -> Result<(), EngineError> {
        let freed = self
            .store
            .release_leases(self.node, self.clock.now())
            .await?;
        if freed > 0 {
            tracing::info!(
                rows = freed,
                "took up {freed} runs and deliveries left in hand"
            );
        }
        self.served.lock().started = true;
        let surroundings = self.surroundings.load_full();
        self.surround(surroundings.as_ref().clone()).await?;
        self.tasks.spawn(Arc::clone(self).sweep());
        Ok(())
    }

    /// Sees that every agent and every outbound connector has a task that serves its desk.
    pub(crate) fn serve_desks(self: &Arc<Self>) {
        let mut served = self.served.lock();
        if !served.started {
            return;
        }
        let catalog = self.catalog.load();
        for (id, agent) in &catalog.agents {
            if served.agents.insert(*id) {
                let runs = Runs {
                    hub: Arc::clone(self),
                    agent: *id,
                };
                self.tasks
                    .spawn(serve(Arc::clone(self), Arc::clone(&agent.desk), runs));
            }
        }
        for (id, connector) in &catalog.connectors {
            if let LiveRole::Sink { desk, .. } = &connector.role
                && served.outlets.insert(*id)
            {
                let deliveries = Deliveries {
                    hub: Arc::clone(self),
                    outlet: *id,
                };
                self.tasks
                    .spawn(serve(Arc::clone(self), Arc::clone(desk), deliveries));
            }
        }
        drop(served);
        self.desks.wake_all();
    }

    /// No new claims from now on; what is in hand goes on.
    pub fn stop_claiming(&self) {
        self.stopping.cancel();
    }

    /// Stops: finishes what is in hand until `grace` is over, gives the rest back unburnt.
    pub async fn stop(&self, grace: Duration) {
        self.stop_claiming();
        self.tasks.close();
        if tokio::time::timeout(grace, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("what is still in hand is given back");
            self.abandoning.cancel();
            self.tasks.wait().await;
        }
        self.store.close().await;
    }
}
