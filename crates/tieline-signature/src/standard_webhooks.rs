//! Standard Webhooks signatures, version `v1`: HMAC-SHA256 over `id.timestamp.body`.
//!
//! Source: the Standard Webhooks specification. Other versions (`v1a`) in a header are ignored, as
//! it asks. The message id may not contain a full stop here: with one, the boundary between id,
//! timestamp and body could be moved without changing what was signed.

use std::fmt;

use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};
use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use zeroize::Zeroizing;

use crate::{KeyError, Refusal, Window, digest::SHA256_LEN, key, window};

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
/// Most bytes of a message id that is looked at.
const MOST_ID_BYTES: usize = 256;
/// Most signatures in one header. A sender that rotates keys sends two.
const MOST_SIGNATURES: usize = 16;
/// Most bytes of a signature header that are looked at.
const MOST_HEADER_BYTES: usize = 4096;

/// Secrets come with and without padding; both mean the same bytes.
const SECRET_BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A key to sign and verify with. AWS-LC wipes it when it is dropped.
#[derive(Clone)]
pub struct SigningKey(hmac::Key);

impl SigningKey {
    /// Reads a secret in text form: `whsec_` and base64 of 24 to 512 bytes.
    pub fn parse(secret: &str) -> Result<Self, KeyError> {
        let text = secret.strip_prefix(SECRET_PREFIX).ok_or(KeyError::Prefix)?;
        if text.len() > key::MOST_BYTES * 2 {
            return Err(KeyError::TooLong {
                most: key::MOST_BYTES,
            });
        }
        let bytes = Zeroizing::new(SECRET_BASE64.decode(text).map_err(|_| KeyError::Base64)?);
        if bytes.is_empty() {
            return Err(KeyError::Blank);
        }
        if bytes.len() < LEAST_KEY_BYTES {
            return Err(KeyError::TooShort {
                bytes: bytes.len(),
                least: LEAST_KEY_BYTES,
            });
        }
        if bytes.len() > key::MOST_BYTES {
            return Err(KeyError::TooLong {
                most: key::MOST_BYTES,
            });
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
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

/// The value of the signature header for one message: `v1,` and base64.
///
/// `timestamp_s` goes into the timestamp header as a decimal number, unchanged.
pub fn sign(key: &SigningKey, id: &str, timestamp_s: i64, body: &[u8]) -> String {
    let mut context = start(key, id, &timestamp_s.to_string());
    context.update(body);
    let mut out = String::with_capacity(3 + 44);
    out.push_str("v1,");
    STANDARD.encode_string(context.sign().as_ref(), &mut out);
    out
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
pub fn verify(
    keys: &[SigningKey],
    headers: Headers<'_>,
    body: &[u8],
    window: Window,
) -> Result<(), Refusal> {
    let mut verifier = Verifier::begin(keys, headers, window)?;
    verifier.update(body);
    verifier.finish()
}

/// Verifies a message while its body streams by.
pub struct Verifier {
    contexts: Vec<hmac::Context>,
    presented: Vec<[u8; SHA256_LEN]>,
}

impl Verifier {
    /// Judges the headers alone and gets ready for the body.
    pub fn begin(
        keys: &[SigningKey],
        headers: Headers<'_>,
        window: Window,
    ) -> Result<Self, Refusal> {
        if keys.is_empty() {
            return Err(Refusal::NoKey);
        }
        if !id_is_sound(headers.id) {
            return Err(Refusal::Id);
        }
        window.check(window::parse(headers.timestamp)?)?;
        let presented = signatures(headers.signature)?;
        let contexts = keys
            .iter()
            .map(|key| start(key, headers.id, headers.timestamp))
            .collect();
        Ok(Self {
            contexts,
            presented,
        })
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
        for context in self.contexts {
            let expected = context.sign();
            for presented in &self.presented {
                matched |= verify_slices_are_equal(expected.as_ref(), presented).is_ok();
            }
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

fn id_is_sound(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= MOST_ID_BYTES
        && id.bytes().all(|b| b.is_ascii_graphic() && b != b'.')
}

fn start(key: &SigningKey, id: &str, timestamp: &str) -> hmac::Context {
    let mut context = hmac::Context::with_key(&key.0);
    for part in [id, ".", timestamp, "."] {
        context.update(part.as_bytes());
    }
    context
}

/// The MACs of version `v1` in a header. Those that are not base64 of exactly 32 bytes are left
/// out, so that what is compared later always has the full length.
fn signatures(header: &str) -> Result<Vec<[u8; SHA256_LEN]>, Refusal> {
    if header.len() > MOST_HEADER_BYTES {
        return Err(Refusal::Signature);
    }
    let mut found = Vec::new();
    for (version, text) in header.split(' ').filter_map(|one| one.split_once(',')) {
        if version != "v1" {
            continue;
        }
        if found.len() == MOST_SIGNATURES {
            return Err(Refusal::Signature);
        }
        let mac: Option<[u8; SHA256_LEN]> = STANDARD
            .decode(text)
            .ok()
            .and_then(|bytes| bytes.try_into().ok());
        found.extend(mac);
    }
    if found.is_empty() {
        Err(Refusal::Signature)
    } else {
        Ok(found)
    }
}

#[cfg(test)]
mod tests;
