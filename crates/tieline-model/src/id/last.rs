//! The last id made, so that the next one is larger.

use std::sync::{Mutex, PoisonError};

use uuid::Uuid;

use crate::Timestamp;

/// Milliseconds (48 bits) above 74 random bits: an id without its version and variant bits.
#[derive(Debug, Default)]
pub(super) struct Last(Mutex<u128>);

const RANDOM_BITS: u32 = 74;

impl Last {
    pub(super) fn advance(&self, now: Timestamp, random: u128) -> Uuid {
        let ms = u128::try_from(now.as_millis()).unwrap_or(0) & ((1 << 48) - 1);
        let fresh = (ms << RANDOM_BITS) | (random >> (128 - RANDOM_BITS));
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Within a millisecond, step by a random 32-bit amount: ordered, still hard to guess.
        let step = 1 + (random & u128::from(u32::MAX));
        let value = if fresh >> RANDOM_BITS > *last >> RANDOM_BITS {
            fresh
        } else {
            *last + step
        };
        *last = value;
        drop(last);
        to_uuid(value)
    }
}

/// Spreads the 122 bits around the version (7) and the variant (10) of RFC 9562.
fn to_uuid(value: u128) -> Uuid {
    let ms = (value >> RANDOM_BITS) & ((1 << 48) - 1);
    let rand_a = (value >> 62) & 0xfff;
    let rand_b = value & ((1 << 62) - 1);
    Uuid::from_u128((ms << 80) | (0x7 << 76) | (rand_a << 64) | (0b10 << 62) | rand_b)
}
