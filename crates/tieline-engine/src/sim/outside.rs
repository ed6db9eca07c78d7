//! Agents and destinations that do all that the contract allows, as the seed says.

mod agent;
mod destination;
mod door;

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use schemars::JsonSchema;
use serde::Deserialize;
use tieline_contract::{ConnectorType, Exchange, Inbound, Outbound, RuntimeType, Settings};

use self::agent::Simulated;
use self::destination::Destination;
use self::door::Hook;
use super::chance::Chance;
use super::ledger::Ledger;
use super::plan::Plan;
use super::time::WorldClock;

/// All that is not the hub.
pub(super) struct Outside {
    pub seed: u64,
    pub plan: Plan,
    pub clock: Arc<WorldClock>,
    ledger: Mutex<Ledger>,
    /// The storm is over: nothing fails.
    calm: AtomicBool,
}

thread_local! {
    /// The world of this thread; a hub opens its agents and connectors on the thread it runs on.
    static HERE: RefCell<Option<Arc<Outside>>> = const { RefCell::new(None) };
}

/// For whom a draw is made.
#[derive(Clone, Copy)]
enum Draw {
    Agent = 1,
    AgentDown,
    Destination,
    DestinationDown,
}

impl Outside {
    pub(super) fn new(seed: u64, plan: Plan, told: bool) -> Arc<Self> {
        let mut ledger = Ledger::default();
        ledger.lines = told.then(Vec::new);
        let outside = Arc::new(Self {
            seed,
            plan,
            clock: Arc::default(),
            ledger: Mutex::new(ledger),
            calm: AtomicBool::new(false),
        });
        HERE.set(Some(Arc::clone(&outside)));
        outside
    }

    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock()
    }

    pub(super) fn calm_down(&self) {
        self.calm.store(true, Ordering::Relaxed);
    }

    /// Writes a line of the history.
    pub(super) fn say(&self, line: fmt::Arguments<'_>) {
        let at = self.passed();
        self.ledger.lock().say(at, line);
    }

    fn is_calm(&self) -> bool {
        self.calm.load(Ordering::Relaxed)
    }

    pub(super) fn passed(&self) -> Duration {
        self.clock.passed()
    }

    /// A stream for one act of one of them, whatever the others draw.
    fn chance(&self, draw: Draw, of: &[u64]) -> Chance {
        let mut purpose = vec![draw as u64];
        purpose.extend(of);
        Chance::of(self.seed, &purpose)
    }

    /// Whether somebody is down: for some minutes now and then.
    fn is_down(&self, draw: Draw, actor: usize, of_hundred: u64) -> bool {
        let window = self.passed().as_secs() / 90;
        let mut chance = self.chance(draw, &[actor as u64, window]);
        !self.is_calm() && chance.percent(of_hundred)
    }

    fn here() -> Arc<Self> {
        HERE.with_borrow(|here| here.clone().expect("a world was made on this thread"))
    }
}

/// Settings of everything in here: its number in the plan.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Actor {
    /// The actor's number among those of its kind.
    actor: usize,
}

impl Settings for Actor {}

static TYPE: ConnectorType = ConnectorType {
    name: "simulated",
    title: "Simulated",
    summary: "Does what the seed says.",
    manual: "",
    icon: "",
    inbound: Some(Inbound::endpoint::<Hook>()),
    sync: Some(Exchange::endpoint::<Hook>()),
    outbound: Some(Outbound::sink::<Destination>()),
};

static RUNTIME: RuntimeType =
    RuntimeType::new::<Simulated>("simulated", "Does what the seed says.", 1);

pub(super) static TYPES: &[&ConnectorType] = &[&TYPE];
pub(super) static RUNTIMES: &[&RuntimeType] = &[&RUNTIME];
