//! Claim: due runs of an agent are taken in hand, as many as it has free places for.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tieline_failpoint::{self as failpoint, Step};
use tieline_model::{AgentId, RunId, Timestamp};
use tieline_store::{Claim, ClaimedRun, Claims, Lease, NewEvent, NewRun, OpenWork, StoreError};

use crate::Hub;
use crate::catalog::LiveAgent;
use crate::desk::{Brought, Rides, Supply, Terms};
use crate::run::Begun;

/// The runs of one agent.
pub(crate) struct Runs {
    pub hub: Arc<Hub>,
    pub agent: AgentId,
}

impl Supply for Runs {
    fn terms(&self) -> Terms {
        let catalog = self.hub.catalog.load();
        let agent = catalog.agents.get(&self.agent);
        agent.map_or(Terms::NONE, |agent| terms(agent))
    }

    fn hand_out(&self, limit: u32) -> BoxFuture<'_, Result<Brought, StoreError>> {
        Box::pin(async move {
            let claim = Claim {
                of: self.agent,
                limit,
                lease: self.hub.lease(),
            };
            // Looked up before the claim: what is claimed is carried out, whatever changes then.
            let catalog = self.hub.catalog.load_full();
            let Some(agent) = catalog.agents.get(&self.agent) else {
                return Ok(Brought {
                    rows: 0,
                    next_due: None,
                });
            };
            let ends = self.hub.live.ends_from_outside();
            let claims = self.hub.store.claim_runs(claim).await?;
            let rows = u32::try_from(claims.rows.len()).unwrap_or(u32::MAX);
            if rows > 0 {
                failpoint::pass(Step::ClaimCommitted);
            }
            for claimed in claims.rows {
                let place = agent.desk.take();
                self.hub
                    .begin_run(Arc::clone(agent), claimed, Begun { place, ends });
            }
            Ok(Brought {
                rows,
                next_due: claims.next_due,
            })
        })
    }

    fn is_among(&self, (runs, _): &OpenWork) -> bool {
        runs.iter().any(|(agent, _)| *agent == self.agent)
    }
}

fn terms(agent: &LiveAgent) -> Terms {
    let row = &agent.row;
    Terms {
        places: if row.is_held() { 0 } else { row.concurrency },
        rate: row.rate,
        removed: row.removed,
    }
}

/// Claims of runs that are made in the commit that stores some.
pub(crate) struct RunRides {
    rides: Rides<LiveAgent>,
    /// [`crate::Live::ends_from_outside`] before that commit.
    ends: u64,
}

impl RunRides {
    /// One for each agent that is idle and gets a run that may begin at once.
    pub(crate) fn ask(hub: &Hub, drafts: &[NewEvent]) -> Self {
        // Looked up before the claim, as at every claim.
        let catalog = hub.catalog.load();
        let mut rides = Rides::NONE;
        let runs = drafts.iter().flat_map(|draft| &draft.runs);
        for run in runs.filter(|run| begins_at_once(run)) {
            if let Some(agent) = catalog.agents.get(&run.agent) {
                rides.ask(hub, (agent, &agent.desk), terms(agent));
            }
        }
        let ends = hub.live.ends_from_outside();
        Self { rides, ends }
    }

    pub(crate) fn claims(&self, hub: &Hub) -> Vec<Claim<AgentId>> {
        self.rides.claims(|agent| agent.row.id, hub.lease())
    }

    /// Carries out what was claimed; returns which runs those are.
    pub(crate) fn begin(self, hub: &Arc<Hub>, claims: Vec<Claims<ClaimedRun>>) -> Vec<RunId> {
        let ends = self.ends;
        let ridden = self.rides.bring(claims);
        if !ridden.is_empty() {
            failpoint::pass(Step::ClaimCommitted);
        }
        let mut begun = Vec::with_capacity(ridden.len());
        for ridden in ridden {
            begun.push(ridden.row.run.id);
            ridden.begin(|agent, claimed, place| {
                hub.begin_run(agent, claimed, Begun { place, ends });
            });
        }
        begun
    }
}

/// Whether nothing but other runs can keep it from being claimed as soon as it is stored.
fn begins_at_once(run: &NewRun) -> bool {
    let quiet = run.line.as_ref().and_then(|line| line.debounce);
    run.held.is_none() && quiet.is_none()
}

impl Hub {
    fn begin_run(self: &Arc<Self>, agent: Arc<LiveAgent>, claimed: ClaimedRun, begun: Begun) {
        let hub = Arc::clone(self);
        let attempt = crate::run::carry_out(hub, agent, claimed, begun);
        self.tasks.spawn(attempt);
    }

    /// A lease for this node that begins now. It ends with the process, and never by the clock: a
    /// clock that jumps must not make two attempts of one.
    pub(crate) fn lease(&self) -> Lease {
        let now = self.steady();
        Lease {
            node: self.node,
            now,
            until: Timestamp::END,
        }
    }
}
