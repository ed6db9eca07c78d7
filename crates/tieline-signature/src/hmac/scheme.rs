//! How a sender signs: the settable parts of an HMAC signature, and which settings make no sense.

use aws_lc_rs::hmac;

use super::Claims;
use crate::KeyError;

/// Most parts of a template.
const MOST_PARTS: usize = 16;

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

/// How the MAC is written in the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Hexadecimal; written in lower case, read in either.
    Hex,
    /// Base64 with the standard alphabet and padding.
    Base64,
}

/// One part of the signed content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// The raw body. Exactly once in every template.
    Body,
    /// The timestamp as it stands in its header.
    Timestamp,
    /// The message id as it stands in its header.
    Id,
    /// Fixed text, such as a separator. Not empty.
    Literal(String),
}

impl Part {
    /// What this part adds to the signed content; `None` for the body.
    pub(super) fn bytes<'a>(&'a self, claims: Claims<'a>) -> Option<&'a [u8]> {
        match self {
            Self::Body => None,
            Self::Timestamp => Some(claims.timestamp.unwrap_or_default().as_bytes()),
            Self::Id => Some(claims.id.unwrap_or_default().as_bytes()),
            Self::Literal(text) => Some(text.as_bytes()),
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

/// Why a scheme makes no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SchemeError {
    /// A key was not accepted.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The body is not in the template exactly once.
    #[error("the signed content must contain the body exactly once")]
    Body,
    /// There are too many parts, or an empty literal.
    #[error("the signed content has more than {MOST_PARTS} parts or an empty one")]
    Parts,
    /// Two parts of variable length touch, and where one ends cannot be told.
    #[error("the signed content needs a separator between the id and what stands beside it")]
    Separator,
    /// There is a tolerance without a signed timestamp, or it is negative.
    #[error("a tolerance needs a signed timestamp and must not be negative")]
    Tolerance,
}

impl Scheme {
    pub(super) fn check(&self) -> Result<(), SchemeError> {
        let content = &self.content;
        if content
            .iter()
            .filter(|part| matches!(part, Part::Body))
            .count()
            != 1
        {
            return Err(SchemeError::Body);
        }
        let empty = |part: &Part| matches!(part, Part::Literal(text) if text.is_empty());
        if content.len() > MOST_PARTS || content.iter().any(empty) {
            return Err(SchemeError::Parts);
        }
        let touching = |pair: &[Part]| {
            pair.contains(&Part::Id) && !pair.iter().any(|part| matches!(part, Part::Literal(_)))
        };
        if content.windows(2).any(touching) {
            return Err(SchemeError::Separator);
        }
        let timed = content.contains(&Part::Timestamp);
        match self.tolerance_s {
            Some(tolerance_s) if !timed || tolerance_s < 0 => Err(SchemeError::Tolerance),
            _ => Ok(()),
        }
    }
}
