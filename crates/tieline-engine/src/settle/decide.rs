//! What a run becomes after an attempt. Pure: the time and the random number are arguments.

use std::time::Duration;

use tieline_contract::{Fault, Outcome, Verdict};
use tieline_model::{Agent, Reason, Run, RunError, RunState, Timestamp};
use tieline_store::{Next, RunOutcome};

use crate::limits::OUTAGE_AGE_MAX;

/// When a decision is made, and its luck.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    pub now: Timestamp,
    pub random: u32,
}

/// Ends the run, or says when it goes on.
pub(super) fn decide(
    run: &Run,
    agent: &Agent,
    result: Result<Outcome, Fault>,
    at: At,
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
            let due_at = run.started_at.unwrap_or(at.now).plus(agent.timeout);
            let (reason, error) = (Reason::Answer, None);
            return RunOutcome::Again(Next {
                reason,
                due_at,
                error,
                not_started: false,
            });
        }
        Err(fault) => fault,
    };
    match fault.verdict {
        Verdict::Never | Verdict::Gone => failed(fault.error, false),
        Verdict::Later => retry(run, agent, fault.error, Duration::ZERO, at),
        Verdict::After(wait) => retry(run, agent, fault.error, wait, at),
        Verdict::NotStarted(wait) => outage(run, agent, fault.error, wait.unwrap_or_default(), at),
    }
}

fn failed(error: RunError, dead_letter: bool) -> RunOutcome {
    let error = Some(error);
    RunOutcome::Ended {
        state: RunState::Failed,
        output: None,
        error,
        usage: None,
        dead_letter,
    }
}

fn retry(run: &Run, agent: &Agent, error: RunError, at_least: Duration, at: At) -> RunOutcome {
    if run.attempt >= agent.retry.attempts {
        return failed(error, true);
    }
    let wait = agent
        .retry
        .backoff
        .wait(run.attempt, at.random)
        .max(at_least);
    let due_at = at.now.plus(wait);
    RunOutcome::Again(Next {
        reason: Reason::Retry,
        due_at,
        error: Some(error),
        not_started: false,
    })
}

fn outage(run: &Run, agent: &Agent, error: RunError, at_least: Duration, at: At) -> RunOutcome {
    if at.now.since(run.queued_at) >= OUTAGE_AGE_MAX {
        return failed(error, true);
    }
    let wait = agent
        .retry
        .backoff
        .wait(run.outages + 1, at.random)
        .max(at_least);
    let due_at = at.now.plus(wait);
    RunOutcome::Again(Next {
        reason: Reason::Outage,
        due_at,
        error: Some(error),
        not_started: true,
    })
}

#[cfg(test)]
mod tests;
