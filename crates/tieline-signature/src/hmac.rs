//! HMAC signatures as most senders define them: one header, one algorithm, one template.
//!
//! A [`Scheme`] says how; [`Hmac`] is a checked scheme with its keys, newest first. The template
//! must contain the body exactly once: a signature that does not cover the body proves nothing.

mod scheme;
mod verifier;

use std::fmt;

use aws_lc_rs::hmac;

use crate::template::Template;
use crate::{KeyError, Refusal, key};

pub use crate::encoding::Encoding;
pub use crate::template::{Claims, Part, SchemeError};
pub use scheme::{Algorithm, Scheme};
pub use verifier::Verifier;

/// A scheme and the keys to use with it.
#[derive(Clone)]
pub struct Hmac {
    algorithm: Algorithm,
    encoding: Encoding,
    prefix: String,
    template: Template,
    keys: Vec<hmac::Key>,
}

impl Hmac {
    /// Checks a scheme and takes its keys, newest first. There must be at least one.
    pub fn new<K: AsRef<[u8]>>(scheme: Scheme, keys: &[K]) -> Result<Self, SchemeError> {
        let template = Template::new(scheme.content, scheme.tolerance_s)?;
        if keys.is_empty() {
            return Err(SchemeError::Key(KeyError::Blank));
        }
        let algorithm = scheme.algorithm;
        let keys = keys
            .iter()
            .map(|bytes| {
                key::check(bytes.as_ref())?;
                Ok(hmac::Key::new(algorithm.implementation(), bytes.as_ref()))
            })
            .collect::<Result<_, KeyError>>()?;
        Ok(Self {
            algorithm,
            encoding: scheme.encoding,
            prefix: scheme.prefix,
            template,
            keys,
        })
    }

    /// The value of the signature header, made with the newest key.
    pub fn sign(&self, claims: Claims<'_>, body: &[u8]) -> Result<String, Refusal> {
        let around = self.template.fill(claims)?;
        let key = self.keys.first().ok_or(Refusal::NoKey)?;
        let mut context = hmac::Context::with_key(key);
        for part in [&around.head, body, &around.tail] {
            context.update(part);
        }
        let mac = self.encoding.encode(context.sign().as_ref());
        Ok([&self.prefix, mac.as_str()].concat())
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
        self.verifier_where(|_| true, claims, signature, now_s)
    }

    /// The same with those keys alone whose place in the list that [`Hmac::new`] took is good:
    /// for keys that are good for a time.
    pub fn verifier_where(
        &self,
        is_good: impl Fn(usize) -> bool,
        claims: Claims<'_>,
        signature: &str,
        now_s: i64,
    ) -> Result<Verifier, Refusal> {
        let keys = self.keys.iter().enumerate();
        let contexts: Vec<_> = keys
            .filter(|(at, _)| is_good(*at))
            .map(|(_, key)| hmac::Context::with_key(key))
            .collect();
        if contexts.is_empty() {
            return Err(Refusal::NoKey);
        }
        let around = self.template.admit(claims, now_s)?;
        let length = self.algorithm.implementation().tag_len();
        let presented = self.encoding.decode(&self.prefix, signature, length)?;
        if presented.len() != length {
            return Err(Refusal::Signature);
        }
        Ok(Verifier::begin(contexts, around, presented))
    }
}

impl fmt::Debug for Hmac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hmac")
            .field("algorithm", &self.algorithm)
            .field("template", &self.template)
            .field("keys", &"***")
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
