//! How often and how soon to try again.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::quantity::Span;

/// How an agent's run is retried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retry {
    /// How many attempts a run gets in all, the first included (1 to 100).
    #[schemars(range(min = 1, max = 100))]
    pub attempts: u32,
    /// How many of its attempts may end in a crash: the agent's process ended or its connection
    /// broke in the middle, or the hub itself went down. They are counted apart from `attempts`.
    #[schemars(range(min = 1, max = 100))]
    pub crashes: u32,
    /// How long to wait between attempts.
    pub backoff: Backoff,
    /// What becomes of a run whose attempts are used up.
    pub exhausted: Exhausted,
}

/// What becomes of a run whose attempts are used up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Exhausted {
    /// It fails, as a dead letter: it is kept and can be replayed.
    #[default]
    DeadLetter,
    /// It waits, reason `paused`, until a person releases or cancels it. Its session waits with it.
    Pause,
}

/// Waiting times that double from `initial` up to `max`, each jittered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Backoff {
    /// The wait after the first failed attempt.
    pub initial: Span,
    /// The longest wait.
    pub max: Span,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 3,
            crashes: 5,
            exhausted: Exhausted::default(),
            backoff: Backoff::default(),
        }
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            initial: Span::from_secs(1),
            max: Span::from_secs(300),
        }
    }
}

impl Backoff {
    /// The wait after the `failures`th failure (from 1), for a random number.
    ///
    /// Between half of the doubled wait and all of it: spread, yet never at once.
    pub fn wait(&self, failures: u32, random: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(30);
        let full = self
            .initial
            .0
            .saturating_mul(1 << doublings)
            .min(self.max.0);
        let half = full / 2;
        half + half.mul_f64(f64::from(random) / f64::from(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_stay_in_their_half() {
        let backoff = Backoff::default();
        for (failures, full_s) in [(1, 1), (2, 2), (5, 16), (20, 300), (u32::MAX, 300)] {
            let full = Duration::from_secs(full_s);
            assert_eq!(backoff.wait(failures, u32::MAX), full);
            assert_eq!(backoff.wait(failures, 0), full / 2);
        }
    }
}
