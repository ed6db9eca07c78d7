//! Plain text: a message.

use bytes::Bytes;
use serde_json::json;
use tieline_contract::{Code, Problem};

use super::Content;
use super::media_type::MediaType;

pub(super) fn read(body: &[u8], media_type: &MediaType) -> Result<Content, Problem> {
    let text = decode(body, media_type)?;
    let input = json!({ "message": text }).to_string();
    Ok(Content::json(Bytes::from(input)))
}

/// The text of a body. Another encoding than UTF-8 would have to be guessed right.
pub(super) fn decode<'a>(body: &'a [u8], media_type: &MediaType) -> Result<&'a str, Problem> {
    let text = std::str::from_utf8(body).ok();
    text.filter(|_| media_type.is_utf8()).ok_or_else(|| {
        let detail = "Text is read as UTF-8 only: send it so, or as `application/octet-stream`.";
        Problem::new(Code::UnsupportedMediaType, detail)
    })
}
