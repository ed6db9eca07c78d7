//! Deliver: results go outside, each at least once, until the destination acknowledges.

mod decide;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tieline_contract::erased::DynSink;
use tieline_contract::{Fault, Outgoing, Receipt, Verdict};
use tieline_failpoint::{self as failpoint, Step};
use tieline_model::{Attempt, ConnectorId, DeliveryId, DeliveryState, RunError, Timestamp};
use tieline_store::{
    Claim, ClaimedDelivery, DeliveryOutcome, NewDelivery, OpenWork, SettleDelivery, Settled,
    StoreError,
};

use crate::Hub;
use crate::catalog::{LiveConnector, LiveRole};
use crate::desk::{Brought, Desk, Place, Ridden, Rides, Supply, Terms};
use crate::limits::{DELIVERIES_AT_ONCE, DELIVERY_ATTEMPT_MAX};
use crate::metrics::Status;

/// The deliveries of one outbound connector.
pub(crate) struct Deliveries {
    pub hub: Arc<Hub>,
    pub outlet: ConnectorId,
}

impl Supply for Deliveries {
    fn terms(&self) -> Terms {
        let catalog = self.hub.catalog.load();
        let connector = catalog.connectors.get(&self.outlet);
        connector.map_or(Terms::NONE, |connector| terms(connector))
    }

    fn hand_out(&self, limit: u32) -> BoxFuture<'_, Result<Brought, StoreError>> {
        Box::pin(async move {
            let claim = Claim {
                of: self.outlet,
                limit,
                lease: self.hub.lease(),
            };
            // Looked up before the claim: what is claimed is carried out, whatever changes then.
            let catalog = self.hub.catalog.load_full();
            let nothing = Brought {
                rows: 0,
                next_due: None,
            };
            let Some(connector) = catalog.connectors.get(&self.outlet) else {
                return Ok(nothing);
            };
            let LiveRole::Sink { desk, .. } = &connector.role else {
                return Ok(nothing);
            };
            let claims = self.hub.store.claim_deliveries(claim).await?;
            let rows = u32::try_from(claims.rows.len()).unwrap_or(u32::MAX);
            if rows > 0 {
                failpoint::pass(Step::DeliverClaimed);
            }
            for claimed in claims.rows {
                self.hub
                    .begin_delivery(Arc::clone(connector), claimed, desk.take());
            }
            Ok(Brought {
                rows,
                next_due: claims.next_due,
            })
        })
    }

    fn is_among(&self, (_, deliveries): &OpenWork) -> bool {
        deliveries.iter().any(|(outlet, _)| *outlet == self.outlet)
    }
}

fn terms(connector: &LiveConnector) -> Terms {
    let row = &connector.row;
    let places = match &connector.role {
        LiveRole::Sink { .. } if !row.is_held() => row.concurrency.unwrap_or(DELIVERIES_AT_ONCE),
        _ => 0,
    };
    Terms {
        places,
        rate: row.rate,
        removed: row.removed,
    }
}

impl Hub {
    /// Rides along with a commit that creates deliveries: one for each outbound connector that is
    /// idle.
    pub(crate) fn delivery_rides(&self, new: &[NewDelivery]) -> Rides<LiveConnector> {
        // Looked up before the claim, as at every claim.
        let catalog = self.catalog.load();
        let mut rides = Rides::NONE;
        for new in new.iter().filter(|new| new.failed.is_none()) {
            let connector = catalog.connectors.get(&new.connector);
            let role = connector.map(|connector| (connector, &connector.role));
            if let Some((connector, LiveRole::Sink { desk, .. })) = role {
                rides.ask(self, (connector, desk), terms(connector));
            }
        }
        rides
    }

    /// Carries out deliveries that were claimed with a commit; returns which those are.
    pub(crate) fn begin_deliveries(
        self: &Arc<Self>,
        ridden: Vec<Ridden<LiveConnector, ClaimedDelivery>>,
    ) -> Vec<DeliveryId> {
        if !ridden.is_empty() {
            failpoint::pass(Step::DeliverClaimed);
        }
        let mut begun = Vec::with_capacity(ridden.len());
        for ridden in ridden {
            begun.push(ridden.row.delivery.id);
            ridden.begin(|connector, claimed, place| {
                self.begin_delivery(connector, claimed, place);
            });
        }
        begun
    }

    fn begin_delivery(
        self: &Arc<Self>,
        connector: Arc<LiveConnector>,
        claimed: ClaimedDelivery,
        place: Place,
    ) {
        let attempt = carry_out(Arc::clone(self), connector, claimed, place);
        self.tasks.spawn(attempt);
    }
}

