//! Verifies while the body streams by: what stands before the body is hashed at the start, what
//! stands after it is kept for the end.

use std::fmt;

use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};

use crate::Refusal;
use crate::template::Around;

/// Verifies a message while its body streams by.
pub struct Verifier {
    contexts: Vec<hmac::Context>,
    tail: Vec<u8>,
    presented: Vec<u8>,
}

impl Verifier {
    /// `presented` has the full length of the algorithm's MAC.
    pub(super) fn begin(
        mut contexts: Vec<hmac::Context>,
        around: Around,
        presented: Vec<u8>,
    ) -> Self {
        for context in &mut contexts {
            context.update(&around.head);
        }
        Self {
            contexts,
            tail: around.tail,
            presented,
        }
    }

    /// Adds the next piece of the body.
    pub fn update(&mut self, piece: &[u8]) {
        for context in &mut self.contexts {
            context.update(piece);
        }
    }

    /// Judges the message. Until this has returned `Ok`, the body is not to be believed.
    pub fn finish(self) -> Result<(), Refusal> {
        let mut matched = false;
        for mut context in self.contexts {
            context.update(&self.tail);
            let expected = context.sign();
            matched |= verify_slices_are_equal(expected.as_ref(), &self.presented).is_ok();
        }
        if matched {
            Ok(())
        } else {
            Err(Refusal::Mismatch)
        }
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("keys", &self.contexts.len())
            .finish_non_exhaustive()
    }
}
