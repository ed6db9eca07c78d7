//! Binary mode: the attributes are headers, the body is the data.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use percent_encoding::percent_decode;
use serde_json::{Map, Value};
use tieline_contract::Problem;

use super::{Content, Limits, MediaType, data, finish, invalid};

pub(in super::super) fn read(
    limits: &Limits,
    headers: &HeaderMap,
    media_type: Option<&MediaType>,
    body: &Bytes,
) -> Result<Content, Problem> {
    let mut attributes = Map::new();
    for name in headers.keys() {
        let Some(attribute) = name.as_str().strip_prefix("ce-") else {
            continue;
        };
        let mut values = headers.get_all(name).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return Err(invalid(&format!("The header `{name}` came twice.")));
        };
        let value =
            decode(value).ok_or_else(|| invalid(&format!("The header `{name}` is not UTF-8.")))?;
        attributes.insert(attribute.to_owned(), Value::String(value));
    }
    if let Some(media_type) = media_type {
        let text = Value::from(media_type.as_str());
        attributes.insert("datacontenttype".to_owned(), text);
    }
    let content = if body.is_empty() {
        Content::null(Vec::new())
    } else {
        data::read(limits, body, media_type)?
    };
    finish(attributes, content)
}

/// HTTP binding, section 3.1.3.2: what is quoted is unquoted first, then percent-decoded.
fn decode(value: &HeaderValue) -> Option<String> {
    let bytes = value.as_bytes();
    let inner = bytes
        .strip_prefix(b"\"")
        .and_then(|rest| rest.strip_suffix(b"\""));
    let unquoted = match inner {
        Some(inner) => unescape(inner),
        None => bytes.to_vec(),
    };
    let text = percent_decode(&unquoted).decode_utf8().ok()?;
    Some(text.into_owned())
}

/// Takes the backslashes out of a quoted string (RFC 9110, section 5.6.4).
fn unescape(quoted: &[u8]) -> Vec<u8> {
    let mut escaped = false;
    let kept = quoted.iter().filter(|byte| {
        escaped = !escaped && **byte == b'\\';
        !escaped
    });
    kept.copied().collect()
}
