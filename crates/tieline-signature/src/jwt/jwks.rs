//! The keys of an issuer (RFC 7517), as it publishes them.

use std::fmt;

use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use serde::Deserialize;
use serde_json::Value;

use super::Algorithm;
use crate::ed25519;

/// Most bytes of a set that is looked at.
const MOST_BYTES: usize = 64 * 1024;
/// Most keys in a set.
const MOST_KEYS: usize = 64;

const RSA: &[Algorithm] = &[
    Algorithm::Rs256,
    Algorithm::Rs384,
    Algorithm::Rs512,
    Algorithm::Ps256,
    Algorithm::Ps384,
    Algorithm::Ps512,
];

/// The public keys of an issuer.
#[derive(Clone)]
pub struct Jwks(Vec<Key>);

#[derive(Clone)]
struct Key {
    id: Option<String>,
    /// What the key fits: its kind decides, and its `alg` where it has one.
    algorithms: Vec<Algorithm>,
    verifying: DecodingKey,
}

/// Why a set of keys was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwksError {
    /// More bytes than any issuer publishes.
    #[error("the key set has more than {MOST_BYTES} bytes")]
    TooLong,
    /// Not a JSON object with a list of `keys`.
    #[error("the key set is not a JSON object with a list of keys")]
    Json,
    /// More keys than any issuer publishes.
    #[error("the key set has more than {MOST_KEYS} keys")]
    TooMany,
    /// A key that both sides would have to keep secret, and that everyone can read here.
    #[error("the key set contains a shared secret")]
    Symmetric,
    /// A key that only the issuer may have.
    #[error("the key set contains a private key")]
    Private,
    /// No key that signatures can be verified with.
    #[error("the key set has no key to verify signatures with")]
    Empty,
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

impl Jwks {
    /// Reads a set: at most 64 KiB of JSON with at most 64 keys, none of them secret.
    ///
    /// Keys of unknown kinds, for other uses, or malformed ones are left out, as section 5 of the
    /// RFC asks; one at least must be left.
    pub fn parse(json: &[u8]) -> Result<Self, JwksError> {
        if json.len() > MOST_BYTES {
            return Err(JwksError::TooLong);
        }
        let set: Set = serde_json::from_slice(json).map_err(|_| JwksError::Json)?;
        if set.keys.len() > MOST_KEYS {
            return Err(JwksError::TooMany);
        }
        for key in &set.keys {
            refuse_secret(key)?;
        }
        let keys: Vec<Key> = set.keys.into_iter().filter_map(Key::read).collect();
        if keys.is_empty() {
            return Err(JwksError::Empty);
        }
        Ok(Self(keys))
    }

    /// The keys that a token may have been signed with.
    pub(super) fn fitting(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> impl Iterator<Item = &DecodingKey> {
        let named = move |key: &&Key| id.is_none() || key.id.as_deref() == id;
        let fits = move |key: &&Key| key.algorithms.contains(&algorithm);
        self.0
            .iter()
            .filter(named)
            .filter(fits)
            .map(|key| &key.verifying)
    }
}

impl Key {
    fn read(json: Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(json).ok()?;
        let (used_for, operations) = (&jwk.common.public_key_use, &jwk.common.key_operations);
        let verifies = matches!(used_for, None | Some(PublicKeyUse::Signature))
            && operations
                .as_ref()
                .is_none_or(|all| all.contains(&KeyOperations::Verify));
        if !verifies {
            return None;
        }
        let verifying = DecodingKey::from_jwk(&jwk).ok()?;
        let mut algorithms = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => RSA.to_vec(),
            AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
                vec![Algorithm::Es256]
            }
            AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P384 => {
                vec![Algorithm::Es384]
            }
            AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
                let bytes = verifying.try_get_as_bytes().ok()?.try_into().ok()?;
                ed25519::PublicKey::from_bytes(bytes).ok()?;
                vec![Algorithm::EdDsa]
            }
            _ => return None,
        };
        if let Some(only) = jwk.common.key_algorithm {
            algorithms.retain(|one| one.name() == only.to_string());
        }
        (!algorithms.is_empty()).then_some(Self {
            id: jwk.common.key_id,
            algorithms,
            verifying,
        })
    }
}

/// Whoever publishes a secret has given it away: what is signed with it proves nothing.
fn refuse_secret(key: &Value) -> Result<(), JwksError> {
    if key.get("k").is_some() || key.get("kty").and_then(Value::as_str) == Some("oct") {
        return Err(JwksError::Symmetric);
    }
    if key.get("d").is_some() {
        return Err(JwksError::Private);
    }
    Ok(())
}

impl fmt::Debug for Jwks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = self.0.iter().map(|key| key.id.as_deref());
        f.debug_list().entries(ids).finish()
    }
}
