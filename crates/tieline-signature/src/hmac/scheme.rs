//! How a sender signs by HMAC: the settable parts.

use aws_lc_rs::hmac;

use crate::encoding::Encoding;
use crate::template::Part;

/// The hash function under the HMAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC-SHA1. Still sound as an HMAC; only for senders that know nothing better.
    Sha1,
    /// HMAC-SHA256.
    Sha256,
    /// HMAC-SHA512.
    Sha512,
}

impl Algorithm {
    pub(super) fn implementation(self) -> hmac::Algorithm {
        match self {
            Self::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha512 => hmac::HMAC_SHA512,
        }
    }
}

/// How a sender signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheme {
    /// The hash function.
    pub algorithm: Algorithm,
    /// How the MAC is written.
    pub encoding: Encoding,
    /// What stands before the MAC in the header, such as `sha256=`. Case matters.
    pub prefix: String,
    /// What is signed, in order.
    pub content: Vec<Part>,
    /// How far the timestamp may lie from now, in seconds. Needs [`Part::Timestamp`].
    pub tolerance_s: Option<i64>,
}
