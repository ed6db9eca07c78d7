//! From a verified request to events. Pure: bytes in, events or a problem out.
//!
//! Which form a body has is decided by its content type alone. Nothing is re-serialised that
//! arrived as JSON, nothing is dropped silently, and nothing recurses over what a sender wrote.

mod cloudevents;
mod dedupe;
mod fields;
mod file;
mod form;
mod json;
mod media_type;
mod meta;
mod multipart;
mod query;
mod text;

use bytes::Bytes;
use http::{Method, header};
use serde_json::{Map, Value};
use tieline_contract::auth::Authenticator;
use tieline_contract::endpoint::IncomingFile;
use tieline_contract::{Code, Incoming, IncomingEvent, Problem, Verified};
use tieline_signature::digest::sha256;

use self::cloudevents::Mark;
use self::dedupe::Key;
use self::media_type::MediaType;

/// What the settings allow in one request, beside the size of its body.
#[derive(Debug)]
pub(super) struct Limits {
    /// Of a multipart form.
    pub parts: usize,
    /// Bytes of one file.
    pub file: u64,
    /// Such as `application/pdf` and `image/*`; empty for all.
    pub file_types: Vec<String>,
    /// Whether one request may bring several events.
    pub batches: bool,
    /// Whether an expression tells which events are the same.
    pub dedupe: bool,
}

/// What one event brought, whatever form it came in.
#[derive(Debug)]
struct Content {
    /// JSON text.
    input: Bytes,
    files: Vec<IncomingFile>,
    /// The attributes and the identity, where it is a CloudEvent.
    cloudevent: Option<CloudEvent>,
}

/// What a CloudEvent says about itself.
#[derive(Debug)]
struct CloudEvent {
    attributes: Map<String, Value>,
    identity: String,
}

impl Content {
    fn json(input: Bytes) -> Self {
        Self {
            input,
            files: Vec::new(),
            cloudevent: None,
        }
    }

    /// There is no input: an empty body, or one that is a file.
    fn null(files: Vec<IncomingFile>) -> Self {
        Self {
            input: Bytes::from_static(b"null"),
            files,
            cloudevent: None,
        }
    }
}

/// Reads a verified request: its events, or why there are none.
pub(super) fn receive(
    limits: &Limits,
    auth: &Authenticator,
    request: &Verified,
) -> Result<Incoming, Problem> {
    let headers = meta::headers(&request.headers, auth);
    let key = Key::of(request, limits.dedupe)?;
    // What a CloudEvent says in headers is not signed.
    let believed = request.signed.is_none();
    let signed = request.signed.as_ref();
    let signed = signed.map(|signed| Key::signed(&signed.identity));
    let event = |content: Content, at: Option<usize>, raw: &[u8]| IncomingEvent {
        meta: meta::document(
            &headers,
            content.cloudevent.as_ref(),
            request.signed.as_ref(),
        ),
        signed_key: signed.as_ref().map(|key| key.of_event(at)),
        dedupe: key.as_ref().map(|key| key.of_event(at)).or_else(|| {
            let cloudevent = content.cloudevent.filter(|_| believed);
            cloudevent.map(|one| one.identity)
        }),
        input: content.input,
        files: content.files,
        digest: sha256(raw),
    };
    let one = |event| Incoming {
        events: vec![event],
        batch: false,
    };
    if request.method == Method::GET {
        let content = query::read(&request.query)?;
        return Ok(one(event(content, None, request.query.as_bytes())));
    }
    refuse_encoded(request)?;
    let media_type = MediaType::of(&request.headers)?;
    let mark = cloudevents::mark(&request.headers, media_type.as_ref())?;
    if mark == Some(Mark::Batch) {
        let elements = cloudevents::read_batch(limits, &request.body)?;
        let events = elements
            .into_iter()
            .enumerate()
            .map(|(at, (content, raw))| event(content, Some(at), &raw));
        return Ok(Incoming {
            events: events.collect(),
            batch: true,
        });
    }
    let content = read_one(limits, request, (media_type.as_ref(), mark))?;
    Ok(one(event(content, None, &request.body)))
}

/// Reads a body that is one event.
fn read_one(
    limits: &Limits,
    request: &Verified,
    (media_type, mark): (Option<&MediaType>, Option<Mark>),
) -> Result<Content, Problem> {
    let body = &request.body;
    match mark {
        Some(Mark::Binary) => {
            return cloudevents::read_binary(limits, &request.headers, media_type, body);
        }
        Some(Mark::Structured) => return cloudevents::read_structured(limits, body),
        Some(Mark::Batch) | None => {}
    }
    let Some(media_type) = media_type else {
        if body.is_empty() {
            return Ok(Content::null(Vec::new()));
        }
        return file::read(limits, body, &MediaType::unknown());
    };
    match media_type.essence() {
        _ if media_type.is_json() => json::read(body),
        "application/x-www-form-urlencoded" => form::read(body),
        "multipart/form-data" => multipart::read(limits, body, media_type),
        "text/plain" => text::read(body, media_type),
        _ => file::read(limits, body, media_type),
    }
}

/// A compressed body is not unpacked: its size would only be known afterwards.
fn refuse_encoded(request: &Verified) -> Result<(), Problem> {
    let plain = |value: &http::HeaderValue| {
        value.is_empty() || value.as_bytes().eq_ignore_ascii_case(b"identity")
    };
    if request
        .headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .all(plain)
    {
        Ok(())
    } else {
        let detail = "Bodies are not decompressed: send it without `content-encoding`.";
        Err(Problem::new(Code::UnsupportedEncoding, detail))
    }
}

/// A name from a request, cut and escaped for an answer.
fn shown(name: &str) -> String {
    let cut: String = name.chars().take(64).collect();
    format!("`{}`", cut.escape_debug())
}

#[cfg(test)]
mod tests;
