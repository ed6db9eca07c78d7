//! HMAC-SHA256 tags for tokens that the hub issues and reads itself.

use std::fmt;

use aws_lc_rs::hmac;

use crate::digest::SHA256_LEN;

/// A key for tags. AWS-LC wipes it when it is dropped.
#[derive(Clone)]
pub struct TagKey(hmac::Key);

impl TagKey {
    /// A key from 32 random bytes.
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }
}

impl fmt::Debug for TagKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The HMAC-SHA256 (RFC 2104) of `message`.
pub fn tag(key: &TagKey, message: &[u8]) -> [u8; SHA256_LEN] {
    let mut out = [0; SHA256_LEN];
    out.copy_from_slice(hmac::sign(&key.0, message).as_ref());
    out
}

/// Whether `presented` is the whole tag of `message`. Constant time; a shorter one never matches.
pub fn verify(key: &TagKey, message: &[u8], presented: &[u8]) -> bool {
    presented.len() == SHA256_LEN && hmac::verify(&key.0, message, presented).is_ok()
}

#[cfg(test)]
mod tests;
