//! Random bytes of the operating system.

use aws_lc_rs::rand;
use tieline_model::id::Entropy;

/// The operating system's generator, by way of AWS-LC.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    /// Panics where the operating system has no randomness to give: no id or key may be made then.
    fn fill(&self, bytes: &mut [u8]) {
        rand::fill(bytes).expect("the operating system gives random bytes");
    }
}
