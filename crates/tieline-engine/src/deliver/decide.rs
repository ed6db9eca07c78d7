//! What a delivery becomes after an attempt. Pure: the time and the random number are arguments.

use std::time::Duration;

use tieline_contract::{Fault, Receipt, Verdict};
use tieline_model::{DeliveryState, Reason, Timestamp};
use tieline_store::{DeliveryOutcome, Next};

use crate::limits::DELIVERY_SCHEDULE;

/// Ends the delivery, or says when it is tried again. `attempt` counts from 1.
pub(super) fn decide(
    attempt: u32,
    result: Result<Receipt, Fault>,
    now: Timestamp,
    random: u32,
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
        Verdict::Later | Verdict::NotStarted(None) => Some(Duration::ZERO),
        Verdict::After(wait) | Verdict::NotStarted(Some(wait)) => Some(wait),
    };
    let failures = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
    match (at_least, DELIVERY_SCHEDULE.get(failures)) {
        (Some(at_least), Some(wait)) => DeliveryOutcome::Again(Next {
            reason: Reason::Retry,
            due_at: now.plus(jittered(*wait, random).max(at_least)),
            error: Some(fault.error),
            not_started: false,
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
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(0);

    fn told(attempt: u32, result: Result<Receipt, Fault>) -> String {
        match decide(attempt, result, NOW, 0) {
            DeliveryOutcome::Ended { state, .. } => state.as_str().to_owned(),
            DeliveryOutcome::Again(next) => format!("in {:?}", next.due_at.since(NOW)),
        }
    }

    fn fault(verdict: Verdict) -> Result<Receipt, Fault> {
        Err(Fault::new(verdict, "x", "…"))
    }

    #[test]
    fn only_an_acknowledgement_is_delivered() {
        assert_eq!(told(1, Ok(Receipt::default())), "delivered");
        assert_eq!(told(1, fault(Verdict::Never)), "failed");
        assert_eq!(told(1, fault(Verdict::Gone)), "failed");
        assert_eq!(told(1, fault(Verdict::Later)), "in 5s");
        assert_eq!(
            told(1, fault(Verdict::After(Duration::from_mins(1)))),
            "in 60s"
        );
        assert_eq!(
            told(1, fault(Verdict::After(Duration::from_secs(1)))),
            "in 5s"
        );
        assert_eq!(told(9, fault(Verdict::NotStarted(None))), "in 86400s");
        assert_eq!(told(10, fault(Verdict::Later)), "failed");
    }

    #[test]
    fn the_schedule_lasts_about_three_days() {
        let total: Duration = DELIVERY_SCHEDULE.iter().sum();
        let days = total.as_secs_f64() / 86_400.0;
        assert!((2.8..4.0).contains(&days), "{days}");
        assert!(jittered(Duration::from_secs(10), u32::MAX) <= Duration::from_secs(11));
    }
}
