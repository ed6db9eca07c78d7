//! Latencies in little memory: every magnitude is cut into 64 equal parts, so that what is read
//! back is at most 1/64 (1.6 %) above what was measured.

use std::time::Duration;

/// How many bits of a value are kept below its highest one.
const PART_BITS: u32 = 6;
const PARTS: usize = 1 << PART_BITS;

/// How often which time was measured.
#[derive(Clone, Debug, Default)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

impl Histogram {
    pub(crate) fn record(&mut self, time: Duration) {
        let slot = slot(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
        if self.counts.len() <= slot {
            self.counts.resize(slot + 1, 0);
        }
        self.counts[slot] += 1;
        self.total += 1;
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        if self.counts.len() < other.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.total += other.total;
    }

    /// The time that so many of a thousand measured ones do not exceed: 990 is the 99th percentile.
    /// Zero where nothing was measured.
    pub(crate) fn quantile(&self, per_mille: u64) -> Duration {
        let rank = (self.total * per_mille).div_ceil(1000);
        let mut seen = 0;
        for (slot, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank && seen > 0 {
                return Duration::from_nanos(highest(slot));
            }
        }
        Duration::ZERO
    }
}

/// Values below 64 have their own slot; above, the highest bit chooses a row of 64.
fn slot(nanos: u64) -> usize {
    let shift = nanos.checked_ilog2().unwrap_or(0).saturating_sub(PART_BITS);
    let part = usize::try_from(nanos >> shift).expect("at most seven bits are left");
    shift as usize * PARTS + part
}

/// The highest value that falls into a slot.
fn highest(slot: usize) -> u64 {
    let shift = (slot / PARTS).saturating_sub(1);
    let part = slot - shift * PARTS;
    ((part as u64 + 1) << shift) - 1
}

#[cfg(test)]
mod tests;
