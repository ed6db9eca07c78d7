//! Compares a presented secret with a known one in constant time.
//!
//! Both sides are hashed first, so that the comparison is over equal lengths and neither the
//! length nor the position of the first difference shows in the time it takes.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;

use crate::digest::{SHA256_LEN, sha256};

/// The fingerprint of a secret, kept instead of the secret where only comparison is needed.
///
/// It has no `PartialEq` on purpose: [`SecretDigest::matches`] is the only way to compare.
#[derive(Clone)]
pub struct SecretDigest([u8; SHA256_LEN]);

impl SecretDigest {
    /// The fingerprint of `secret`.
    pub fn of(secret: &[u8]) -> Self {
        Self(sha256(secret))
    }

    /// A fingerprint that [`crate::digest::sha256`] made before and that was stored.
    pub const fn from_stored(digest: [u8; SHA256_LEN]) -> Self {
        Self(digest)
    }

    /// Whether `presented` is the secret. Takes the same time wherever they differ.
    pub fn matches(&self, presented: &[u8]) -> bool {
        verify_slices_are_equal(&self.0, &sha256(presented)).is_ok()
    }
}

impl fmt::Debug for SecretDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests;
