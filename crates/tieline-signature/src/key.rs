//! Why key material was not accepted. The texts never contain the key.

/// Why key material was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Empty, or nothing but white space.
    #[error("the key is empty")]
    Blank,
    /// The text does not begin with `whsec_`.
    #[error("the key does not begin with whsec_")]
    Prefix,
    /// What follows `whsec_` is not base64.
    #[error("the key is not base64 after whsec_")]
    Base64,
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
