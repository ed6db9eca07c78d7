//! ECDSA (FIPS 186-5) with the curve's own hash: P-256 with SHA-256, P-384 with SHA-384.
//!
//! Only verifies. Which of the two it is, the key says, and never the message.

use std::fmt;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_ASN1,
    ECDSA_P384_SHA384_FIXED, EcdsaVerificationAlgorithm, ParsedPublicKey,
};

use crate::{KeyError, Refusal, key, spki};

/// How the two numbers of a signature are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As a sequence in ASN.1 DER (RFC 3279, section 2.2.3): what most senders do.
    Der,
    /// One after the other at their full length (IEEE P1363, RFC 7518).
    Fixed,
}

/// What stands before the point of a key in DER (RFC 5480, section 2), and how to verify with it.
type Curve = (
    &'static [u8],
    &'static EcdsaVerificationAlgorithm,
    &'static EcdsaVerificationAlgorithm,
);
const CURVES: [Curve; 2] = [
    (
        b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\
          \x07\x03\x42\x00",
        &ECDSA_P256_SHA256_ASN1,
        &ECDSA_P256_SHA256_FIXED,
    ),
    (
        b"\x30\x76\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22\x03\x62\
          \x00",
        &ECDSA_P384_SHA384_ASN1,
        &ECDSA_P384_SHA384_FIXED,
    ),
];

/// A key to verify with.
#[derive(Clone)]
pub struct PublicKey {
    der: ParsedPublicKey,
    fixed: ParsedPublicKey,
}

impl PublicKey {
    /// Reads a key: a `SubjectPublicKeyInfo` as PEM or base64, with an uncompressed point that lies
    /// on the curve.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        key::check_text(text)?;
        let bytes = spki::decode(text)?;
        let (point, der, fixed) = CURVES
            .iter()
            .find_map(|(prefix, der, fixed)| Some((bytes.strip_prefix(*prefix)?, *der, *fixed)))
            .ok_or(KeyError::Kind)?;
        Ok(Self {
            der: ParsedPublicKey::new(der, point).map_err(|_| KeyError::Kind)?,
            fixed: ParsedPublicKey::new(fixed, point).map_err(|_| KeyError::Kind)?,
        })
    }

    /// Refuses a signature of another key or of another message, or of another form.
    pub fn verify(&self, form: Form, message: &[u8], signature: &[u8]) -> Result<(), Refusal> {
        let key = match form {
            Form::Der => &self.der,
            Form::Fixed => &self.fixed,
        };
        let verified = key.verify_sig(message, signature);
        verified.map_err(|_| Refusal::Mismatch)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ecdsa({})", hex::encode(&self.der))
    }
}

#[cfg(test)]
mod tests;
