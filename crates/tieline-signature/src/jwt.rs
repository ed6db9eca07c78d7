//! Signed tokens: JWT (RFC 7519) as JWS in its compact form (RFC 7515), judged as RFC 8725 asks.
//!
//! The key comes from a set that is trusted, never from the token; the algorithm must be one that is
//! expected and one of the key; and no claim is read before the signature has been verified. There
//! is no way here to accept a token that is not signed, or signed with a shared secret.

mod algorithm;
mod claims;
mod jwks;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{crypto, decode_header};
use serde_json::{Map, Value};

use crate::Refusal;

pub use algorithm::Algorithm;
pub use claims::{Claims, Expectations};
pub use jwks::{Jwks, JwksError};

/// Most bytes of a token that is looked at: what fits into a header.
const MOST_TOKEN_BYTES: usize = 16 * 1024;

/// Verifies a token that arrived at `now_s`, in seconds since 1970.
///
/// A token that names its key (`kid`) is judged by keys of that name alone, one that does not by
/// every key that fits its algorithm. [`Refusal::UnknownKey`] where there is none.
pub fn verify(
    token: &str,
    keys: &Jwks,
    expectations: &Expectations,
    now_s: i64,
) -> Result<Claims, Refusal> {
    if token.len() > MOST_TOKEN_BYTES {
        return Err(Refusal::Token);
    }
    let header = decode_header(token).map_err(|_| Refusal::Token)?;
    // No extension is known here, and so none that must be understood is.
    if header.crit.is_some() {
        return Err(Refusal::Critical);
    }
    let mut expected = expectations.algorithms.iter().copied();
    let algorithm = expected
        .find(|one| one.implementation() == header.alg)
        .ok_or(Refusal::Algorithm)?;
    let mut candidates = keys.fitting(header.kid.as_deref(), algorithm).peekable();
    if candidates.peek().is_none() {
        return Err(Refusal::UnknownKey);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(Refusal::Token)?;
    let verified = |key| {
        let verified = crypto::verify(signature, signed.as_bytes(), key, header.alg);
        matches!(verified, Ok(true))
    };
    if !candidates.any(verified) {
        return Err(Refusal::Mismatch);
    }
    let (_, payload) = signed.split_once('.').ok_or(Refusal::Token)?;
    expectations.judge(&read(payload).ok_or(Refusal::Token)?, now_s)
}

fn read(payload: &str) -> Option<Map<String, Value>> {
    let json = URL_SAFE_NO_PAD.decode(payload).ok()?;
    serde_json::from_slice(&json).ok()
}

#[cfg(test)]
mod tests;
