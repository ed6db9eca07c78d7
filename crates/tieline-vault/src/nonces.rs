//! Nonces, drawn from the kernel many at a time.
//!
//! Random ones of 96 bits are safe for 2^32 values under one key (NIST SP 800-38D, section 8.3); the
//! store counts what each key seals, and changes it before that.

use std::sync::Arc;

use parking_lot::Mutex;
use tieline_model::id::Entropy;

use crate::envelope::NONCE;

/// How many are drawn at once.
const DRAWN: usize = 256;

pub(crate) struct Nonces {
    entropy: Arc<dyn Entropy>,
    drawn: Mutex<Drawn>,
}

struct Drawn {
    nonces: [[u8; NONCE]; DRAWN],
    left: usize,
}

impl Nonces {
    pub(crate) fn new(entropy: Arc<dyn Entropy>) -> Self {
        let drawn = Drawn {
            nonces: [[0; NONCE]; DRAWN],
            left: 0,
        };
        Self {
            entropy,
            drawn: Mutex::new(drawn),
        }
    }

    /// One that was never given out before.
    pub(crate) fn next(&self) -> [u8; NONCE] {
        let mut drawn = self.drawn.lock();
        if drawn.left == 0 {
            self.entropy.fill(drawn.nonces.as_flattened_mut());
            drawn.left = DRAWN;
        }
        drawn.left -= 1;
        let at = drawn.left;
        *drawn
            .nonces
            .get(at)
            .expect("as many are left as were drawn")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::SystemEntropy;

    #[test]
    fn no_nonce_comes_twice() {
        let nonces = Nonces::new(Arc::new(SystemEntropy));
        let all: HashSet<_> = (0..3 * DRAWN).map(|_| nonces.next()).collect();
        assert_eq!(all.len(), 3 * DRAWN);
    }
}
