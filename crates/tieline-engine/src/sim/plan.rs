//! What a world consists of: its agents, doors and outlets, drawn from the seed.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tieline_model::quantity::{Rate, Span};
use tieline_model::retry::Backoff;
use tieline_model::{
    Agent, AgentId, Connector, ConnectorId, Debounce, Exhausted, Link, ManagedBy, Mode, Name,
    OnError, Policy, Priority, ProjectId, Retry, RunState,
};

use super::chance::Chance;

pub(super) const PROJECT: ProjectId = ProjectId::DEFAULT;

/// The keys under which runs are ordered, where a link orders them.
pub(super) const SESSIONS: [&str; 3] = ["a", "b", "c"];

#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub agents: Vec<AgentPlan>,
    /// Connectors that events come in by.
    pub doors: Vec<Door>,
    /// Connectors that results leave by.
    pub outlets: Vec<Outlet>,
}

#[derive(Clone, Debug)]
pub(super) struct AgentPlan {
    pub name: Name,
    pub concurrency: u32,
    /// How many runs of one session at once.
    pub session_concurrency: u32,
    pub rate: Option<Rate>,
    pub queue_ttl: Option<Duration>,
    pub attempts: u32,
    pub crashes: u32,
    pub exhausted: Exhausted,
    pub timeout: Duration,
}

#[derive(Clone, Debug)]
pub(super) struct Door {
    pub name: Name,
    pub mode: Mode,
    pub rate: Option<Rate>,
    pub links: Vec<DoorLink>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct DoorLink {
    pub agent: usize,
    pub when: When,
    pub on_error: OnError,
    pub session: bool,
    pub policy: Policy,
    pub debounce: Option<Debounce>,
    pub priority: Priority,
    /// Links come and go.
    pub linked: bool,
}

/// A condition, and what it makes of an event's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    Always,
    Even,
    Broken,
}

/// What is to become of a link's run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Run,
    Skip,
    Held,
}

#[derive(Clone, Debug)]
pub(super) struct Outlet {
    pub name: Name,
    pub on: Vec<RunState>,
    /// Doors; empty for all.
    pub from: Vec<Name>,
    /// Agents.
    pub links: BTreeSet<usize>,
}

impl Plan {
    pub(super) fn draw(chance: &mut Chance) -> Self {
        let agents: Vec<_> = (0..2 + chance.below(3))
            .map(|number| AgentPlan::draw(chance, number))
            .collect();
        let with_conditions = chance.percent(50);
        let doors: Vec<_> = (0..2 + chance.below(2))
            .map(|number| Door::draw(chance, number, &agents, with_conditions))
            .collect();
        let outlets = (0..=chance.below(2))
            .map(|number| Outlet::draw(chance, number, agents.len(), &doors))
            .collect();
        Self {
            agents,
            doors,
            outlets,
        }
    }

    pub(super) fn agent_row(&self, number: usize) -> Agent {
        let plan = &self.agents[number];
        Agent {
            id: AgentId(0),
            project: PROJECT,
            name: plan.name.clone(),
            runtime: "simulated".to_owned(),
            timeout: plan.timeout,
            concurrency: plan.concurrency,
            session_concurrency: plan.session_concurrency,
            rate: plan.rate,
            queue_ttl: plan.queue_ttl,
            retry: Retry {
                attempts: plan.attempts,
                crashes: plan.crashes,
                exhausted: plan.exhausted,
                backoff: Backoff {
                    initial: Span::from_secs(1),
                    max: Span::from_secs(20),
                },
            },
            settings: actor(number),
            managed_by: ManagedBy::File,
            paused: false,
            removed: false,
        }
    }

    pub(super) fn door_row(&self, number: usize) -> Connector {
        let door = &self.doors[number];
        Connector {
            rate: door.rate,
            ..connector(&door.name, door.mode, actor(number), self.door_links(door))
        }
    }

    pub(super) fn door_links(&self, door: &Door) -> Vec<Link> {
        let linked = door.links.iter().filter(|link| link.linked);
        linked
            .map(|link| {
                let when = match link.when {
                    When::Always => None,
                    When::Even => Some("input.n % 2 == 0"),
                    When::Broken => Some("input.nothing == 1"),
                };
                let session = link.session.then_some("input.s");
                let mut row = link_to(&self.agents[link.agent].name);
                row.when = when.map(str::to_owned);
                row.session = session.map(str::to_owned);
                row.on_error = link.on_error;
                row.policy = link.policy;
                row.debounce = link.debounce;
                row.priority = link.priority;
                row
            })
            .collect()
    }

    pub(super) fn outlet_row(&self, number: usize) -> Connector {
        let outlet = &self.outlets[number];
        let links = self.outlet_links(outlet);
        connector(&outlet.name, Mode::Outbound, actor(number), links)
    }

    pub(super) fn outlet_links(&self, outlet: &Outlet) -> Vec<Link> {
        let agents = outlet.links.iter();
        agents
            .map(|agent| link_to(&self.agents[*agent].name))
            .collect()
    }
}

