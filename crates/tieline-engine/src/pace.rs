//! A token bucket: so many in a length of time, and as many at once where it was quiet before.
//!
//! It counts in whole numbers, so that it neither gains nor loses over years, and knows no wall
//! clock: a jump of it neither frees nor holds up anything.

use std::time::Duration;

use tieline_model::quantity::Rate;
use tokio::time::Instant;

/// What may begin under one [`Rate`].
#[derive(Debug)]
pub(crate) struct Pace {
    rate: Rate,
    /// Nanoseconds times `rate.count`; one costs `rate.per` in nanoseconds.
    level: u128,
    /// When `level` was true.
    at: Instant,
}

impl Pace {
    /// A full bucket.
    pub(crate) const fn new(rate: Rate, now: Instant) -> Self {
        Self {
            rate,
            level: full(rate),
            at: now,
        }
    }

    pub(crate) const fn rate(&self) -> Rate {
        self.rate
    }

    /// How many may begin now.
    pub(crate) fn allows(&mut self, now: Instant) -> u32 {
        self.fill(now);
        let allowed = self.level / cost(self.rate);
        u32::try_from(allowed).expect("a bucket holds no more than its count")
    }

    /// Takes `count` out, as far as they are there.
    pub(crate) fn spend(&mut self, count: u32) {
        let spent = u128::from(count) * cost(self.rate);
        self.level = self.level.saturating_sub(spent);
    }

    /// Puts one back that did not begin.
    pub(crate) fn give_back(&mut self) {
        let level = self.level.saturating_add(cost(self.rate));
        self.level = level.min(full(self.rate));
    }

    /// How long until the next may begin; zero where one may begin now.
    pub(crate) fn wait(&mut self, now: Instant) -> Duration {
        self.wait_for(1, now)
    }

    /// How long until `count` have been allowed, those that may begin now included.
    pub(crate) fn wait_for(&mut self, count: u32, now: Instant) -> Duration {
        self.fill(now);
        let wanted = cost(self.rate).saturating_mul(u128::from(count));
        let missing = wanted.saturating_sub(self.level);
        let nanos = missing.div_ceil(u128::from(self.rate.count.max(1)));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    fn fill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_nanos();
        let gained = passed.saturating_mul(u128::from(self.rate.count));
        self.level = self.level.saturating_add(gained).min(full(self.rate));
        self.at = self.at.max(now);
    }
}

const fn cost(rate: Rate) -> u128 {
    let nanos = rate.per.0.as_nanos();
    if nanos == 0 { 1 } else { nanos }
}

#[expect(clippy::as_conversions, reason = "`u128::from` is not const yet")]
const fn full(rate: Rate) -> u128 {
    cost(rate) * rate.count as u128
}

#[cfg(test)]
mod tests;
