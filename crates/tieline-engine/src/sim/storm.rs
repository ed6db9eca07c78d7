//! What happens to a hub in its time: people, callers, callbacks, clocks, disks, and its end.

use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use tieline_model::{DeliveryState, RunError, RunId};
use tieline_store::{CatalogChange, DeliveryFilter, Store as _};

use super::ledger::{Links, Promise};
use super::plan::PROJECT;
use super::world::{Leave, Watch};
use crate::{Answer, EngineError};

#[derive(Clone, Copy, Debug)]
enum Act {
    Send,
    SendAndWait,
    Cancel,
    Replay,
    Redrive,
    Release,
    PauseAgent,
    PauseConnector,
    LinkDoor,
    LinkOutlet,
    Outage,
    Late,
    Jump,
    Stop,
    Crash,
}

const ACTS: [(u64, Act); 15] = [
    (40, Act::Send),
    (12, Act::SendAndWait),
    (6, Act::Cancel),
    (4, Act::Replay),
    (3, Act::Redrive),
    (2, Act::Release),
    (4, Act::PauseAgent),
    (3, Act::PauseConnector),
    (3, Act::LinkDoor),
    (3, Act::LinkOutlet),
    (4, Act::Outage),
    (4, Act::Late),
    (2, Act::Jump),
    (2, Act::Stop),
    (3, Act::Crash),
];

const HOUR_MS: i64 = 3_600_000;
const YEAR_MS: i64 = 365 * 24 * HOUR_MS;

