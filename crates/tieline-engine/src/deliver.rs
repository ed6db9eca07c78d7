//! Deliver: results go outside, each at least once, until the destination acknowledges.

mod decide;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tieline_contract::erased::DynSink;
use tieline_contract::{Fault, Outgoing, Receipt, Verdict};
use tieline_model::{Attempt, ConnectorId, Timestamp};
use tieline_store::{Claim, ClaimedDelivery, DeliveryOutcome, SettleDelivery, Settled, StoreError};

use crate::Hub;
use crate::catalog::{LiveConnector, LiveRole};
use crate::desk::{Brought, Place, Supply};
use crate::limits::{DELIVERIES_AT_ONCE, DELIVERY_ATTEMPT_MAX};
use crate::metrics::Status;

/// The deliveries of one outbound connector.
pub(crate) struct Deliveries {
    pub hub: Arc<Hub>,
    pub outlet: ConnectorId,
}

impl Supply for Deliveries {
    fn places(&self) -> u32 {
        let catalog = self.hub.catalog.load();
        let connector = catalog.connectors.get(&self.outlet);
        match connector.map(|connector| (&connector.role, connector.row.is_held())) {
            Some((LiveRole::Sink { .. }, false)) => DELIVERIES_AT_ONCE,
            _ => 0,
        }
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
            for claimed in claims.rows {
                let (hub, connector) = (Arc::clone(&self.hub), Arc::clone(connector));
                self.hub
                    .tasks
                    .spawn(carry_out(hub, connector, claimed, desk.take()));
            }
            Ok(Brought {
                rows,
                next_due: claims.next_due,
            })
        })
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
    let started = hub.clock.now();
    hub.metrics.delivery_attempts.inc();
    let result = tokio::select! {
        biased;
        result = attempt(sink.as_ref(), &claimed, started) => result,
        // The destination may have it already; the next start delivers again, with the same id.
        () = hub.abandoning.cancelled() => return,
    };
    drop(place);
    let gone = matches!(&result, Err(fault) if fault.verdict == Verdict::Gone);
    let settle = settle(&hub, &claimed, started, result);
    let ended = match &settle.outcome {
        DeliveryOutcome::Ended { state, .. } => Some(*state),
        DeliveryOutcome::Again(_) => None,
    };
    let project = claimed.delivery.project;
    let write = || hub.store.settle_delivery(project, settle.clone());
    if hub.record(&settle.delivery, write).await == Some(Settled::Done) {
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
    if gone {
        pause_gone(&hub, &connector).await;
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
    let now = hub.clock.now();
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
        ended_at: now,
        status,
        error,
        response,
    };
    SettleDelivery {
        delivery: claimed.delivery.id,
        epoch: Some(claimed.epoch),
        now,
        outcome: decide::decide(number, result, now, hub.random()),
        attempt: Some(attempt),
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
