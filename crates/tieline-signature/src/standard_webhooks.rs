//! Standard Webhooks signatures over `id.timestamp.body`: version `v1` (HMAC-SHA256) and version
//! `v1a` (Ed25519).
//!
//! Source: the Standard Webhooks specification. Signatures of other versions in a header are ignored,
//! as it asks, and a signature is only ever judged by keys of its own version. The message id may not
//! contain a full stop here: with one, the boundary between id, timestamp and body could be moved
//! without changing what was signed.

mod verifier;

use std::fmt;

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{KeyError, Refusal, Window, ed25519, key};

pub use verifier::Verifier;

/// Carries the message id: unique to the message, the same at every attempt to send it.
pub const HEADER_ID: &str = "webhook-id";
/// Carries the time of the attempt, in seconds since 1970.
pub const HEADER_TIMESTAMP: &str = "webhook-timestamp";
/// Carries one or more signatures, separated by spaces.
pub const HEADER_SIGNATURE: &str = "webhook-signature";
/// What a secret in text form begins with.
pub const SECRET_PREFIX: &str = "whsec_";
/// How far a timestamp may lie from now, in seconds, where nothing else is set.
pub const DEFAULT_TOLERANCE_S: i64 = 300;

/// Fewest bytes of a key, by the specification.
const LEAST_KEY_BYTES: usize = 24;

/// A key to sign and verify with. AWS-LC wipes it when it is dropped.
#[derive(Clone)]
pub struct SigningKey(hmac::Key);

impl SigningKey {
    /// Reads a secret in text form: `whsec_` and base64 of 24 to 512 bytes.
    pub fn parse(secret: &str) -> Result<Self, KeyError> {
        Self::from_bytes(&key::secret_bytes(SECRET_PREFIX, secret)?)
    }

    /// Takes 24 to 512 raw bytes as the key.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        key::check(bytes)?;
        if bytes.len() < LEAST_KEY_BYTES {
            return Err(KeyError::TooShort {
                bytes: bytes.len(),
                least: LEAST_KEY_BYTES,
            });
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, bytes)))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// What a message may have been signed with.
#[derive(Clone, Copy, Debug)]
pub enum VerifyingKey<'a> {
    /// Both sides know it: version `v1`.
    Shared(&'a SigningKey),
    /// The sender's own: version `v1a`.
    Public(&'a ed25519::PublicKey),
}

impl<'a> From<&'a SigningKey> for VerifyingKey<'a> {
    fn from(key: &'a SigningKey) -> Self {
        Self::Shared(key)
    }
}

impl<'a> From<&'a ed25519::PublicKey> for VerifyingKey<'a> {
    fn from(key: &'a ed25519::PublicKey) -> Self {
        Self::Public(key)
    }
}

/// The value of the signature header for one message: `v1,` and base64.
///
/// `timestamp_s` goes into the timestamp header as a decimal number, unchanged.
pub fn sign(key: &SigningKey, id: &str, timestamp_s: i64, body: &[u8]) -> String {
    let mut context = hmac::Context::with_key(&key.0);
    context.update(&head(id, &timestamp_s.to_string()));
    context.update(body);
    ["v1,", &STANDARD.encode(context.sign())].concat()
}

/// The value of the signature header for one message: `v1a,` and base64.
///
/// `timestamp_s` goes into the timestamp header as a decimal number, unchanged.
pub fn sign_v1a(key: &ed25519::SecretKey, id: &str, timestamp_s: i64, body: &[u8]) -> String {
    let head = head(id, &timestamp_s.to_string());
    let signature = key.sign(&[&head, body].concat());
    ["v1a,", &STANDARD.encode(signature)].concat()
}

/// What a message says about itself: the values of the three headers, as they arrived.
#[derive(Debug, Clone, Copy)]
pub struct Headers<'a> {
    /// The value of [`HEADER_ID`].
    pub id: &'a str,
    /// The value of [`HEADER_TIMESTAMP`].
    pub timestamp: &'a str,
    /// The value of [`HEADER_SIGNATURE`].
    pub signature: &'a str,
}

/// Verifies a message whose body is at hand. One key of `keys` must have signed it.
pub fn verify<'k>(
    keys: impl IntoIterator<Item: Into<VerifyingKey<'k>>>,
    headers: Headers<'_>,
    body: &[u8],
    window: Window,
) -> Result<(), Refusal> {
    let mut verifier = Verifier::begin(keys, headers, window)?;
    verifier.update(body);
    verifier.finish(body)
}

/// What is signed before the body.
fn head(id: &str, timestamp: &str) -> Vec<u8> {
    [id, ".", timestamp, "."].concat().into_bytes()
}

#[cfg(test)]
mod tests;