impl Watch<'_> {
    pub(super) async fn storm(&mut self) -> Leave {
        while self.world.acts_left > 0 {
            self.world.acts_left -= 1;
            let chance = &mut self.world.chance;
            // What happens while the store has not answered yet happens at once.
            let longest = if self.world.late > 0 {
                chance.weighted(&[(4, 0), (1, 50)])
            } else {
                chance.weighted(&[(3, 0), (3, 50), (3, 2_000), (1, 60_000)])
            };
            if longest > 0 {
                let pause = chance.millis(1..longest);
                tokio::time::sleep(pause).await;
            }
            if self.world.late > 0 {
                self.be_late(self.world.late - 1);
            }
            self.look().await;
            self.call_back(false).await;
            let act = self.world.chance.weighted(&ACTS);
            if self.world.late > 0 && self.world.chance.percent(18) {
                return Leave::Crash;
            }
            match act {
                Act::Late if !self.world.may_be_late => self.send(),
                Act::Stop => {
                    let longest = self.world.chance.weighted(&[(1, 2), (2, 20_000)]);
                    return Leave::Stop(self.world.chance.millis(1..longest));
                }
                Act::Crash => return Leave::Crash,
                act => self.act(act).await,
            }
        }
        Leave::Over
    }

    async fn act(&mut self, act: Act) {
        match act {
            Act::Send => self.send(),
            Act::SendAndWait => self.send_and_wait(),
            Act::Cancel => self.cancel().await,
            Act::Replay => self.replay().await,
            Act::Redrive => self.redrive().await,
            Act::Release => self.release().await,
            Act::PauseAgent => self.pause_agent().await,
            Act::PauseConnector => self.pause_connector().await,
            Act::LinkDoor => self.link_door().await,
            Act::LinkOutlet => self.link_outlet().await,
            Act::Outage => self.outage(),
            // It costs much time that is real, so it does not last.
            Act::Late => {
                let acts = self.world.chance.within(2..8);
                self.be_late(acts);
            }
            Act::Jump => {
                let jumps = [(2, HOUR_MS), (2, -HOUR_MS), (1, YEAR_MS), (1, -YEAR_MS)];
                let jump = self.world.chance.weighted(&jumps);
                self.world.outside.clock.jump(jump);
                self.world.outside.ledger().jumped = true;
                self.world
                    .outside
                    .say(format_args!("the clock jumps by {jump} ms"));
            }
            Act::Stop | Act::Crash => unreachable!("they end the storm of this hub"),
        }
    }

    /// Reads every run that was told of and has not ended yet.
    pub(super) async fn look(&mut self) {
        let open = self.world.outside.ledger().open();
        if let Ok(runs) = self.hub.store().runs_by_id(PROJECT, open).await {
            let at = self.world.outside.passed();
            let mut ledger = self.world.outside.ledger();
            for run in runs {
                ledger.read(&run, at);
            }
        }
    }

    /// Agents that said they would answer do, those whose time has come or all.
    pub(super) async fn call_back(&mut self, all: bool) {
        let now = self.world.outside.passed();
        let kept = |promise: &Promise| all || promise.at <= now;
        let due = self.world.outside.ledger().take_promises(kept);
        for promise in due {
            let again = self.world.chance.percent(20);
            let settled = self.answer(promise.clone()).await;
            if settled && again && self.answer(promise.clone()).await {
                let wrong = format!("{} was called back twice", promise.run);
                self.world.outside.ledger().wrong.push(wrong);
            }
        }
    }

    /// Whether the answer was taken.
    async fn answer(&mut self, mut promise: Promise) -> bool {
        let fails = self.world.chance.percent(25);
        let answer = if fails {
            Answer::Error(RunError::new("own", "said later"))
        } else {
            Answer::Output(Bytes::from_static(b"\"said later\""))
        };
        let run = promise.run;
        let step = self.world.outside.ledger().step();
        let settled = self
            .hub
            .settle_by_callback(run, &promise.token, answer, None)
            .await;
        let at = self.world.outside.passed();
        let mut ledger = self.world.outside.ledger();
        ledger.say(at, format_args!("{run} is called back: {settled:?}"));
        match settled {
            Ok(ended) => {
                let mut executions = ledger.executions.iter();
                let last = executions.rposition(|execution| execution.run == run);
                if last != Some(promise.execution) {
                    let wrong = format!("{run} took the answer of an attempt that was over");
                    ledger.wrong.push(wrong);
                }
                ledger.acts.insert(run, step);
                ledger.read(&ended, at);
                true
            }
            Err(EngineError::Store(_)) => {
                promise.at = at + Duration::from_secs(3);
                ledger.promises.push(promise);
                false
            }
            Err(_) => false,
        }
    }

    /// One of the runs that somebody was told of.
    fn some_run(&mut self) -> Option<RunId> {
        let ledger = self.world.outside.ledger();
        let count = ledger.known.len();
        // The newest rather than the oldest: most of those have ended.
        let back = if count == 0 {
            return None;
        } else {
            self.world.chance.below(count.min(12))
        };
        ledger.known.iter().rev().nth(back).copied()
    }

    async fn cancel(&mut self) {
        let Some(run) = self.some_run() else { return };
        let step = self.world.outside.ledger().step();
        let cancelled = self.hub.cancel_run(PROJECT, run).await;
        let at = self.world.outside.passed();
        let mut ledger = self.world.outside.ledger();
        let taken = cancelled.is_ok();
        ledger.say(at, format_args!("{run} is cancelled: {taken}"));
        match cancelled {
            Ok(ended) => {
                ledger.acts.insert(run, step);
                ledger.read(&ended, at);
            }
            Err(EngineError::Store(_) | EngineError::NotAllowed(_)) => {}
            Err(error) => ledger.wrong.push(format!("cancel of {run}: {error:?}")),
        }
    }

    async fn replay(&mut self) {
        let Some(run) = self.some_run() else { return };
        let replayed = self.hub.replay_run(PROJECT, run, None).await;
        let original = self.hub.store().run(PROJECT, run).await;
        let at = self.world.outside.passed();
        let mut ledger = self.world.outside.ledger();
        ledger.say(at, format_args!("{run} is replayed: {replayed:?}"));
        match (replayed, original) {
            (Ok(new), Ok(Some(original))) => {
                ledger.known.insert(new);
                ledger.replays.entry(original.event).or_default().push(new);
            }
            (Err(EngineError::Store(_)), _) => {}
            (replayed, original) => {
                let wrong = format!("replay of {run}: {replayed:?} of {original:?}");
                ledger.wrong.push(wrong);
            }
        }
    }

    async fn redrive(&mut self) {
        let store = self.hub.store();
        let page = tieline_model::page::PageRequest::first(50);
        let deliveries = store.deliveries(PROJECT, DeliveryFilter::default(), page);
        let Ok(page) = deliveries.await else { return };
        let stuck = |state| matches!(state, DeliveryState::Failed | DeliveryState::Waiting);
        let rows = page.rows.iter().filter(|row| stuck(row.state));
        let rows: Vec<_> = rows.collect();
        if rows.is_empty() {
            return;
        }
        let row = rows[self.world.chance.below(rows.len())];
        let redriven = self.hub.redrive_delivery(PROJECT, row.id).await;
        let at = self.world.outside.passed();
        let mut ledger = self.world.outside.ledger();
        ledger.say(at, format_args!("{} is redriven: {redriven:?}", row.id));
        if redriven.is_ok() && row.state == DeliveryState::Failed {
            ledger.redriven += 1;
        }
    }

    async fn release(&mut self) {
        if let Some(run) = self.some_run() {
            self.let_go(run).await;
        }
    }

    /// A person lets a run go on that is held or paused.
    pub(super) async fn let_go(&mut self, run: RunId) {
        let released = self.hub.release_run(PROJECT, run).await;
        let at = self.world.outside.passed();
        let mut ledger = self.world.outside.ledger();
        ledger.say(at, format_args!("{run} is released: {released:?}"));
        if released.is_ok() {
            ledger.released.insert(run);
        }
    }

    async fn pause_agent(&mut self) {
        let agent = self.world.chance.below(self.world.plan.agents.len());
        let paused = !self.is_paused(agent);
        self.set_agent(agent, paused).await;
    }

    pub(super) fn is_paused(&self, agent: usize) -> bool {
        self.world.outside.ledger().paused.contains_key(&agent)
    }

    pub(super) async fn set_agent(&mut self, agent: usize, paused: bool) {
        let name = &self.world.plan.agents[agent].name;
        let before = self.world.outside.ledger().paused.remove(&agent);
        let done = self.hub.pause_agent(PROJECT, name, paused).await;
        let at = self.world.outside.passed();
        let mut ledger = self.world.outside.ledger();
        ledger.say(at, format_args!("agent {agent} paused {paused}: {done:?}"));
        let since = match done {
            Ok(()) => paused.then_some(at),
            Err(_) => before,
        };
        if let Some(since) = since {
            ledger.paused.insert(agent, since);
        }
    }

    async fn pause_connector(&mut self) {
        let plan = &self.world.plan;
        let doors = plan.doors.iter().map(|door| &door.name);
        let outlets = plan.outlets.iter().map(|outlet| &outlet.name);
        let names: Vec<_> = doors.chain(outlets).collect();
        let name = names[self.world.chance.below(names.len())];
        let paused = self.world.chance.percent(40);
        let done = self.hub.pause_connector(PROJECT, name, paused).await;
        self.world
            .outside
            .say(format_args!("{name} paused {paused}: {done:?}"));
    }

    async fn link_door(&mut self) {
        let number = self.world.chance.below(self.world.plan.doors.len());
        let mut door = self.world.plan.doors[number].clone();
        let link = self.world.chance.below(door.links.len());
        door.links[link].linked ^= true;
        if !door.links.iter().any(|link| link.linked) {
            return;
        }
        let links = self.world.plan.door_links(&door);
        if self.put_links(&door.name, links).await {
            self.world.plan.doors[number] = door;
        }
    }

    async fn link_outlet(&mut self) {
        let number = self.world.chance.below(self.world.plan.outlets.len());
        let mut outlet = self.world.plan.outlets[number].clone();
        let agent = self.world.chance.below(self.world.plan.agents.len());
        if !outlet.links.remove(&agent) {
            outlet.links.insert(agent);
        }
        if outlet.links.is_empty() {
            return;
        }
        let links = self.world.plan.outlet_links(&outlet);
        let called = self.world.outside.ledger().step();
        if self.put_links(&outlet.name, links).await {
            self.world.plan.outlets[number] = outlet;
            let outlets = self.world.plan.outlets.iter();
            let of = outlets.map(|outlet| outlet.links.clone()).collect();
            let mut ledger = self.world.outside.ledger();
            let returned = ledger.step();
            ledger.links.push(Links {
                called,
                returned,
                of,
            });
        }
    }

    /// Whether the connector has these links now.
    async fn put_links(
        &mut self,
        name: &tieline_model::Name,
        links: Vec<tieline_model::Link>,
    ) -> bool {
        let catalog = self.hub.catalog();
        let connector = catalog.connector(PROJECT, name);
        let mut row = connector.expect("it is never removed").row.clone();
        row.links = links;
        let change = CatalogChange {
            put_connectors: vec![row],
            ..CatalogChange::default()
        };
        let done = self.hub.apply(PROJECT, change).await;
        let (done, outside) = (done.is_ok(), &self.world.outside);
        outside.say(format_args!("{name} is linked anew: {done}"));
        done
    }

    /// The store answers some way after its commits, for as many acts.
    fn be_late(&mut self, acts: u64) {
        self.world.late = acts;
        self.world.store.answer_late(acts > 0);
        let told = format_args!("the store answers late: {acts}");
        self.world.outside.say(told);
    }

    fn outage(&mut self) {
        self.world.out = !self.world.out;
        if self.world.out {
            // A closed store refuses everything, as one whose disk is full does.
            let closed = self.world.store.close().now_or_never();
            closed.expect("it waits for nothing");
        } else {
            self.world.store.reopen();
        }
        let out = self.world.out;
        self.world.outside.say(format_args!("store out: {out}"));
    }
}
