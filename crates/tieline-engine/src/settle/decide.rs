//! What a run becomes after an attempt, or before one. Pure: the time and the random number are
//! arguments.

use std::time::Duration;

use tieline_contract::{Fault, Outcome, Verdict};
use tieline_model::quantity::Span;
use tieline_model::{Agent, Event, Exhausted, Kept, Reason, Run, RunError, RunState, Timestamp};
use tieline_store::{Counts, Next, RunOutcome};

use crate::limits::{OUTAGE_AGE_MAX, OUTAGES_MIN};

const EXPIRED: &str = "expired";

/// When a decision is made, and its luck.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    /// By the steady clock.
    pub now: Timestamp,
    /// Drawn only where it is needed: most runs complete.
    pub random: &'a dyn Fn() -> u32,
}

/// Ends the run, or says when it goes on.
pub(super) fn decide(
    run: &Run,
    agent: &Agent,
    result: Result<Outcome, Fault>,
    at: At<'_>,
) -> RunOutcome {
    let fault = match result {
        Ok(Outcome::Completed { output, usage }) => {
            return RunOutcome::Ended {
                state: RunState::Completed,
                output: Some(output),
                error: None,
                usage,
                dead_letter: false,
            };
        }
        Ok(Outcome::Failed { error, usage }) => {
            return RunOutcome::Ended {
                state: RunState::Failed,
                output: None,
                error: Some(error),
                usage,
                dead_letter: false,
            };
        }
        Ok(Outcome::Deferred) => {
            return RunOutcome::Again(Next {
                reason: Reason::Answer,
                due_at: run.started_at.unwrap_or(at.now).plus(agent.timeout),
                error: None,
                counts: Counts::Attempt,
            });
        }
        Err(fault) => fault,
    };
    match fault.verdict {
        Verdict::Never | Verdict::Gone => failed(fault.error),
        Verdict::Later => retry(run, agent, fault.error, Duration::ZERO, at),
        Verdict::After(wait) => retry(run, agent, fault.error, wait, at),
        Verdict::Crashed => crash(run, agent, fault.error, at),
        Verdict::NotStarted(wait) => outage(run, agent, fault.error, wait.unwrap_or_default(), at),
    }
}

/// What becomes of a claimed run that must not be started; `None` where it may be.
pub(super) fn refuse(
    run: &Run,
    event: &Event,
    agent: &Agent,
    now: Timestamp,
) -> Option<RunOutcome> {
    match event.kept {
        Kept::Whole => {}
        Kept::Erased => {
            let message = "its event's input was erased before it could be started";
            return Some(failed(RunError::new("erased", message)));
        }
        Kept::Damaged => {
            let message = "its event's input was damaged on the disk; the sender has to repeat it";
            return Some(failed(RunError::new("damaged", message)));
        }
    }
    // The claim has counted the first attempt. Those of an outage were taken off again.
    let first = run.attempt <= 1 && run.reason != Some(Reason::Answer);
    if let Some(ttl) = agent.queue_ttl
        && first
        && run.queued_at.plus(ttl) <= now
    {
        return Some(expired(ttl));
    }
    if run.crashes >= agent.retry.crashes {
        let message = format!(
            "{} of its attempts were cut off, because the hub or the agent went down in the middle",
            run.crashes
        );
        return Some(exhausted(agent, RunError::new("crashed", message)));
    }
    None
}

/// A run that was never begun in the time that its agent gives it. It is no dead letter: nothing
/// was tried.
pub(super) fn expired(ttl: Duration) -> RunOutcome {
    let ttl = Span(ttl);
    let message = format!("it waited longer than the agent's `queue_ttl`, {ttl}, to be started");
    failed(RunError::new(EXPIRED, message))
}

/// Whether that is what became of a run.
pub(super) fn is_expired(outcome: &RunOutcome) -> bool {
    matches!(outcome, RunOutcome::Ended { error: Some(error), .. } if error.code == EXPIRED)
}

pub(super) fn failed(error: RunError) -> RunOutcome {
    ends_failed(error, false)
}

fn ends_failed(error: RunError, dead_letter: bool) -> RunOutcome {
    RunOutcome::Ended {
        state: RunState::Failed,
        output: None,
        error: Some(error),
        usage: None,
        dead_letter,
    }
}

/// A run whose budget is used up.
fn exhausted(agent: &Agent, error: RunError) -> RunOutcome {
    match agent.retry.exhausted {
        Exhausted::DeadLetter => ends_failed(error, true),
        Exhausted::Pause => RunOutcome::Paused { error },
    }
}

fn retry(run: &Run, agent: &Agent, error: RunError, at_least: Duration, at: At<'_>) -> RunOutcome {
    let errors = run.attempt.saturating_sub(run.crashes);
    if errors >= agent.retry.attempts {
        return exhausted(agent, error);
    }
    let wait = agent.retry.backoff.wait(errors, (at.random)());
    let wait = wait.max(at_least);
    again(Reason::Retry, wait, error, Counts::Attempt, at)
}

fn crash(run: &Run, agent: &Agent, error: RunError, at: At<'_>) -> RunOutcome {
    let crashes = run.crashes.saturating_add(1);
    if crashes >= agent.retry.crashes {
        return exhausted(agent, error);
    }
    let wait = agent.retry.backoff.wait(crashes, (at.random)());
    again(Reason::Retry, wait, error, Counts::Crash, at)
}

fn outage(run: &Run, agent: &Agent, error: RunError, at_least: Duration, at: At<'_>) -> RunOutcome {
    let outages = run.outages.saturating_add(1);
    if outages >= OUTAGES_MIN && at.now.since(run.queued_at) >= OUTAGE_AGE_MAX {
        return exhausted(agent, error);
    }
    let backoff = &agent.retry.backoff;
    let wait = backoff.wait(outages, (at.random)()).max(at_least);
    again(Reason::Outage, wait, error, Counts::Outage, at)
}

fn again(
    reason: Reason,
    wait: Duration,
    error: RunError,
    counts: Counts,
    at: At<'_>,
) -> RunOutcome {
    RunOutcome::Again(Next {
        reason,
        due_at: at.now.plus(wait),
        error: Some(error),
        counts,
    })
}

#[cfg(test)]
mod tests;
