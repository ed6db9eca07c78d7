//! Why key material was not accepted, and what every key has in common. The texts never contain
//! the key.

use base64::Engine as _;
use zeroize::Zeroizing;

use crate::encoding::KEY_BASE64;

/// Why key material was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Empty, or nothing but white space.
    #[error("the key is empty")]
    Blank,
    /// The text does not begin as a key of its kind does.
    #[error("the key does not begin with {expected}")]
    Prefix {
        /// What it should begin with.
        expected: &'static str,
    },
    /// What follows the prefix is not base64.
    #[error("the key is not base64 after its prefix")]
    Base64,
    /// A public key that is neither hexadecimal nor base64 nor PEM.
    #[error("the key is neither hexadecimal nor base64 nor PEM")]
    Encoding,
    /// Another kind of key, or one on another curve.
    #[error("the key is not of the kind that is needed here")]
    Kind,
    /// A point for which anyone could sign.
    #[error("the key is one for which anyone could sign")]
    Point,
    /// Fewer bytes than the scheme asks for.
    #[error("the key has {bytes} bytes, at least {least} are needed")]
    TooShort {
        /// Bytes given.
        bytes: usize,
        /// Bytes needed.
        least: usize,
    },
    /// More bytes than any sender uses.
    #[error("the key has more than {most} bytes")]
    TooLong {
        /// Bytes allowed.
        most: usize,
    },
}

/// Most bytes of one key, for every scheme.
pub(crate) const MOST_BYTES: usize = 512;
/// Most bytes of the text of a key. That of the longest key in base64 has 684.
const MOST_TEXT_BYTES: usize = 1024;

/// Refuses the keys that no scheme accepts.
pub(crate) fn check(bytes: &[u8]) -> Result<(), KeyError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(KeyError::Blank);
    }
    if bytes.len() > MOST_BYTES {
        return Err(KeyError::TooLong { most: MOST_BYTES });
    }
    Ok(())
}

/// Refuses a text that no key is written as, before it is decoded.
pub(crate) fn check_text(text: &str) -> Result<(), KeyError> {
    if text.len() > MOST_TEXT_BYTES {
        return Err(KeyError::TooLong { most: MOST_BYTES });
    }
    Ok(())
}

/// The bytes of a secret key that is written as a prefix and base64. Wiped when they are dropped.
pub(crate) fn secret_bytes(
    expected: &'static str,
    text: &str,
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    check_text(text)?;
    let text = text
        .strip_prefix(expected)
        .ok_or(KeyError::Prefix { expected })?;
    let bytes = KEY_BASE64.decode(text).map_err(|_| KeyError::Base64)?;
    Ok(Zeroizing::new(bytes))
}

#[cfg(test)]
mod tests;
