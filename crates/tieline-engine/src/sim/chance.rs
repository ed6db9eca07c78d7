//! Where every random draw of a world comes from: its seed.

use std::ops::Range;
use std::time::Duration;

use parking_lot::Mutex;
use tieline_model::id::Entropy;

/// A seeded generator (`SplitMix64`).
#[derive(Clone, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    /// A stream of its own for each purpose, so that one more draw for the one does not change what
    /// happens to the others.
    pub(super) fn of(seed: u64, purpose: &[u64]) -> Self {
        let mut chance = Self(seed);
        for part in purpose {
            chance.0 = chance.draw() ^ part.wrapping_mul(0xff51_afd7_ed55_8ccd);
        }
        chance
    }

    pub(super) fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0, less than `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).expect("small");
        usize::try_from(self.draw() % end).expect("less than a usize")
    }

    pub(super) fn percent(&mut self, of_hundred: u64) -> bool {
        self.draw() % 100 < of_hundred
    }

    pub(super) fn within(&mut self, range: Range<u64>) -> u64 {
        range.start + self.draw() % (range.end - range.start)
    }

    pub(super) fn millis(&mut self, range: Range<u64>) -> Duration {
        Duration::from_millis(self.within(range))
    }

    /// One of them, each as often as its weight says.
    pub(super) fn weighted<T: Copy>(&mut self, choices: &[(u64, T)]) -> T {
        let mut left = self.draw() % choices.iter().map(|(weight, _)| weight).sum::<u64>();
        for (weight, choice) in choices {
            match left.checked_sub(*weight) {
                Some(rest) => left = rest,
                None => return *choice,
            }
        }
        unreachable!("what is left is less than the sum of the weights")
    }
}

/// What one hub draws from.
pub(super) struct Draws(Mutex<Chance>);

impl Draws {
    pub(super) fn new(chance: Chance) -> Self {
        Self(Mutex::new(chance))
    }
}

impl Entropy for Draws {
    fn fill(&self, bytes: &mut [u8]) {
        let mut chance = self.0.lock();
        for chunk in bytes.chunks_mut(8) {
            for (byte, random) in chunk.iter_mut().zip(chance.draw().to_le_bytes()) {
                *byte = random;
            }
        }
    }
}
