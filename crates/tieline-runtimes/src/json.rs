//! Looks at JSON text that an agent wrote, and keeps it as it was written.

use bytes::Bytes;
use serde_json::value::RawValue;
use tieline_contract::nesting;

use crate::limits::DEPTH;

/// Why bytes are no JSON that the hub takes. The texts say nothing of the content.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadJson {
    #[error("it is not UTF-8")]
    Encoding(#[source] std::str::Utf8Error),
    #[error("it is nested more than {DEPTH} levels deep")]
    TooDeep,
    #[error("{0}")]
    Syntax(serde_json::Error),
}

/// What JSON calls white space.
const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// The text of a document without a byte order mark and the white space around it.
pub(crate) fn text(document: &[u8]) -> Result<&str, BadJson> {
    let text = std::str::from_utf8(document).map_err(BadJson::Encoding)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    Ok(text.trim_matches(SPACE))
}

/// One JSON value: valid, at most [`DEPTH`] levels deep, and as it was written.
pub(crate) fn value(text: &str) -> Result<&str, BadJson> {
    check_depth(text, DEPTH)?;
    serde_json::from_str::<&RawValue>(text)
        .map(RawValue::get)
        .map_err(BadJson::Syntax)
}

/// Refuses text that nests deeper than `most`, before a parser sees it.
pub(crate) fn check_depth(text: &str, most: usize) -> Result<(), BadJson> {
    if nesting(text) > most {
        Err(BadJson::TooDeep)
    } else {
        Ok(())
    }
}

/// Text as a JSON string.
pub(crate) fn string(text: &str) -> Bytes {
    serde_json::to_vec(text)
        .expect("a string can always be written as JSON")
        .into()
}

#[cfg(test)]
mod tests;