impl AgentPlan {
    fn draw(chance: &mut Chance, number: usize) -> Self {
        let mut upto = |most| u32::try_from(1 + chance.below(most)).expect("small");
        let (concurrency, attempts, crashes) = (upto(4), upto(4), upto(5));
        let rate = Rate {
            count: upto(5),
            per: Span(Duration::from_millis(500)),
        };
        let exhausted = [(8, Exhausted::DeadLetter), (2, Exhausted::Pause)];
        Self {
            name: name("agent", number),
            concurrency,
            session_concurrency: chance.weighted(&[(8, 1), (2, 2)]),
            rate: chance.percent(15).then_some(rate),
            queue_ttl: chance.percent(15).then(|| chance.millis(10_000..120_000)),
            attempts,
            crashes,
            exhausted: chance.weighted(&exhausted),
            timeout: chance.millis(5_000..60_000),
        }
    }
}

impl Door {
    fn draw(
        chance: &mut Chance,
        number: usize,
        agents: &[AgentPlan],
        with_conditions: bool,
    ) -> Self {
        let mut links: Vec<DoorLink> = Vec::new();
        for _ in 0..=chance.below(3) {
            let agent = chance.below(agents.len());
            if links.iter().any(|link| link.agent == agent) {
                continue;
            }
            let when = chance.weighted(&[(5, When::Always), (3, When::Even), (1, When::Broken)]);
            let on_error =
                chance.weighted(&[(2, OnError::Hold), (1, OnError::Skip), (1, OnError::Run)]);
            let session = with_conditions && chance.percent(60);
            links.push(DoorLink {
                agent,
                when: if with_conditions { when } else { When::Always },
                on_error,
                session,
                policy: if session {
                    policy(chance)
                } else {
                    Policy::Queue
                },
                debounce: chance.percent(8).then(|| debounce(chance)),
                priority: chance.weighted(&[
                    (6, Priority::Normal),
                    (1, Priority::Low),
                    (1, Priority::High),
                ]),
                linked: true,
            });
        }
        let mode = if number == 0 || chance.percent(30) {
            Mode::Sync
        } else {
            Mode::Inbound
        };
        Self {
            name: name("door", number),
            mode,
            rate: chance.percent(10).then_some(Rate {
                count: 3,
                per: Span::from_secs(1),
            }),
            links,
        }
    }
}

impl DoorLink {
    pub(super) fn fate(self, number: u64) -> Fate {
        match (self.when, self.on_error) {
            (When::Always, _) | (When::Broken, OnError::Run) => Fate::Run,
            (When::Even, _) if number.is_multiple_of(2) => Fate::Run,
            (When::Even, _) | (When::Broken, OnError::Skip) => Fate::Skip,
            (When::Broken, OnError::Hold) => Fate::Held,
        }
    }

    /// A run that goes on although its condition failed stands in no line.
    pub(super) fn session_of(self, session: &str) -> Option<String> {
        (self.session && self.when != When::Broken).then(|| session.to_owned())
    }
}

impl Outlet {
    fn draw(chance: &mut Chance, number: usize, agents: usize, doors: &[Door]) -> Self {
        use RunState::{Cancelled, Completed, Failed};
        let on: &[RunState] = chance.weighted::<&[RunState]>(&[
            (3, &[Completed, Failed]),
            (1, &[Completed]),
            (2, &[Completed, Failed, Cancelled]),
        ]);
        let from = if chance.percent(25) {
            vec![doors[chance.below(doors.len())].name.clone()]
        } else {
            Vec::new()
        };
        Self {
            name: name("outlet", number),
            on: on.to_vec(),
            from,
            links: (0..=chance.below(agents))
                .map(|_| chance.below(agents))
                .collect(),
        }
    }
}

fn policy(chance: &mut Chance) -> Policy {
    chance.weighted(&[
        (6, Policy::Queue),
        (2, Policy::Coalesce),
        (2, Policy::Replace),
        (1, Policy::Parallel),
        (1, Policy::Reject),
    ])
}

fn debounce(chance: &mut Chance) -> Debounce {
    Debounce {
        quiet: Span(chance.millis(100..5_000)),
        max_wait: Span(chance.millis(5_000..20_000)),
        max_count: u32::try_from(1 + chance.below(5)).expect("small"),
    }
}

fn name(what: &str, number: usize) -> Name {
    Name::new(&format!("{what}-{number}")).expect("letters, a dash and a digit")
}

/// The settings of everything in here: its number in the plan.
fn actor(number: usize) -> Map<String, Value> {
    let settings = json!({ "actor": number });
    settings.as_object().expect("it is one").clone()
}

fn link_to(agent: &Name) -> Link {
    serde_json::from_value(json!({ "agent": agent })).expect("the rest of a link has defaults")
}

fn connector(name: &Name, mode: Mode, settings: Map<String, Value>, links: Vec<Link>) -> Connector {
    Connector {
        id: ConnectorId(0),
        project: PROJECT,
        name: name.clone(),
        kind: "simulated".to_owned(),
        mode,
        secrets: Vec::new(),
        links,
        concurrency: None,
        rate: None,
        settings,
        managed_by: ManagedBy::File,
        paused: false,
        removed: false,
    }
}
