//! What the world outside has seen: the other book, which is not the store's.
//!
//! Everything that is seen is a step; steps are in the order in which it was seen. Nothing in here
//! asks the store, so that the two can be compared. What is wrong at first sight is noted at once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use tieline_model::{
    AgentId, ConnectorId, DeliveryId, EventId, Run, RunError, RunId, RunState, Timestamp,
};

use super::plan::Fate;
use crate::Accepted;

#[derive(Debug, Default)]
pub(super) struct Ledger {
    step: u64,
    /// Which hub lives, from 1.
    pub hub: u32,
    pub sends: Vec<Sent>,
    pub executions: Vec<Execution>,
    /// By delivery, in order.
    pub attempts: BTreeMap<DeliveryId, Vec<DeliveryAttempt>>,
    pub finals: BTreeMap<RunId, Final>,
    /// Acknowledged, by event.
    pub replays: BTreeMap<EventId, Vec<RunId>>,
    /// When somebody last asked for a cancel, or an agent called back.
    pub acts: BTreeMap<RunId, u64>,
    /// Runs that were held or paused, and that somebody let go on.
    pub released: BTreeSet<RunId>,
    /// Which agents each outlet was linked to, from first to last.
    pub links: Vec<Links>,
    pub promises: Vec<Promise>,
    /// Runs that somebody was told of.
    pub known: BTreeSet<RunId>,
    /// How many hubs died, or stopped while the store was out: what they had not recorded is lost.
    pub lost: u32,
    /// Hubs that stopped in order, on a store that took what they gave back.
    pub stopped: BTreeSet<u32>,
    /// Somebody has set the clock.
    pub jumped: bool,
    /// Failed deliveries that were driven again while the present hub lives.
    pub redriven: u64,
    /// Agents that are paused, and since when.
    pub paused: BTreeMap<usize, Duration>,
    /// What is wrong whatever comes.
    pub wrong: Vec<String>,
    /// The history in words, where somebody wants to read it.
    pub lines: Option<Vec<String>>,
}

/// One event of one request.
#[derive(Debug)]
pub(super) struct Sent {
    pub door: ConnectorId,
    /// The links as they stood, and what is to become of each.
    pub fates: Vec<(AgentId, Fate, Option<String>)>,
    pub body: Bytes,
    pub key: Option<(String, Timestamp)>,
    pub called: u64,
    pub called_at: Duration,
    pub answered: Option<u64>,
    pub said: Said,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// The caller went away, or the hub did; or the answer says nothing of this event.
    Nothing,
    Refused,
    Conflict,
    Accepted(Accepted),
}

/// An agent at work.
#[derive(Debug)]
pub(super) struct Execution {
    pub agent: usize,
    pub run: RunId,
    pub event: EventId,
    pub session: Option<String>,
    pub input: Bytes,
    pub attempt: u32,
    pub hub: u32,
    pub began: u64,
    pub began_at: Duration,
    /// How long it may take.
    pub timeout: Duration,
    pub ended: Option<(u64, End)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// With an outcome, or a fault that ends its run.
    Decided,
    Deferred,
    /// With a fault that counts as an attempt.
    Charged,
    Crashed,
    NotStarted,
    /// By the hub at its deadline, which counts as an attempt.
    Overdue,
    /// By the hub: cancelled, given back, or dead together with it.
    Cut,
}

#[derive(Debug)]
pub(super) struct DeliveryAttempt {
    pub outlet: usize,
    pub body: Bytes,
    pub attempt: u32,
    pub hub: u32,
    pub taken: bool,
    pub answered: bool,
}

#[derive(Debug)]
pub(super) struct Final {
    /// When it was first seen.
    pub step: u64,
    pub state: RunState,
    pub output: Option<Bytes>,
    pub error: Option<RunError>,
    pub attempt: u32,
}

/// The links of the outlets, from when they may have held.
#[derive(Debug)]
pub(super) struct Links {
    pub called: u64,
    pub returned: u64,
    pub of: Vec<BTreeSet<usize>>,
}

/// An agent that said it would answer, and when it will.
#[derive(Clone, Debug)]
pub(super) struct Promise {
    pub at: Duration,
    pub run: RunId,
    pub token: String,
    pub execution: usize,
}

impl Ledger {
    pub(super) const fn step(&mut self) -> u64 {
        self.step += 1;
        self.step
    }

