//! HMAC signatures as most senders define them: one header, one algorithm, one template.
//!
//! A [`Scheme`] says how; [`Hmac`] is a checked scheme with its keys, newest first. The template
//! must contain the body exactly once: a signature that does not cover the body proves nothing.

mod scheme;
mod verifier;

use std::fmt;

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{KeyError, Refusal, Window, key, window};

pub use scheme::{Algorithm, Encoding, Part, Scheme, SchemeError};
pub use verifier::Verifier;

/// Most bytes of a message id that is looked at.
const MOST_ID_BYTES: usize = 256;

/// A scheme and the keys to use with it.
#[derive(Clone)]
pub struct Hmac {
    scheme: Scheme,
    keys: Vec<hmac::Key>,
}

/// What a message says about itself beside its body and signature.
#[derive(Debug, Clone, Copy, Default)]
pub struct Claims<'a> {
    /// The message id, where the scheme signs one.
    pub id: Option<&'a str>,
    /// Seconds since 1970 as text, where the scheme signs a timestamp.
    pub timestamp: Option<&'a str>,
}

impl Hmac {
    /// Checks a scheme and takes its keys, newest first. There must be at least one.
    pub fn new<K: AsRef<[u8]>>(scheme: Scheme, keys: &[K]) -> Result<Self, SchemeError> {
        scheme.check()?;
        if keys.is_empty() {
            return Err(SchemeError::Key(KeyError::Blank));
        }
        let keys = keys
            .iter()
            .map(|bytes| {
                key::check(bytes.as_ref())?;
                Ok(hmac::Key::new(
                    scheme.algorithm.implementation(),
                    bytes.as_ref(),
                ))
            })
            .collect::<Result<_, KeyError>>()?;
        Ok(Self { scheme, keys })
    }

    /// The value of the signature header, made with the newest key.
    pub fn sign(&self, claims: Claims<'_>, body: &[u8]) -> Result<String, Refusal> {
        self.check_claims(claims)?;
        let key = self.keys.first().ok_or(Refusal::NoKey)?;
        let mut context = hmac::Context::with_key(key);
        for part in &self.scheme.content {
            context.update(part.bytes(claims).unwrap_or(body));
        }
        let mac = context.sign();
        let mut out = self.scheme.prefix.clone();
        match self.scheme.encoding {
            Encoding::Hex => out.push_str(&hex::encode(mac)),
            Encoding::Base64 => STANDARD.encode_string(mac, &mut out),
        }
        Ok(out)
    }

    /// Verifies a message whose body is at hand. One of the keys must have signed it.
    ///
    /// `now_s` is the time now in seconds since 1970; it matters only with a tolerance.
    pub fn verify(
        &self,
        claims: Claims<'_>,
        signature: &str,
        body: &[u8],
        now_s: i64,
    ) -> Result<(), Refusal> {
        let mut verifier = self.verifier(claims, signature, now_s)?;
        verifier.update(body);
        verifier.finish()
    }

    /// Judges everything but the body and gets ready for that.
    pub fn verifier(
        &self,
        claims: Claims<'_>,
        signature: &str,
        now_s: i64,
    ) -> Result<Verifier, Refusal> {
        let timestamp_s = self.check_claims(claims)?;
        if let (Some(timestamp_s), Some(tolerance_s)) = (timestamp_s, self.scheme.tolerance_s) {
            Window { now_s, tolerance_s }.check(timestamp_s)?;
        }
        Ok(Verifier::begin(
            &self.keys,
            &self.scheme.content,
            claims,
            self.decode(signature)?,
        ))
    }

    /// Refuses claims that the template cannot be filled with. Returns the timestamp if one is
    /// signed.
    fn check_claims(&self, claims: Claims<'_>) -> Result<Option<i64>, Refusal> {
        let content = &self.scheme.content;
        let mut timestamp_s = None;
        for (at, part) in content.iter().enumerate() {
            match part {
                Part::Id => {
                    let id = claims.id.ok_or(Refusal::Id)?;
                    let (before, after) = content.split_at(at);
                    // A literal that nothing variable stands behind cannot be moved.
                    let start = match before {
                        [_, .., Part::Literal(start)] => start.as_str(),
                        _ => "",
                    };
                    let end = match after {
                        [_, Part::Literal(end), ..] => end.as_str(),
                        _ => "",
                    };
                    check_id(id, start, end)?;
                }
                Part::Timestamp => {
                    let text = claims.timestamp.ok_or(Refusal::Timestamp)?;
                    timestamp_s = Some(window::parse(text)?);
                }
                Part::Body | Part::Literal(_) => {}
            }
        }
        Ok(timestamp_s)
    }

    /// The presented MAC, of the full length of the algorithm.
    fn decode(&self, signature: &str) -> Result<Vec<u8>, Refusal> {
        let text = signature
            .strip_prefix(&self.scheme.prefix)
            .ok_or(Refusal::Signature)?;
        let length = self.scheme.algorithm.implementation().tag_len();
        // Hex is the longer of the two encodings; nothing longer is worth decoding.
        if text.len() > length * 2 {
            return Err(Refusal::Signature);
        }
        let mac = match self.scheme.encoding {
            Encoding::Hex => hex::decode(text).ok(),
            Encoding::Base64 => STANDARD.decode(text).ok(),
        };
        mac.filter(|mac| mac.len() == length)
            .ok_or(Refusal::Signature)
    }
}

impl fmt::Debug for Hmac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hmac")
            .field("scheme", &self.scheme)
            .field("keys", &"***")
            .finish()
    }
}

/// Refuses an id in which, or at whose edge, a separator beside it could be found again: the
/// boundary between the id and its neighbour could be moved without changing what was signed.
fn check_id(id: &str, start: &str, end: &str) -> Result<(), Refusal> {
    let printable = id.bytes().all(|b| b.is_ascii_graphic());
    let sound = printable && !id.is_empty() && id.len() <= MOST_ID_BYTES;
    let ends_once = end.is_empty() || [id, end].concat().find(end) == Some(id.len());
    let starts_once = start.is_empty() || [start, id].concat().rfind(start) == Some(0);
    if sound && ends_once && starts_once {
        Ok(())
    } else {
        Err(Refusal::Id)
    }
}

#[cfg(test)]
mod tests;
