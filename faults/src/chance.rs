//! Chance from a seed: the same seed draws the same numbers.
//!
//! `SplitMix64` (Steele, Lea and Flood, 2014): good enough to choose faults, and a dozen lines.

use std::time::Duration;

/// A source of numbers.
#[derive(Clone, Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Another source, for a part with this number; it does not depend on what was drawn here.
    pub(crate) fn part(&self, number: u64) -> Self {
        let mut part = Self(self.0 ^ number.wrapping_mul(0xD6E8_FEB8_6659_FD93));
        part.draw();
        part
    }

    pub(crate) const fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`, which is not zero.
    pub(crate) const fn below(&mut self, end: u64) -> u64 {
        self.draw() % end
    }

    /// True in so many cases of a thousand.
    pub(crate) const fn permille(&mut self, share: u64) -> bool {
        self.below(1000) < share
    }

    /// A time between the two, in milliseconds.
    pub(crate) fn time(&mut self, from: Duration, to: Duration) -> Duration {
        let width = to.saturating_sub(from).as_millis();
        let width = u64::try_from(width).unwrap_or(u64::MAX).max(1);
        from + Duration::from_millis(self.below(width))
    }
}

#[cfg(test)]
mod tests;
