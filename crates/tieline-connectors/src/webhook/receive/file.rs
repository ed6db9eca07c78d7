//! Files: parts of forms, and bodies that are nothing else. Never parsed, never in the input.

use bytes::Bytes;
use tieline_contract::endpoint::IncomingFile;
use tieline_contract::{Code, Problem};
use tieline_model::quantity::ByteSize;

use super::media_type::MediaType;
use super::{Content, Limits};

/// Most characters of a file name.
const LONGEST_NAME: usize = 255;

/// A body that is a file.
pub(super) fn read(
    limits: &Limits,
    body: &Bytes,
    media_type: &MediaType,
) -> Result<Content, Problem> {
    if !is_allowed(limits, media_type) {
        let detail = format!(
            "Files of this type are not taken here. Taken are: {}.",
            limits.file_types.join(", ")
        );
        return Err(Problem::new(Code::UnsupportedMediaType, detail));
    }
    if is_too_large(limits, body) {
        let detail = format!("A file may have {} at most.", ByteSize(limits.file));
        return Err(Problem::new(Code::PayloadTooLarge, detail));
    }
    Ok(Content::null(vec![IncomingFile {
        field: None,
        name: None,
        content_type: media_type.as_str().to_owned(),
        content: body.clone(),
    }]))
}

pub(super) fn is_allowed(limits: &Limits, media_type: &MediaType) -> bool {
    let patterns = &limits.file_types;
    patterns.is_empty() || patterns.iter().any(|one| media_type.fits(one))
}

pub(super) fn is_too_large(limits: &Limits, content: &[u8]) -> bool {
    u64::try_from(content.len()).is_ok_and(|bytes| bytes > limits.file)
}

/// What a sender calls a file, reduced to a base name that is safe to show. It is never a path.
pub(super) fn display_name(sent: &str) -> Option<String> {
    let base = sent.rsplit(['/', '\\']).next()?;
    let name: String = base
        .chars()
        .filter(|c| !c.is_control() && !turns_text(*c))
        .take(LONGEST_NAME)
        .collect();
    let name = name.trim();
    let empty = name.chars().all(|c| c == '.');
    (!empty).then(|| name.to_owned())
}

/// Whether a character can make a name read in another order than it is written.
fn turns_text(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
