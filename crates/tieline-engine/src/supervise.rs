//! The hub's life: start, the tasks that serve its desks, and the end.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tieline_model::{Agent, Connector};

use crate::catalog::{LiveCatalog, LiveRole};
use crate::claim::Runs;
use crate::deliver::Deliveries;
use crate::desk::{Side, serve};
use crate::limits::GIVE_BACK_MAX;
use crate::{EngineError, Hub};

/// The desks that have their task.
#[derive(Debug, Default)]
pub(crate) struct Served {
    started: bool,
    tasks: HashSet<Side>,
    /// Of removed rows whose work is done: they have no task any more.
    done: HashSet<Side>,
}

impl Hub {
    /// Frees what an earlier process had in hand, opens the catalogue and begins to work.
    pub async fn start(self: &Arc<Self>) -> Result<(), EngineError> {
        let freed = self.store.release_leases(self.node, self.steady()).await?;
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

    /// Sees that every agent and every outbound connector has a task that serves its desk. One
    /// that is another than it was, or that a person lets go on, is not held any more.
    pub(crate) fn serve_desks(self: &Arc<Self>, was: &LiveCatalog) {
        if !self.served.lock().started {
            return;
        }
        let catalog = self.catalog.load_full();
        for (id, agent) in &catalog.agents {
            let was = was.agents.get(id);
            if was.is_some_and(|was| agent_is_anew(&was.row, &agent.row)) {
                agent.desk.reset(self);
            }
            self.serve(Side::Agent(*id));
        }
        for (id, connector) in &catalog.connectors {
            if let LiveRole::Sink { desk, .. } = &connector.role {
                let was = was.connectors.get(id);
                if was.is_some_and(|was| outlet_is_anew(&was.row, &connector.row)) {
                    desk.reset(self);
                }
                self.serve(Side::Outlet(*id));
            }
        }
        self.desks.wake_all();
    }

    /// Gives a desk its task, where it has none and its work is not done.
    fn serve(self: &Arc<Self>, side: Side) {
        let mut served = self.served.lock();
        if !served.started || served.done.contains(&side) || !served.tasks.insert(side) {
            return;
        }
        drop(served);
        let hub = Arc::clone(self);
        match side {
            Side::Agent(agent) => {
                let desk = self.desks.of_agent(agent);
                let runs = Runs {
                    hub: Arc::clone(self),
                    agent,
                };
                self.tasks.spawn(serve(hub, desk, runs));
            }
            Side::Outlet(outlet) => {
                let desk = self.desks.of_outlet(outlet);
                let deliveries = Deliveries {
                    hub: Arc::clone(self),
                    outlet,
                };
                self.tasks.spawn(serve(hub, desk, deliveries));
            }
        }
    }

    /// A desk whose work may be done gives up its task, before it looks whether it is.
    pub(crate) fn retire(&self, side: Side) {
        let mut served = self.served.lock();
        served.tasks.remove(&side);
        served.done.insert(side);
    }

    /// It was not done; false where another task serves the desk by now.
    pub(crate) fn take_back(&self, side: Side) -> bool {
        let mut served = self.served.lock();
        served.done.remove(&side) && served.tasks.insert(side)
    }

    /// There is work again for a desk, which may have given up its task.
    pub(crate) fn resume(self: &Arc<Self>, side: Side) {
        self.served.lock().done.remove(&side);
        self.serve(side);
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
        }
        // A disk that hangs must not keep the process: the next start takes up what was in hand.
        let end = async {
            self.tasks.wait().await;
            self.store.close().await;
        };
        if tokio::time::timeout(GIVE_BACK_MAX, end).await.is_err() {
            tracing::error!("the store did not take everything back in time");
        }
    }
}

fn agent_is_anew(was: &Agent, now: &Agent) -> bool {
    let changed = was.runtime != now.runtime || was.settings != now.settings;
    changed || (was.is_held() && !now.is_held())
}

fn outlet_is_anew(was: &Connector, now: &Connector) -> bool {
    let changed = was.kind != now.kind || was.settings != now.settings;
    changed || (was.is_held() && !now.is_held())
}
