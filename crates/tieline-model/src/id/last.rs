//! The last id made, so that the next one is larger.

use std::sync::{Mutex, PoisonError};

use uuid::Uuid;

use super::Entropy;
use crate::Timestamp;

/// How many ids one call for random bytes serves.
const IDS_PER_FILL: usize = 32;
const BYTES_PER_ID: usize = 16;

/// What the next id is made from.
#[derive(Default)]
pub(super) struct Last(Mutex<State>);

struct State {
    /// Milliseconds (48 bits) above 74 random bits: an id without its version and variant bits.
    value: u128,
    /// Random bytes for the next ids: a call for them costs more than all the rest.
    pool: [u8; IDS_PER_FILL * BYTES_PER_ID],
    used: usize,
}

const RANDOM_BITS: u32 = 74;

impl Default for State {
    fn default() -> Self {
        let pool = [0; IDS_PER_FILL * BYTES_PER_ID];
        Self {
            value: 0,
            pool,
            used: pool.len(),
        }
    }
}

impl State {
    fn random(&mut self, entropy: &dyn Entropy) -> u128 {
        if self.used >= self.pool.len() {
            entropy.fill(&mut self.pool);
            self.used = 0;
        }
        let next = self.pool.iter().skip(self.used).take(BYTES_PER_ID);
        self.used += BYTES_PER_ID;
        next.fold(0, |bits, byte| (bits << 8) | u128::from(*byte))
    }
}

impl Last {
    pub(super) fn advance(&self, now: Timestamp, entropy: &dyn Entropy) -> Uuid {
        let ms = u128::try_from(now.as_millis()).unwrap_or(0) & ((1 << 48) - 1);
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let random = last.random(entropy);
        let fresh = (ms << RANDOM_BITS) | (random >> (128 - RANDOM_BITS));
        // Within a millisecond, step by a random 32-bit amount: ordered, still hard to guess.
        let step = 1 + (random & u128::from(u32::MAX));
        let value = if fresh >> RANDOM_BITS > last.value >> RANDOM_BITS {
            fresh
        } else {
            last.value + step
        };
        last.value = value;
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
