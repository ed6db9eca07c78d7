//! An event's data as bytes of a type: JSON and text are inputs, anything else is a file.

use bytes::Bytes;
use serde_json::Value;
use tieline_contract::Problem;

use super::super::{file, json, text};
use super::{Content, Limits, MediaType};

/// Text is a JSON string here, as it is in structured mode: an event is the same in every encoding.
pub(super) fn read(
    limits: &Limits,
    body: &Bytes,
    media_type: Option<&MediaType>,
) -> Result<Content, Problem> {
    let Some(media_type) = media_type else {
        return file::read(limits, body, &MediaType::unknown());
    };
    if media_type.is_json() {
        return json::read(body);
    }
    if media_type.essence() == "text/plain" {
        let text = Value::from(text::decode(body, media_type)?).to_string();
        return Ok(Content::json(Bytes::from(text)));
    }
    file::read(limits, body, media_type)
}
