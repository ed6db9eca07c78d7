//! Public keys in text form: PEM (RFC 7468) and base64 of the DER inside it (RFC 5280, section 4.1,
//! `SubjectPublicKeyInfo`).

use base64::Engine as _;

use crate::KeyError;
use crate::encoding::KEY_BASE64;

const PEM_BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const PEM_END: &str = "-----END PUBLIC KEY-----";

/// The bytes of a text that is PEM or base64. Line breaks do not matter.
pub(crate) fn decode(text: &str) -> Result<Vec<u8>, KeyError> {
    let text = text.trim();
    let inner = match text.strip_prefix(PEM_BEGIN) {
        Some(rest) => rest.strip_suffix(PEM_END).ok_or(KeyError::Encoding)?,
        None => text,
    };
    let inner: String = inner.split_ascii_whitespace().collect();
    if inner.is_empty() {
        return Err(KeyError::Blank);
    }
    KEY_BASE64.decode(inner).map_err(|_| KeyError::Encoding)
}
