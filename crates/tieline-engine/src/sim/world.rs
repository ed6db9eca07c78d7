//! A world: one store, and one hub after the other on it, each in a runtime of its own.
//!
//! A hub that dies loses its runtime: every task is dropped where it stands, as at a kill.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use tieline_egress::{Client, Limits, Policy};
use tieline_model::Mode;
use tieline_store::{CatalogChange, MemoryStore};
use tokio::runtime::Builder;
use tokio::task::JoinSet;

use super::books::Books;
use super::chance::{Chance, Draws};
use super::counters;
use super::invariants::{self, End};
use super::ledger::Links;
use super::outside::{Outside, RUNTIMES, TYPES};
use super::plan::{PROJECT, Plan};
use crate::{Hub, HubParts, Retention, Surroundings, Types};

/// Nothing in a world goes out; it is made once, because it reads the machine's certificates.
static CLIENT: LazyLock<Arc<Client>> = LazyLock::new(|| {
    let policy = Policy::Agents { public_only: false };
    Arc::new(Client::new(policy, Limits::default()))
});

const CENTURY: Duration = Duration::from_hours(100 * 365 * 24);

/// What came of a world.
#[derive(Debug)]
pub(super) struct Story {
    /// The first is what to look at.
    pub wrong: Vec<String>,
    pub lines: Vec<String>,
}

pub(super) struct World {
    pub chance: Chance,
    /// As the catalogue stands: links come and go.
    pub plan: Plan,
    pub outside: Arc<Outside>,
    pub store: Arc<MemoryStore>,
    /// How many acts the storm still has.
    pub acts_left: u32,
    /// The number of the next event.
    pub next_event: u64,
    /// For how many acts more the store answers late.
    pub late: u64,
    pub may_be_late: bool,
    pub out: bool,
}

/// The time of one hub.
pub(super) struct Watch<'a> {
    pub world: &'a mut World,
    pub hub: Arc<Hub>,
    /// Those who called it.
    pub calls: JoinSet<()>,
    pub before: Books,
}

/// How a hub's time ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leave {
    Stop(Duration),
    Crash,
    Over,
}

/// Lives through the world of a seed.
pub(super) fn live(seed: u64, told: bool) -> Story {
    let mut chance = Chance::of(seed, &[0]);
    let plan = Plan::draw(&mut chance);
    let outside = Outside::new(seed, plan.clone(), told);
    let mut world = World {
        acts_left: u32::try_from(15 + chance.below(40)).expect("small"),
        may_be_late: chance.percent(15),
        chance,
        plan,
        outside: Arc::clone(&outside),
        store: Arc::default(),
        next_event: 1,
        late: 0,
        out: false,
    };
    while world.one_hub() != Leave::Over {}
    let books = Books::read(&world.store);
    let mut ledger = outside.ledger();
    let at = outside.passed();
    for run in books.runs.values() {
        ledger.read(run, at);
    }
    let mut wrong = std::mem::take(&mut ledger.wrong);
    let end = End {
        plan: &outside.plan,
        ledger: &ledger,
        books: &books,
        latest: outside.clock.latest(),
    };
    wrong.extend(invariants::broken(&end));
    let lines = ledger.lines.take().unwrap_or_default();
    Story { wrong, lines }
}

impl World {
    fn one_hub(&mut self) -> Leave {
        let mut runtime = Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build();
        let runtime = runtime.expect("a runtime without I/O needs nothing of the machine");
        runtime.block_on(async {
            self.outside.clock.begin();
            let leave = self.watch().await;
            self.outside.clock.end();
            leave
        })
    }

    async fn watch(&mut self) -> Leave {
        self.store.reopen();
        self.store.answer_late(false);
        (self.late, self.out) = (0, false);
        let before = Books::read(&self.store);
        let number = {
            let mut ledger = self.outside.ledger();
            ledger.hub += 1;
            ledger.redriven = 0;
            ledger.hub
        };
        self.outside.say(format_args!("hub {number} begins"));
        let hub = Hub::new(self.parts(number))
            .await
            .expect("the store is open");
        hub.start().await.expect("the store is open");
        if number == 1 {
            self.furnish(&hub).await;
        }
        let mut watch = Watch {
            world: self,
            hub,
            calls: JoinSet::new(),
            before,
        };
        let leave = watch.storm().await;
        watch.leave(leave).await;
        leave
    }

    fn parts(&self, number: u32) -> HubParts {
        let client = &*CLIENT;
        let draws = Chance::of(self.outside.seed, &[u64::MAX, u64::from(number)]);
        HubParts {
            store: Arc::<MemoryStore>::clone(&self.store),
            clock: Arc::<super::time::WorldClock>::clone(&self.outside.clock),
            entropy: Arc::new(Draws::new(draws)),
            types: Types {
                connectors: TYPES,
                runtimes: RUNTIMES,
            },
            surroundings: Surroundings {
                folder: PathBuf::from("."),
                environment: Vec::new(),
                agents: Arc::clone(client),
                outside: Arc::clone(client),
                public_url: Some("http://hub".to_owned()),
                // Nothing goes, however the clock jumps.
                retention: Retention {
                    bodies: CENTURY,
                    rows: CENTURY,
                },
            },
        }
    }

    /// Puts everything of the plan into the catalogue.
    async fn furnish(&mut self, hub: &Arc<Hub>) {
        let plan = &self.plan;
        let doors = (0..plan.doors.len()).map(|door| plan.door_row(door));
        let outlets = (0..plan.outlets.len()).map(|outlet| plan.outlet_row(outlet));
        let change = CatalogChange {
            put_agents: (0..plan.agents.len()).map(|n| plan.agent_row(n)).collect(),
            put_connectors: doors.chain(outlets).collect(),
            ..CatalogChange::default()
        };
        hub.apply(PROJECT, change).await.expect("the plan is valid");
        let links = plan.outlets.iter().map(|outlet| outlet.links.clone());
        self.outside.ledger().links.push(Links {
            called: 0,
            returned: 0,
            of: links.collect(),
        });
        let doors = self.plan.doors.iter();
        let sync = doors.filter(|door| door.mode == Mode::Sync).count();
        let (agents, doors) = (self.plan.agents.len(), self.plan.doors.len());
        let told = format_args!("{agents} agents, {doors} doors of which {sync} sync");
        self.outside.say(told);
    }
}

impl Watch<'_> {
    async fn leave(&mut self, leave: Leave) {
        self.world
            .outside
            .say(format_args!("the hub's time ends: {leave:?}"));
        match leave {
            Leave::Crash => {
                let at = self.world.outside.passed();
                self.world.outside.ledger().crash(at);
            }
            Leave::Stop(grace) => self.stop(grace).await,
            Leave::Over => {
                self.calm().await;
                self.stop(Duration::from_secs(1)).await;
            }
        }
    }

    async fn stop(&mut self, grace: Duration) {
        self.hub.stop(grace).await;
        self.world.outside.ledger().stop(self.world.out);
        while self.calls.join_next().await.is_some() {}
        // What callers left behind when they went away.
        self.hub.tasks.wait().await;
        self.world.store.reopen();
        self.world.store.answer_late(false);
        let after = Books::read(&self.world.store);
        let mut ledger = self.world.outside.ledger();
        let wrong = counters::wrong(&self.hub, &ledger, &self.before, &after);
        ledger.wrong.extend(wrong);
    }
}
