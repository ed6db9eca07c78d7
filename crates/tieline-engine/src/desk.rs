//! A desk hands out the work of one queue: an agent's runs, or an outbound connector's deliveries.
//!
//! It claims no more than it has free places for, no faster than its rate, and nothing while the
//! other side is not well. What it does not claim stays in the store. It wakes when work comes or
//! a place gets free, and looks by itself now and then, because a signal may be lost. Where it is
//! idle, work need not wait for that (see `ride`).

pub(crate) mod breaker;
mod ride;
mod serve;

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tieline_model::quantity::Rate;
use tieline_model::{AgentId, ConnectorId};
use tokio::sync::Notify;
use tokio::time::Instant;

use self::breaker::{Breaker, BreakerView, Health, Moment, Period};
use crate::Hub;
use crate::accept::Intakes;
use crate::limits::CLAIM_BATCH;
use crate::metrics::Kind;
use crate::pace::Pace;

pub(crate) use ride::{Ridden, Rides};
pub(crate) use serve::{Brought, Supply, Terms, serve};

/// Whose work a desk hands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Side {
    Agent(AgentId),
    Outlet(ConnectorId),
}

/// The state of one desk. It outlives changes of the catalogue.
#[derive(Debug)]
pub struct Desk {
    side: Side,
    signal: Notify,
    gate: Mutex<Gate>,
}

/// What lets work through.
#[derive(Debug, Default)]
struct Gate {
    /// Places taken.
    busy: u32,
    breaker: Breaker,
    pace: Option<Pace>,
    /// Its last look is over, and left nothing that was due.
    clear: bool,
}

/// What a desk may claim now.
struct Opening {
    limit: u32,
    /// When to look again, where it is held back.
    again: Option<Instant>,
}

impl Desk {
    pub(crate) fn new(side: Side) -> Self {
        Self {
            side,
            signal: Notify::new(),
            gate: Mutex::default(),
        }
    }

    /// There is work, a free place, or something to look at anew.
    pub(crate) fn wake(&self) {
        self.signal.notify_one();
    }

    /// Takes a place for an attempt that begins, until it ends.
    pub(crate) fn take(self: &Arc<Self>) -> Place {
        self.take_through(&mut self.gate.lock())
    }

    fn take_through(self: &Arc<Self>, gate: &mut Gate) -> Place {
        gate.busy += 1;
        if let Some(pace) = &mut gate.pace {
            pace.spend(1);
        }
        Place {
            trial: gate.breaker.is_trying(),
            period: gate.breaker.begin(),
            desk: Arc::clone(self),
        }
    }

    /// How its breaker stands.
    pub(crate) fn view(&self) -> BreakerView {
        self.gate.lock().breaker.view()
    }

    /// A person wants work to go on: where the other side is held, the next probe is due.
    pub(crate) fn probe_now(&self) {
        self.gate.lock().breaker.probe_now(Instant::now());
        self.wake();
    }

    /// The other side is another one now, or a person has looked after it.
    pub(crate) fn reset(&self, hub: &Hub) {
        self.change(hub, Breaker::reset);
        self.wake();
    }

    fn is_idle(&self) -> bool {
        self.gate.lock().busy == 0
    }

    /// What it may claim now. Until it is [`Desk::cleared`], nothing rides: what is claimed takes
    /// its places only then.
    fn opening(&self, hub: &Hub, terms: Terms) -> Opening {
        let busy = {
            let mut gate = self.gate.lock();
            gate.clear = false;
            gate.busy
        };
        let free = self.change(hub, |breaker, moment| {
            breaker.free(moment, terms.places, busy)
        });
        let limit = free.min(CLAIM_BATCH);
        let mut gate = self.gate.lock();
        if limit == 0 {
            let again = gate.breaker.until();
            return Opening { limit, again };
        }
        let now = Instant::now();
        let Some(pace) = gate.paced(terms.rate, now) else {
            return Opening { limit, again: None };
        };
        let limit = limit.min(pace.allows(now));
        let again = (limit == 0).then(|| now + pace.wait(now));
        Opening { limit, again }
    }

