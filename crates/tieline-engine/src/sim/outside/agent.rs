//! An agent that completes, fails, faults, panics, hangs, and answers later or never.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tieline_contract::{
    Assignment, Chunks, Fault, Outcome, Problems, Runtime, RuntimeContext, Verdict,
};
use tieline_model::RunError;

use super::{Actor, Draw, Outside};
use crate::sim::chance::Chance;
use crate::sim::ledger::{End, Execution, Promise};

pub(super) struct Simulated {
    outside: Arc<Outside>,
    actor: usize,
}

/// How an attempt is to end.
#[derive(Clone, Copy)]
enum Act {
    Complete,
    Fail,
    Later,
    After,
    NotStarted,
    Never,
    Gone,
    Crash,
    Panic,
    Hang,
    Defer,
}

const ACTS: [(u64, Act); 11] = [
    (50, Act::Complete),
    (8, Act::Fail),
    (10, Act::Later),
    (5, Act::After),
    (6, Act::NotStarted),
    (4, Act::Never),
    (1, Act::Gone),
    (5, Act::Crash),
    (3, Act::Panic),
    (4, Act::Hang),
    (9, Act::Defer),
];

impl Runtime for Simulated {
    type Settings = Actor;

    fn open(settings: Actor, _context: &RuntimeContext) -> Result<Self, Problems> {
        Ok(Self {
            outside: Outside::here(),
            actor: settings.actor,
        })
    }

    async fn run(
        &self,
        assignment: &Assignment,
        chunks: &mut dyn Chunks,
    ) -> Result<Outcome, Fault> {
        let (at_work, mut chance) = self.begin(assignment);
        let act = self.choose(&mut chance);
        for number in 0..chance.below(3) {
            chunks.push(Bytes::from(format!("{} {number}", at_work.execution)));
            self.work(&mut chance).await;
        }
        self.work(&mut chance).await;
        let (end, result) = match act {
            Act::Hang => std::future::pending().await,
            Act::Panic => {
                at_work.end(End::Decided);
                // Without the hook, which would print it.
                std::panic::resume_unwind(Box::new("as the seed said"));
            }
            Act::Defer => {
                self.promise(assignment, &mut chance, at_work.execution);
                (End::Deferred, Ok(Outcome::Deferred))
            }
            act => done(act, assignment, &mut chance),
        };
        at_work.end(end);
        result
    }
}

impl Simulated {
    fn begin(&self, assignment: &Assignment) -> (AtWork, Chance) {
        let outside = &self.outside;
        let mut ledger = outside.ledger();
        let places = outside.plan.agents[self.actor].concurrency;
        let before = ledger.begun(assignment.run_id);
        let execution = Execution {
            agent: self.actor,
            run: assignment.run_id,
            event: assignment.event_id,
            session: assignment.session.clone(),
            input: assignment.input.clone(),
            attempt: assignment.attempt,
            hub: 0,
            began: 0,
            began_at: Duration::ZERO,
            timeout: assignment.timeout,
            ended: None,
        };
        let execution = ledger.begin(execution, outside.passed(), places);
        drop(ledger);
        let (high, low) = assignment.run_id.as_bytes().split_at(8);
        let number = |half: &[u8]| u64::from_be_bytes(half.try_into().expect("eight bytes"));
        let of = [self.actor as u64, number(high), number(low), before];
        let at_work = AtWork {
            outside: Arc::clone(outside),
            execution,
        };
        (at_work, outside.chance(Draw::Agent, &of))
    }

    fn choose(&self, chance: &mut Chance) -> Act {
        let act = chance.weighted(&ACTS);
        if self.outside.is_calm() {
            Act::Complete
        } else if self.outside.is_down(Draw::AgentDown, self.actor, 12) {
            Act::NotStarted
        } else {
            act
        }
    }

    /// Takes some time, or none.
    async fn work(&self, chance: &mut Chance) {
        let longest = if self.outside.is_calm() { 10 } else { 4_000 };
        let time = chance.weighted(&[(2, 0), (2, 10), (1, longest)]);
        if time > 0 {
            tokio::time::sleep(chance.millis(1..time)).await;
        }
    }

    /// That it will answer: mostly kept.
    fn promise(&self, assignment: &Assignment, chance: &mut Chance, execution: usize) {
        let longest = assignment.timeout.mul_f64(1.3);
        let longest = u64::try_from(longest.as_millis()).expect("short");
        let kept = !chance.percent(20);
        if let Some(callback) = assignment.callback.as_ref().filter(|_| kept) {
            let promise = Promise {
                at: self.outside.passed() + chance.millis(1..longest),
                run: assignment.run_id,
                token: callback.token.clone(),
                execution,
            };
            self.outside.ledger().promises.push(promise);
        }
    }
}

fn done(act: Act, assignment: &Assignment, chance: &mut Chance) -> (End, Result<Outcome, Fault>) {
    let wait = chance.millis(1..20_000);
    let fault = |verdict| Err(Fault::new(verdict, "simulated", "as the seed said"));
    match act {
        Act::Later => (End::Charged, fault(Verdict::Later)),
        Act::Crash => (End::Crashed, fault(Verdict::Crashed)),
        Act::After => (End::Charged, fault(Verdict::After(wait))),
        Act::NotStarted => {
            let wait = chance.percent(50).then_some(wait);
            (End::NotStarted, fault(Verdict::NotStarted(wait)))
        }
        Act::Never => (End::Decided, fault(Verdict::Never)),
        Act::Gone => (End::Decided, fault(Verdict::Gone)),
        Act::Fail => {
            let error = RunError::new("own", "as the seed said");
            (End::Decided, Ok(Outcome::Failed { error, usage: None }))
        }
        _ => {
            let output = output(assignment.attempt);
            (
                End::Decided,
                Ok(Outcome::Completed {
                    output,
                    usage: None,
                }),
            )
        }
    }
}

/// Says which attempt it is of, so that an outcome that changes is seen.
pub(super) fn output(attempt: u32) -> Bytes {
    format!("{{\"attempt\":{attempt}}}").into()
}

/// An execution until it ends, by itself or by being dropped.
struct AtWork {
    outside: Arc<Outside>,
    execution: usize,
}

impl AtWork {
    fn end(&self, end: End) {
        let at = self.outside.passed();
        self.outside.ledger().end(self.execution, end, at);
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.end(End::Cut);
    }
}
