//! Signatures by public keys as senders define them: one header, one kind of key, one template.
//!
//! A [`Scheme`] says how; [`Asymmetric`] is a checked scheme with the sender's keys. As with HMAC,
//! the template must contain the body exactly once. The message is judged as a whole, at its end.

use std::fmt;
use std::sync::Arc;

use crate::ecdsa::{self, Form};
use crate::template::{Around, Template};
use crate::{KeyError, Refusal, ed25519};

pub use crate::encoding::Encoding;
pub use crate::template::{Claims, Part, SchemeError};

/// Most bytes of a signature: of P-384 in DER, two numbers of 49 bytes in their wrapping.
const MOST_SIGNATURE_BYTES: usize = 104;

/// How a sender signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheme {
    /// How the signature is written.
    pub encoding: Encoding,
    /// What stands before the signature in the header. Case matters.
    pub prefix: String,
    /// What is signed, in order.
    pub content: Vec<Part>,
    /// How far the timestamp may lie from now, in seconds. Needs [`Part::Timestamp`].
    pub tolerance_s: Option<i64>,
}

/// A key of a sender.
#[derive(Debug, Clone)]
pub enum PublicKey {
    /// Ed25519.
    Ed25519(ed25519::PublicKey),
    /// ECDSA, and the form of its signatures.
    Ecdsa(ecdsa::PublicKey, Form),
}

impl PublicKey {
    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Refusal> {
        match self {
            Self::Ed25519(key) => key.verify(message, signature),
            Self::Ecdsa(key, form) => key.verify(*form, message, signature),
        }
    }
}

/// A scheme and the keys to use with it.
#[derive(Debug, Clone)]
pub struct Asymmetric {
    encoding: Encoding,
    prefix: String,
    template: Template,
    keys: Arc<[PublicKey]>,
}

impl Asymmetric {
    /// Checks a scheme and takes its keys. There must be at least one.
    pub fn new(scheme: Scheme, keys: Vec<PublicKey>) -> Result<Self, SchemeError> {
        let template = Template::new(scheme.content, scheme.tolerance_s)?;
        if keys.is_empty() {
            return Err(SchemeError::Key(KeyError::Blank));
        }
        Ok(Self {
            encoding: scheme.encoding,
            prefix: scheme.prefix,
            template,
            keys: keys.into(),
        })
    }

    /// Judges everything but the body and gets ready for that.
    ///
    /// `now_s` is the time now in seconds since 1970; it matters only with a tolerance.
    pub fn verifier(
        &self,
        claims: Claims<'_>,
        signature: &str,
        now_s: i64,
    ) -> Result<Verifier, Refusal> {
        let around = self.template.admit(claims, now_s)?;
        let most = MOST_SIGNATURE_BYTES;
        Ok(Verifier {
            keys: Arc::clone(&self.keys),
            around,
            presented: self.encoding.decode(&self.prefix, signature, most)?,
        })
    }
}

/// Verifies a message at its end.
pub struct Verifier {
    keys: Arc<[PublicKey]>,
    around: Around,
    presented: Vec<u8>,
}

impl Verifier {
    /// Judges the message. Until this has returned `Ok`, the body is not to be believed.
    pub fn finish(self, body: &[u8]) -> Result<(), Refusal> {
        let message = [&self.around.head, body, &self.around.tail].concat();
        let signed = |key: &PublicKey| key.verify(&message, &self.presented).is_ok();
        if self.keys.iter().any(signed) {
            Ok(())
        } else {
            Err(Refusal::Mismatch)
        }
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