    /// A look is over, and left nothing that was due.
    fn cleared(&self) {
        self.gate.lock().clear = true;
    }

    /// Tells the breaker something, and counts where that holds the desk or lets it go.
    fn change<T>(&self, hub: &Hub, act: impl FnOnce(&mut Breaker, Moment<'_>) -> T) -> T {
        let random = || hub.random();
        let moment = Moment {
            now: Instant::now(),
            wall: hub.now(),
            random: &random,
        };
        let mut gate = self.gate.lock();
        let was_closed = gate.breaker.is_closed();
        let result = act(&mut gate.breaker, moment);
        let is_closed = gate.breaker.is_closed();
        drop(gate);
        if was_closed != is_closed {
            self.side.count(hub, is_closed);
        }
        result
    }
}

impl Side {
    fn count(self, hub: &Hub, well: bool) {
        let catalog = hub.catalog.load();
        let (kind, name) = match self {
            Self::Agent(id) => ("agent", catalog.agent_name(id)),
            Self::Outlet(id) => ("outlet", catalog.connector_name(id)),
        };
        let name = name.map_or("", |name| name.as_str());
        let open = hub.metrics.breakers_open.get_or_create(&Kind { kind });
        if well {
            open.dec();
            tracing::info!(kind, name, "`{name}` is well again, and gets its work");
        } else {
            open.inc();
            tracing::warn!(
                kind,
                name,
                "`{name}` is not well, and its work is kept back"
            );
        }
    }
}

impl Gate {
    /// The bucket of this rate; a full one where the rate has changed.
    fn paced(&mut self, rate: Option<Rate>, now: Instant) -> Option<&mut Pace> {
        if self.pace.as_ref().map(Pace::rate) != rate {
            self.pace = rate.map(|rate| Pace::new(rate, now));
        }
        self.pace.as_mut()
    }
}

/// A taken place at a desk. Dropping it shows nothing of the other side.
#[derive(Debug)]
pub(crate) struct Place {
    desk: Arc<Desk>,
    period: Period,
    /// Others wait for what it shows.
    trial: bool,
}

impl Place {
    /// Whether others are held until this attempt shows how the other side is.
    pub(crate) const fn is_trial(&self) -> bool {
        self.trial
    }

    /// The attempt is not over, and the other side is well all the same. Its end shows that only
    /// where it is otherwise.
    pub(crate) fn is_well(&mut self, hub: &Hub) {
        self.trial = false;
        let period = self.period;
        self.desk.change(hub, |breaker, moment| {
            breaker.tell(period, Health::Well, moment);
        });
        self.desk.wake();
    }

    /// The attempt is over, and showed how the other side is.
    pub(crate) fn end(self, hub: &Hub, health: Health) {
        let period = self.period;
        self.desk
            .change(hub, |breaker, moment| breaker.tell(period, health, moment));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut gate = self.desk.gate.lock();
        gate.breaker.forget(self.period);
        gate.busy -= 1;
        // What comes after a look that left nothing wakes the desk by itself.
        let wanted = !gate.clear;
        drop(gate);
        if wanted {
            self.desk.wake();
        }
    }
}

/// All desks.
#[derive(Debug, Default)]
pub(crate) struct Desks {
    agents: Mutex<BTreeMap<AgentId, Arc<Desk>>>,
    outlets: Mutex<BTreeMap<ConnectorId, Arc<Desk>>>,
    /// Of the connectors that take events.
    pub intakes: Intakes,
}

impl Desks {
    pub(crate) fn of_agent(&self, id: AgentId) -> Arc<Desk> {
        let mut agents = self.agents.lock();
        let desk = agents
            .entry(id)
            .or_insert_with(|| Arc::new(Desk::new(Side::Agent(id))));
        Arc::clone(desk)
    }

    pub(crate) fn of_outlet(&self, id: ConnectorId) -> Arc<Desk> {
        let mut outlets = self.outlets.lock();
        let desk = outlets
            .entry(id)
            .or_insert_with(|| Arc::new(Desk::new(Side::Outlet(id))));
        Arc::clone(desk)
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
