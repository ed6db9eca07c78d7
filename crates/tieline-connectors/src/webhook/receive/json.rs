//! JSON: the body is the input, as it is. It is checked, never rewritten.

use bytes::Bytes;
use serde_json::value::RawValue;
use tieline_contract::{Code, NESTING_MAX, Problem, nesting};

use super::Content;

pub(super) fn read(body: &Bytes) -> Result<Content, Problem> {
    check(body)?;
    Ok(Content::json(body.clone()))
}

/// Whether `body` is one JSON value in UTF-8, not too deep, with nothing behind it.
pub(super) fn check(body: &[u8]) -> Result<&str, Problem> {
    let invalid = |detail: String| Problem::new(Code::InvalidJson, detail);
    if body.trim_ascii().is_empty() {
        let detail = "The body is empty: send a JSON value, such as `{}`.";
        return Err(invalid(detail.to_owned()));
    }
    if body.starts_with(b"\xef\xbb\xbf") {
        let detail = "The body begins with a byte order mark: send it without one.";
        return Err(invalid(detail.to_owned()));
    }
    let text = std::str::from_utf8(body).map_err(|error| {
        let at = error.valid_up_to();
        invalid(format!(
            "The body is not UTF-8: byte {at} begins no character."
        ))
    })?;
    if nesting(text) > NESTING_MAX {
        let detail = format!("Arrays and objects may be nested {NESTING_MAX} levels deep.");
        return Err(Problem::new(Code::TooDeep, detail));
    }
    serde_json::from_str::<&RawValue>(text)
        .map_err(|error| invalid(format!("The body is not JSON: {error}.")))?;
    Ok(text)
}
