//! Random bytes of the operating system.

use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};
use tieline_model::id::Entropy;

/// The kernel's generator, by `getrandom(2)`.
///
/// AWS-LC's own generator measures the jitter of the processor before its first byte, which takes
/// longer than all the rest of the hub's start.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    /// Panics where the kernel has no randomness to give: no id or key may be made then.
    fn fill(&self, bytes: &mut [u8]) {
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match getrandom(rest, GetRandomFlags::empty()) {
                Ok(count) => filled += count,
                Err(Errno::INTR) => {}
                Err(error) => panic!("the kernel gives no random bytes: {error}"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_is_filled_whole() {
        for length in [0, 1, 16, 255, 256, 257, 4096] {
            let mut bytes = vec![0; length];
            SystemEntropy.fill(&mut bytes);
            // Sixteen zeros in a row do not come by chance; a stretch left out is nothing else.
            assert!(
                bytes.chunks_exact(16).all(|chunk| chunk != [0; 16]),
                "{length}"
            );
        }
    }
}
