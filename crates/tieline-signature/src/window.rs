//! The span of time in which a signed timestamp is accepted.

use crate::Refusal;

/// Most digits of a timestamp in seconds: good until the year 33658.
const MOST_DIGITS: usize = 12;

/// The span of time in which a signed timestamp is accepted, both ends included.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// The time now, in seconds since 1970.
    pub now_s: i64,
    /// How far a timestamp may lie from now, in seconds, in either direction.
    pub tolerance_s: i64,
}

impl Window {
    /// Refuses a time outside the window.
    pub(crate) fn check(self, timestamp_s: i64) -> Result<(), Refusal> {
        if timestamp_s < self.now_s.saturating_sub(self.tolerance_s) {
            return Err(Refusal::TooOld);
        }
        if timestamp_s > self.now_s.saturating_add(self.tolerance_s) {
            return Err(Refusal::TooNew);
        }
        Ok(())
    }
}

/// Reads whole seconds since 1970. Only ASCII digits, and no zero before others: a sign, a space or
/// a zero would let two texts mean one time.
pub(crate) fn parse(text: &str) -> Result<i64, Refusal> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let led = text.len() > 1 && text.starts_with('0');
    if !digits || led || text.len() > MOST_DIGITS {
        return Err(Refusal::Timestamp);
    }
    text.parse().map_err(|_| Refusal::Timestamp)
}

#[cfg(test)]
mod tests;
