//! A desk hands out the work of one queue: an agent's runs, or an outbound connector's deliveries.
//!
//! It claims no more than it has free places for, wakes when work comes or a place gets free, and
//! looks by itself now and then, because a signal may be lost.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use tieline_model::{AgentId, ConnectorId, Timestamp};
use tieline_store::StoreError;
use tokio::sync::Notify;

use crate::Hub;
use crate::limits::{CLAIM_BATCH, POLL, STORE_PAUSE_FIRST, STORE_PAUSE_MAX};

/// The state of one desk.
#[derive(Debug, Default)]
pub struct Desk {
    /// Places taken.
    busy: AtomicU32,
    signal: Notify,
}

impl Desk {
    /// There is work, a free place, or something to look at anew.
    pub(crate) fn wake(&self) {
        self.signal.notify_one();
    }

    /// Takes a place until the guard is dropped.
    pub(crate) fn take(self: &Arc<Self>) -> Place {
        self.busy.fetch_add(1, Ordering::Relaxed);
        Place(Arc::clone(self))
    }

    fn free(&self, places: u32) -> u32 {
        places.saturating_sub(self.busy.load(Ordering::Relaxed))
    }
}

/// A taken place at a desk.
#[derive(Debug)]
pub(crate) struct Place(Arc<Desk>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
        self.0.wake();
    }
}

/// All desks, each served by one task.
#[derive(Debug, Default)]
pub(crate) struct Desks {
    agents: Mutex<HashMap<AgentId, Arc<Desk>>>,
    outlets: Mutex<HashMap<ConnectorId, Arc<Desk>>>,
}

impl Desks {
    pub(crate) fn of_agent(&self, id: AgentId) -> Arc<Desk> {
        Arc::clone(self.agents.lock().entry(id).or_default())
    }

    pub(crate) fn of_outlet(&self, id: ConnectorId) -> Arc<Desk> {
        Arc::clone(self.outlets.lock().entry(id).or_default())
    }

    /// Wakes the desk of an outbound connector.
    pub(crate) fn wake_outlet(&self, id: ConnectorId) {
        if let Some(desk) = self.outlets.lock().get(&id) {
            desk.wake();
        }
    }

    pub(crate) fn wake_all(&self) {
        self.agents.lock().values().for_each(|desk| desk.wake());
        self.outlets.lock().values().for_each(|desk| desk.wake());
    }
}

/// What a claim brought: how many rows, and when the next is due.
pub(crate) struct Brought {
    pub rows: u32,
    pub next_due: Option<Timestamp>,
}

/// One kind of work that desks hand out.
pub(crate) trait Supply: Send + Sync + 'static {
    /// How many places it has now; none while it is paused.
    fn places(&self) -> u32;

    /// Claims at most `limit` rows and starts each.
    fn hand_out(&self, limit: u32) -> BoxFuture<'_, Result<Brought, StoreError>>;
}

/// Serves a desk until the hub stops claiming.
pub(crate) async fn serve(hub: Arc<Hub>, desk: Arc<Desk>, supply: impl Supply) {
    let mut pause = STORE_PAUSE_FIRST;
    while !hub.stopping.is_cancelled() {
        let limit = desk.free(supply.places()).min(CLAIM_BATCH);
        let mut rest = POLL;
        if limit > 0 {
            match supply.hand_out(limit).await {
                Ok(brought) => {
                    pause = STORE_PAUSE_FIRST;
                    if brought.rows >= limit {
                        continue;
                    }
                    if let Some(due) = brought.next_due {
                        rest = rest.min(due.since(hub.clock.now()));
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "work could not be claimed");
                    rest = pause;
                    pause = (pause * 2).min(STORE_PAUSE_MAX);
                }
            }
        }
        tokio::select! {
            () = desk.signal.notified() => {}
            () = tokio::time::sleep(rest) => {}
            () = hub.stopping.cancelled() => {}
        }
    }
}
