//! What a delivery becomes after an attempt. Pure: the time and the random number are arguments.

use std::time::Duration;

use tieline_contract::{Fault, Receipt, Verdict};
use tieline_model::{DeliveryState, Kept, Reason, RunError, Timestamp};
use tieline_store::{Counts, DeliveryOutcome, Next};

use crate::desk::breaker::Health;
use crate::limits::{DELIVERY_SCHEDULE, DELIVERY_WAIT_MAX};

/// What an attempt showed of the destination; `None` where it showed nothing.
///
/// One that refuses is well: holding the others would not help this one.
pub(super) fn health(result: &Result<Receipt, Fault>) -> Option<Health> {
    let fault = match result {
        Ok(_receipt) => return Some(Health::Well),
        Err(fault) => fault,
    };
    match fault.verdict {
        Verdict::Never => Some(Health::Well),
        // Its connector is paused.
        Verdict::Gone => None,
        Verdict::Later | Verdict::Crashed | Verdict::NotStarted(None) => Some(Health::Unwell(None)),
        Verdict::After(wait) | Verdict::NotStarted(Some(wait)) => Some(Health::Hold(wait)),
    }
}

/// Why a body that is not whole is not delivered.
pub(super) fn unusable(kept: Kept) -> Option<RunError> {
    match kept {
        Kept::Whole => None,
        Kept::Erased => Some(RunError::new(
            "erased",
            "the result was erased before it was delivered",
        )),
        Kept::Damaged => Some(RunError::new(
            "damaged",
            "the disk has changed the result before it was delivered; replay the run",
        )),
    }
}

/// Ends the delivery, or says when it is tried again. `attempt` counts from 1.
pub(super) fn decide(
    attempt: u32,
    result: Result<Receipt, Fault>,
    now: Timestamp,
    random: impl FnOnce() -> u32,
) -> DeliveryOutcome {
    let fault = match result {
        Ok(_receipt) => {
            return DeliveryOutcome::Ended {
                state: DeliveryState::Delivered,
                error: None,
            };
        }
        Err(fault) => fault,
    };
    let at_least = match fault.verdict {
        Verdict::Never | Verdict::Gone => None,
        Verdict::Later | Verdict::Crashed | Verdict::NotStarted(None) => Some(Duration::ZERO),
        Verdict::After(wait) | Verdict::NotStarted(Some(wait)) => Some(wait.min(DELIVERY_WAIT_MAX)),
    };
    let failures = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
    match (at_least, DELIVERY_SCHEDULE.get(failures)) {
        (Some(at_least), Some(wait)) => DeliveryOutcome::Again(Next {
            reason: Reason::Retry,
            due_at: now.plus(jittered(*wait, random()).max(at_least)),
            error: Some(fault.error),
            counts: Counts::Attempt,
        }),
        _ => DeliveryOutcome::Ended {
            state: DeliveryState::Failed,
            error: Some(fault.error),
        },
    }
}

/// Up to a tenth longer, so that deliveries that failed together do not come back together.
fn jittered(wait: Duration, random: u32) -> Duration {
    wait + (wait / 10).mul_f64(f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests;
