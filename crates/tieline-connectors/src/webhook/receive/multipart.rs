//! A form with files (RFC 7578): text fields make the object, every other part is a file.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::{FutureExt as _, stream};
use http::{HeaderMap, header};
use multer::{Field, Multipart};
use percent_encoding::percent_decode_str;
use tieline_contract::endpoint::IncomingFile;
use tieline_contract::{Code, Problem};
use tieline_model::quantity::ByteSize;

use super::fields::Fields;
use super::media_type::MediaType;
use super::{Content, Limits, file, shown};

/// Most bytes of a text field; more is better sent as a file.
const LARGEST_TEXT: usize = 1 << 20;
/// Most bytes of a part's headers. Their number is limited by the parser, to 32.
const LARGEST_HEADERS: usize = 8 * 1024;
/// Most bytes of a field's name.
const LONGEST_FIELD: usize = 256;

pub(super) fn read(
    limits: &Limits,
    body: &Bytes,
    media_type: &MediaType,
) -> Result<Content, Problem> {
    let boundary = multer::parse_boundary(media_type.as_str())
        .map_err(|_| invalid("The `content-type` names no `boundary`."))?;
    let body = body.clone();
    let whole = stream::once(async move { Ok::<_, Infallible>(body) });
    let mut form = Multipart::new(whole, boundary);
    let (mut fields, mut files) = (Fields::default(), Vec::new());
    let mut count = 0;
    while let Some(part) = ready(form.next_field())? {
        count += 1;
        if count > limits.parts {
            let detail = format!("A form may have {} parts at most.", limits.parts);
            return Err(Problem::new(Code::TooManyParts, detail));
        }
        match read_part(limits, part)? {
            Part::Text { field, text } => fields.add(field, text),
            Part::File(file) => files.push(file),
            Part::Nothing => {}
        }
    }
    let content = fields.into_content();
    Ok(Content { files, ..content })
}

enum Part {
    Text {
        field: String,
        text: String,
    },
    File(IncomingFile),
    /// What a browser sends for a file input in which nobody chose a file.
    Nothing,
}

fn read_part(limits: &Limits, mut part: Field<'_>) -> Result<Part, Problem> {
    let size = |headers: &HeaderMap| -> usize {
        let one = |(name, value): (&header::HeaderName, &header::HeaderValue)| {
            name.as_str().len() + value.len()
        };
        headers.iter().map(one).sum()
    };
    if size(part.headers()) > LARGEST_HEADERS {
        return Err(invalid("A part has headers that are too long."));
    }
    let field = part.name().map(str::to_owned);
    if field
        .as_ref()
        .is_some_and(|name| name.len() > LONGEST_FIELD)
    {
        return Err(invalid("A part has a name that is too long."));
    }
    let sent_name = sent_name(&part);
    let sent_type = part.headers().get(header::CONTENT_TYPE).cloned();
    // The whole form is there, so that a part comes in one piece.
    let content = ready(part.chunk())?.unwrap_or_default();
    let media_type = match &sent_type {
        Some(value) => value.to_str().ok().and_then(MediaType::parse),
        None => None,
    };
    let is_text = sent_type.is_none() || media_type.as_ref().is_some_and(MediaType::is_text);
    match (sent_name, field) {
        (None, None) if is_text => Err(invalid("A part has no name.")),
        (None, Some(field)) if is_text => read_text(field, &content, media_type.as_ref()),
        (Some(name), _) if name.is_empty() && content.is_empty() => Ok(Part::Nothing),
        (name, field) => {
            let media_type = media_type.unwrap_or_else(MediaType::unknown);
            read_file(limits, field, name.as_deref(), (&media_type, content))
        }
    }
}

fn read_text(
    field: String,
    content: &[u8],
    media_type: Option<&MediaType>,
) -> Result<Part, Problem> {
    if content.len() > LARGEST_TEXT {
        let detail = format!(
            "The text field {} is larger than 1MiB: send it as a file.",
            shown(&field)
        );
        return Err(Problem::new(Code::PartTooLarge, detail));
    }
    let text = std::str::from_utf8(content).ok();
    let text = text.filter(|_| media_type.is_none_or(MediaType::is_utf8));
    let text = text.map(str::to_owned).ok_or_else(|| {
        let detail = format!("The text field {} is not UTF-8.", shown(&field));
        invalid(&detail)
    })?;
    Ok(Part::Text { field, text })
}

fn read_file(
    limits: &Limits,
    field: Option<String>,
    name: Option<&str>,
    (media_type, content): (&MediaType, Bytes),
) -> Result<Part, Problem> {
    let part = || shown(field.as_deref().or(name).unwrap_or_default());
    if !file::is_allowed(limits, media_type) {
        let detail = format!(
            "The part {} has a type that is not taken here. Taken are: {}.",
            part(),
            limits.file_types.join(", ")
        );
        return Err(Problem::new(Code::PartNotAllowed, detail));
    }
    if file::is_too_large(limits, &content) {
        let most = ByteSize(limits.file);
        let detail = format!("The part {} is larger than {most}.", part());
        return Err(Problem::new(Code::PartTooLarge, detail));
    }
    Ok(Part::File(IncomingFile {
        name: name.and_then(file::display_name),
        field,
        content_type: media_type.as_str().to_owned(),
        content,
    }))
}

/// The file name as it was sent: `filename`, or the extended `filename*` (RFC 5987) that RFC 7578
/// forbids and some clients send.
fn sent_name(part: &Field<'_>) -> Option<String> {
    if let Some(name) = part.file_name() {
        return Some(name.to_owned());
    }
    let disposition = part.headers().get(header::CONTENT_DISPOSITION)?;
    let text = std::str::from_utf8(disposition.as_bytes()).ok()?;
    let (_, value) = text.split_once("filename*=")?;
    let value = value.split(';').next().unwrap_or(value).trim();
    let encoded = value.splitn(3, '\'').nth(2).unwrap_or(value);
    Some(percent_decode_str(encoded).decode_utf8_lossy().into_owned())
}

/// What the parser says about a form that is there as a whole. It never has to wait.
fn ready<T>(step: impl Future<Output = multer::Result<T>>) -> Result<T, Problem> {
    match step.now_or_never() {
        Some(Ok(value)) => Ok(value),
        Some(Err(
            multer::Error::ReadHeaderFailed(_)
            | multer::Error::IncompleteHeaders
            | multer::Error::DecodeHeaderName { .. }
            | multer::Error::DecodeHeaderValue { .. },
        )) => Err(invalid("A part has headers that cannot be read.")),
        Some(Err(_)) | None => Err(invalid("The form ends before its last boundary.")),
    }
}

fn invalid(detail: &str) -> Problem {
    Problem::new(Code::InvalidForm, detail)
}
