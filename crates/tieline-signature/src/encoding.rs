//! How bytes stand in headers and in settings.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};

use crate::Refusal;

/// Keys come with and without padding; both mean the same bytes.
pub(crate) const KEY_BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How a signature is written in its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Hexadecimal; written in lower case, read in either.
    Hex,
    /// Base64 with the standard alphabet and padding.
    Base64,
}

impl Encoding {
    pub(crate) fn encode(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex => hex::encode(bytes),
            Self::Base64 => STANDARD.encode(bytes),
        }
    }

    /// Decodes what stands behind `prefix`: at least one byte and at most `most`.
    pub(crate) fn decode(
        self,
        prefix: &str,
        header: &str,
        most: usize,
    ) -> Result<Vec<u8>, Refusal> {
        let text = header.strip_prefix(prefix).ok_or(Refusal::Signature)?;
        // Hex is the longer of the two encodings; nothing longer is worth decoding.
        if text.len() > most * 2 {
            return Err(Refusal::Signature);
        }
        let bytes = match self {
            Self::Hex => hex::decode(text).ok(),
            Self::Base64 => STANDARD.decode(text).ok(),
        };
        bytes
            .filter(|bytes| (1..=most).contains(&bytes.len()))
            .ok_or(Refusal::Signature)
    }
}

#[cfg(test)]
mod tests;