    /// Writes a line of the history.
    pub(super) fn say(&mut self, at: Duration, line: fmt::Arguments<'_>) {
        if let Some(lines) = &mut self.lines {
            lines.push(format!("{:>9.3} {line}", at.as_secs_f64()));
        }
    }

    /// An agent begins.
    pub(super) fn begin(&mut self, mut execution: Execution, at: Duration, places: u32) -> usize {
        let Execution { agent, run, .. } = execution;
        (execution.began, execution.began_at) = (self.step(), at);
        execution.hub = self.hub;
        let attempt = execution.attempt;
        self.say(at, format_args!("agent {agent} begins {run} #{attempt}"));
        let open = |other: &&Execution| other.ended.is_none();
        let busy = self.executions.iter().filter(open);
        let busy = busy.filter(|other| other.agent == agent);
        let (mut count, mut twice) = (0_u32, false);
        for other in busy {
            count += 1;
            twice |= other.run == run;
        }
        if count >= places {
            let wrong = format!("agent {agent} got {run} beyond its {places} places");
            self.wrong.push(wrong);
        }
        if twice {
            self.wrong.push(format!("{run} is executed twice at once"));
        }
        if self.finals.contains_key(&run) {
            self.wrong.push(format!("{run} began after its end"));
        }
        if self.paused.get(&agent).is_some_and(|since| *since < at) {
            let wrong = format!("agent {agent} is paused, and began {run}");
            self.wrong.push(wrong);
        }
        self.executions.push(execution);
        self.executions.len() - 1
    }

    pub(super) fn end(&mut self, execution: usize, mut end: End, at: Duration) {
        if self.executions[execution].ended.is_some() {
            return;
        }
        let step = self.step();
        let entry = &mut self.executions[execution];
        if end == End::Cut && at >= entry.began_at + entry.timeout {
            end = End::Overdue;
        }
        entry.ended = Some((step, end));
        let (agent, run) = (entry.agent, entry.run);
        self.say(at, format_args!("agent {agent} ends {run}: {end:?}"));
    }

    /// The hub dies, and all that it has in hand with it.
    pub(super) fn crash(&mut self, at: Duration) {
        self.lost += 1;
        for execution in 0..self.executions.len() {
            self.end(execution, End::Cut, at);
        }
    }

    /// The hub stops in order, perhaps while the store is out.
    pub(super) fn stop(&mut self, out: bool) {
        if out {
            self.lost += 1;
        } else {
            self.stopped.insert(self.hub);
        }
    }

    /// How often an agent has begun a run before.
    pub(super) fn begun(&self, run: RunId) -> u64 {
        self.executions
            .iter()
            .filter(|other| other.run == run)
            .count() as u64
    }

    /// Somebody read a run.
    pub(super) fn read(&mut self, run: &Run, at: Duration) {
        if !run.state.is_final() {
            if self.finals.contains_key(&run.id) {
                self.wrong.push(format!("{} goes on after its end", run.id));
            }
            return;
        }
        if let Some(before) = self.finals.get(&run.id) {
            let same = before.state == run.state
                && before.output == run.output
                && before.error == run.error
                && before.attempt == run.attempt;
            if !same {
                let wrong = format!("the outcome of {} changed: {before:?}, {run:?}", run.id);
                self.wrong.push(wrong);
            }
            return;
        }
        let state = run.state;
        self.say(at, format_args!("{} was seen {}", run.id, state.as_str()));
        let step = self.step();
        let seen = Final {
            step,
            state: run.state,
            output: run.output.clone(),
            error: run.error.clone(),
            attempt: run.attempt,
        };
        self.finals.insert(run.id, seen);
    }

    /// Runs that somebody was told of, and that nobody has seen ended.
    pub(super) fn open(&self) -> Vec<RunId> {
        let open = self.known.iter();
        let open = open.filter(|run| !self.finals.contains_key(run));
        open.copied().collect()
    }

    /// Takes out the promises that are kept now.
    pub(super) fn take_promises(&mut self, kept: impl Fn(&Promise) -> bool) -> Vec<Promise> {
        let promises = std::mem::take(&mut self.promises);
        let (kept, later) = promises.into_iter().partition(kept);
        self.promises = later;
        kept
    }

    pub(super) fn accepted(&self) -> impl Iterator<Item = (&Sent, &Accepted)> {
        self.sends.iter().filter_map(|sent| match &sent.said {
            Said::Accepted(accepted) => Some((sent, accepted)),
            _ => None,
        })
    }
}