/// One attempt of one delivery.
async fn carry_out(
    hub: Arc<Hub>,
    connector: Arc<LiveConnector>,
    claimed: ClaimedDelivery,
    place: Place,
) {
    let LiveRole::Sink { sink, desk } = &connector.role else {
        return;
    };
    if let Some(why) = decide::unusable(claimed.delivery.kept) {
        drop(place);
        record(&hub, desk, &claimed, settle_unmade(&hub, &claimed, why)).await;
        return;
    }
    let started = hub.now();
    hub.metrics.delivery_attempts.inc();
    let result = tokio::select! {
        biased;
        result = attempt(sink.as_ref(), &claimed, started) => result,
        () = hub.abandoning.cancelled() => {
            // The destination may have it already; it gets it again, with the same id.
            give_back(&hub, &claimed).await;
            return;
        }
    };
    failpoint::pass(Step::DeliverSent);
    match decide::health(&result) {
        Some(health) => place.end(&hub, health),
        None => drop(place),
    }
    let gone = matches!(&result, Err(fault) if fault.verdict == Verdict::Gone);
    let settle = settle(&hub, &claimed, started, result);
    record(&hub, desk, &claimed, settle).await;
    if gone {
        pause_gone(&hub, &connector).await;
    }
}

/// Frees a delivery that the hub has no more time for, its attempt not counted.
async fn give_back(hub: &Hub, claimed: &ClaimedDelivery) {
    let ClaimedDelivery { delivery, epoch } = claimed;
    let (project, id) = (delivery.project, delivery.id);
    let now = hub.steady();
    if let Err(error) = hub.store.release_delivery(project, id, *epoch, now).await {
        // The next start frees it, with its attempt counted.
        tracing::warn!(delivery.id = %id, %error, "delivery {id} could not be given back");
    }
}

async fn record(hub: &Hub, desk: &Desk, claimed: &ClaimedDelivery, settle: SettleDelivery) {
    let ended = match &settle.outcome {
        DeliveryOutcome::Ended { state, .. } => Some(*state),
        DeliveryOutcome::Again(_) => None,
    };
    let project = claimed.delivery.project;
    let write = || hub.store.settle_delivery(project, settle.clone());
    if hub.record(&settle.delivery, write).await == Some(Settled::Done) {
        failpoint::pass(Step::DeliverCommitted);
        match ended {
            Some(state) => {
                let status = Status {
                    status: state.as_str(),
                };
                hub.metrics.deliveries_ended.get_or_create(&status).inc();
            }
            None => desk.wake(),
        }
    }
}

async fn attempt(
    sink: &dyn DynSink,
    claimed: &ClaimedDelivery,
    now: Timestamp,
) -> Result<Receipt, Fault> {
    let outgoing = Outgoing {
        id: claimed.delivery.id,
        body: claimed.delivery.body.clone(),
        attempt: claimed.delivery.attempt,
        now,
        timeout: DELIVERY_ATTEMPT_MAX,
    };
    let delivering = AssertUnwindSafe(sink.deliver(&outgoing)).catch_unwind();
    match tokio::time::timeout(DELIVERY_ATTEMPT_MAX, delivering).await {
        Ok(Ok(result)) => result,
        Ok(Err(_panic)) => {
            tracing::error!(delivery.id = %outgoing.id, "a sink panicked");
            Err(Fault::never(
                "internal",
                "the hub failed while it delivered",
            ))
        }
        Err(_elapsed) => Err(Fault::later(
            "timeout",
            "the destination did not answer in time",
        )),
    }
}

fn settle(
    hub: &Hub,
    claimed: &ClaimedDelivery,
    started_at: Timestamp,
    result: Result<Receipt, Fault>,
) -> SettleDelivery {
    let ended_at = hub.now();
    let steady = hub.steady();
    let number = claimed.delivery.attempt;
    let (status, error, response) = match &result {
        Ok(receipt) => (receipt.status, None, receipt.response.clone()),
        Err(fault) => (
            fault.status,
            Some(fault.error.clone()),
            fault.response.clone(),
        ),
    };
    let attempt = Attempt {
        number,
        started_at,
        ended_at,
        status,
        error,
        response,
    };
    let outcome = decide::decide(number, result, steady, || hub.random());
    let now = match &outcome {
        DeliveryOutcome::Ended { .. } => ended_at,
        DeliveryOutcome::Again(_) => steady,
    };
    SettleDelivery {
        delivery: claimed.delivery.id,
        epoch: Some(claimed.epoch),
        now,
        outcome,
        attempt: Some(attempt),
    }
}

/// Ends a delivery that is not tried.
fn settle_unmade(hub: &Hub, claimed: &ClaimedDelivery, why: RunError) -> SettleDelivery {
    let id = claimed.delivery.id;
    tracing::error!(delivery.id = %id, code = why.code, "delivery {id} cannot be made");
    SettleDelivery {
        delivery: id,
        epoch: Some(claimed.epoch),
        now: hub.now(),
        outcome: DeliveryOutcome::Ended {
            state: DeliveryState::Failed,
            error: Some(why),
        },
        attempt: None,
    }
}

/// The destination said that it is gone for good: nothing more is sent until a person resumes.
async fn pause_gone(hub: &Arc<Hub>, connector: &LiveConnector) {
    let name = &connector.row.name;
    tracing::warn!(connector = %name, "the destination of connector `{name}` is gone (410)");
    if let Err(error) = hub.pause_unchanged(&connector.row).await {
        tracing::error!(connector = %name, %error, "connector `{name}` could not be paused");
    }
}
