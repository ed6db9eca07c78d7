//! Ed25519 (RFC 8032): keys in the forms that senders give them in, signing and verifying.
//!
//! Public keys of small order are refused: for those, anyone can make signatures. The key of zeros
//! that stands in many examples is one of them.

use std::fmt;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;

use crate::encoding::KEY_BASE64;
use crate::{KeyError, Refusal, key, spki};

/// What a public key in the text form of Standard Webhooks begins with.
pub const PUBLIC_PREFIX: &str = "whpk_";
/// What a secret key in the text form of Standard Webhooks begins with.
pub const SECRET_PREFIX: &str = "whsk_";
/// Length in bytes of a signature.
pub const SIGNATURE_LEN: usize = 64;

/// Length in bytes of a public key, and of the seed of a secret one.
const KEY_LEN: usize = 32;
/// What stands before the 32 bytes of a key in DER (RFC 8410, section 4).
const DER_PREFIX: &[u8] = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";
/// The encodings of the points of small order, without the bit of the sign: the canonical ones, and
/// those that a lenient reader takes for them. The same list as in libsodium.
const SMALL_ORDER: [&str; 7] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

/// A key to verify with.
#[derive(Clone)]
pub struct PublicKey([u8; KEY_LEN]);

impl PublicKey {
    /// Reads a key: `whpk_` and base64, 64 hexadecimal digits, base64 of the 32 bytes, or a
    /// `SubjectPublicKeyInfo` as PEM or base64.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        key::check_text(text)?;
        let text = text.trim();
        let bytes = match (text.strip_prefix(PUBLIC_PREFIX), hex::decode(text)) {
            (Some(rest), _) => KEY_BASE64.decode(rest).map_err(|_| KeyError::Base64)?,
            (None, Ok(bytes)) if bytes.len() == KEY_LEN => bytes,
            (None, _) => spki::decode(text)?,
        };
        let raw = bytes.strip_prefix(DER_PREFIX).unwrap_or(&bytes);
        Self::from_bytes(raw.try_into().map_err(|_| KeyError::Kind)?)
    }

    /// Takes the 32 bytes of a key (RFC 8032, section 5.1.5).
    pub fn from_bytes(bytes: &[u8; KEY_LEN]) -> Result<Self, KeyError> {
        let mut unsigned = *bytes;
        if let Some(last) = unsigned.last_mut() {
            *last &= 0x7f;
        }
        if SMALL_ORDER.contains(&hex::encode(unsigned).as_str()) {
            return Err(KeyError::Point);
        }
        Ok(Self(*bytes))
    }

    /// The 32 bytes of the key.
    pub const fn as_bytes(&self) -> &[u8; KEY_LEN] {
        &self.0
    }

    /// Refuses a signature of another key or of another message.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Refusal> {
        UnparsedPublicKey::new(&ED25519, &self.0)
            .verify(message, signature)
            .map_err(|_| Refusal::Mismatch)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ed25519({})", hex::encode(self.0))
    }
}

/// A key to sign with. AWS-LC wipes it when it is dropped.
///
/// It has no `PartialEq` on purpose.
#[derive(Clone)]
pub struct SecretKey(Ed25519KeyPair);

impl SecretKey {
    /// Reads a key: `whsk_` and base64 of the 32 bytes of the seed, or of those and the 32 bytes of
    /// the public key behind them, which must belong together.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let bytes = key::secret_bytes(SECRET_PREFIX, text)?;
        let pair = match bytes.split_at_checked(KEY_LEN) {
            Some((seed, [])) => Ed25519KeyPair::from_seed_unchecked(seed),
            Some((seed, public)) => Ed25519KeyPair::from_seed_and_public_key(seed, public),
            None => return Err(KeyError::Kind),
        };
        Ok(Self(pair.map_err(|_| KeyError::Kind)?))
    }

    /// Takes the 32 bytes of a seed (RFC 8032, section 5.1.5).
    pub fn from_seed(seed: &[u8; KEY_LEN]) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed);
        Self(pair.expect("any 32 bytes are a seed"))
    }

    /// The key that verifies what this one signs.
    pub fn public_key(&self) -> PublicKey {
        let bytes = self.0.public_key().as_ref().try_into();
        PublicKey(bytes.expect("a public key has 32 bytes"))
    }

    /// The signature of a message.
    pub fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_LEN] {
        let bytes = self.0.sign(message).as_ref().try_into();
        bytes.expect("a signature has 64 bytes")
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests;
