//! After the storm: nothing fails, everything is resumed, and time runs until nothing moves.

use std::time::Duration;

use tieline_model::{DeliveryState, Reason, Run};

use super::books::Books;
use super::plan::PROJECT;
use super::world::Watch;

/// By when a calm world has come to rest: longer than every wait that a storm leaves behind.
const REST: Duration = Duration::from_hours(3);

/// How long the results of a quiet world may take. A desk that nobody wakes looks later than this.
const PROMPT: Duration = Duration::from_secs(2);

impl Watch<'_> {
    pub(super) async fn calm(&mut self) {
        let world = &mut *self.world;
        world.outside.calm_down();
        world.store.reopen();
        world.store.answer_late(false);
        for agent in 0..self.world.plan.agents.len() {
            if self.is_paused(agent) {
                self.set_agent(agent, false).await;
            }
        }
        while self.calls.join_next().await.is_some() {}
        if !self.rest().await {
            return;
        }
        // The first finds what the storm has left half open.
        self.probe().await;
        if !self.rest().await {
            return;
        }
        let took = self.probe().await;
        let deadline = self.world.outside.passed() + PROMPT;
        while self.deliveries_move() && self.world.outside.passed() < deadline {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        if took > PROMPT {
            self.wrong(format!("in a quiet world, results took {took:?}"));
        }
        if self.deliveries_move() {
            self.wrong(format!(
                "in a quiet world, deliveries took more than {PROMPT:?}"
            ));
        }
        self.rest().await;
        let left = self.hub.live().len();
        if left > 0 {
            self.wrong(format!("{left} runs are waited for or in hand by nobody"));
        }
    }

    /// Waits until nothing moves. Whether it came to that.
    async fn rest(&mut self) -> bool {
        let deadline = self.world.outside.passed() + REST;
        let mut pause = Duration::from_millis(500);
        while self.world.outside.passed() < deadline {
            self.look().await;
            self.resume_connectors().await;
            self.call_back(true).await;
            let Some(moving) = self.hurry().await else {
                return true;
            };
            self.world
                .outside
                .say(format_args!("still moving: {moving}"));
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_mins(1));
        }
        let moving = self.hurry().await;
        self.wrong(format!("it does not come to rest: {moving:?}"));
        false
    }

    /// Tries deliveries again that wait, at once. Returns what has not ended, if anything.
    async fn hurry(&mut self) -> Option<String> {
        let books = Books::read(&self.world.store);
        let mut moving = None;
        for row in books.deliveries.values() {
            if row.state == DeliveryState::Waiting {
                let redriven = self.hub.redrive_delivery(PROJECT, row.id).await;
                let at = self.world.outside.passed();
                let mut ledger = self.world.outside.ledger();
                ledger.say(at, format_args!("{} is hurried: {redriven:?}", row.id));
            }
            if !row.state.is_final() {
                moving = Some(format!("{row:?}"));
            }
        }
        for run in books.runs.values() {
            if run.reason == Some(Reason::Paused) {
                self.let_go(run.id).await;
            }
        }
        let runs = books.runs.values();
        let run = runs
            .filter(|run| !is_held(run))
            .find(|run| !run.state.is_final());
        run.map(|run| format!("{run:?}")).or(moving)
    }

    fn wrong(&self, wrong: String) {
        self.world.outside.ledger().wrong.push(wrong);
    }

    fn deliveries_move(&self) -> bool {
        let books = Books::read(&self.world.store);
        books.deliveries.values().any(|row| !row.state.is_final())
    }

    /// A destination that said that it is gone has paused its connector.
    async fn resume_connectors(&mut self) {
        let catalog = self.hub.catalog();
        for connector in catalog.connectors_of(PROJECT) {
            if connector.row.paused {
                let name = &connector.row.name;
                let resumed = self.hub.pause_connector(PROJECT, name, false).await;
                resumed.expect("a calm store stores");
            }
        }
    }
}

/// Waits for a person, and says why.
pub(super) fn is_held(run: &Run) -> bool {
    run.reason == Some(Reason::Held) && run.error.is_some() && run.due_at.is_none()
}
