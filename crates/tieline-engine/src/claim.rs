//! Claim: due runs of an agent are taken in hand, as many as it has free places for.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tieline_failpoint::{self as failpoint, Step};
use tieline_model::{AgentId, Timestamp};
use tieline_store::{Claim, Lease, OpenWork, StoreError};

use crate::Hub;
use crate::desk::{Brought, Supply, Terms};
use crate::run::Begun;

/// The runs of one agent.
pub(crate) struct Runs {
    pub hub: Arc<Hub>,
    pub agent: AgentId,
}

impl Supply for Runs {
    fn terms(&self) -> Terms {
        let catalog = self.hub.catalog.load();
        let Some(agent) = catalog.agents.get(&self.agent) else {
            return Terms::NONE;
        };
        let row = &agent.row;
        Terms {
            places: if row.is_held() { 0 } else { row.concurrency },
            rate: row.rate,
            removed: row.removed,
        }
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
                let (hub, agent) = (Arc::clone(&self.hub), Arc::clone(agent));
                let begun = Begun {
                    place: agent.desk.take(),
                    ends,
                };
                self.hub
                    .tasks
                    .spawn(crate::run::carry_out(hub, agent, claimed, begun));
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

impl Hub {
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
