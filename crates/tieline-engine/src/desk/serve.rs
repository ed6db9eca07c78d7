//! The task that serves a desk.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tieline_model::Timestamp;
use tieline_model::quantity::Rate;
use tieline_store::{OpenWork, StoreError};
use tokio::time::Instant;

use super::Desk;
use crate::Hub;
use crate::limits::{POLL, STORE_PAUSE_FIRST, STORE_PAUSE_MAX};

/// What a claim brought: how many rows, and when the next is due.
pub(crate) struct Brought {
    pub rows: u32,
    pub next_due: Option<Timestamp>,
}

/// On what terms work is handed out, as the catalogue stands.
#[derive(Clone, Copy)]
pub(crate) struct Terms {
    /// How many places it has; none while it is paused.
    pub places: u32,
    pub rate: Option<Rate>,
    /// Nothing new comes: it ends with its work.
    pub removed: bool,
}

impl Terms {
    /// Of what is not there: nothing is handed out.
    pub(crate) const NONE: Self = Self {
        places: 0,
        rate: None,
        removed: false,
    };
}

/// One kind of work that desks hand out.
pub(crate) trait Supply: Send + Sync + 'static {
    fn terms(&self) -> Terms;

    /// Claims at most `limit` rows and starts each.
    fn hand_out(&self, limit: u32) -> BoxFuture<'_, Result<Brought, StoreError>>;

    /// Whether it has rows that have not ended.
    fn is_among(&self, open: &OpenWork) -> bool;
}

/// How many idle looks in a row find nothing before it is asked whether all work is done: by then
/// whoever still had the row from before its removal has stored what it had to.
const IDLE_LOOKS: u32 = 2;

/// Serves a desk until the hub stops claiming, or its row was removed and its work is done.
pub(crate) async fn serve(hub: Arc<Hub>, desk: Arc<Desk>, supply: impl Supply) {
    let mut pause = STORE_PAUSE_FIRST;
    let mut idle_looks = 0;
    while !hub.stopping.is_cancelled() {
        let terms = supply.terms();
        let opening = desk.opening(&hub, terms);
        let mut rest = opening.again.map_or(POLL, |at| rest_until(at).min(POLL));
        let mut idle = false;
        if opening.limit > 0 {
            match supply.hand_out(opening.limit).await {
                Ok(brought) => {
                    pause = STORE_PAUSE_FIRST;
                    if brought.rows >= opening.limit {
                        continue;
                    }
                    desk.cleared();
                    idle = brought.rows == 0 && desk.is_idle();
                    if let Some(due) = brought.next_due {
                        rest = rest.min(due.since(hub.steady()));
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "work could not be claimed");
                    rest = pause;
                    pause = (pause * 2).min(STORE_PAUSE_MAX);
                }
            }
        }
        let woken = tokio::select! {
            () = desk.signal.notified() => true,
            () = tokio::time::sleep(rest) => false,
            () = hub.stopping.cancelled() => true,
        };
        idle_looks = if idle && terms.removed && !woken {
            idle_looks + 1
        } else {
            0
        };
        if idle_looks >= IDLE_LOOKS {
            hub.retire(desk.side);
            if has_ended(&hub, &supply).await {
                desk.reset(&hub);
                return;
            }
            if !hub.take_back(desk.side) {
                return;
            }
        }
    }
}

fn rest_until(at: Instant) -> Duration {
    at.saturating_duration_since(Instant::now())
}

/// Whether a removed row has nothing left to do. Where the store does not say, it is served on.
async fn has_ended(hub: &Hub, supply: &impl Supply) -> bool {
    hub.store
        .open_work()
        .await
        .is_ok_and(|open| !supply.is_among(&open))
}
