//! Uploaded files, for holders of their token.
//!
//! A file is whatever a sender sent. It is never shown: browsers are told to save it, not to guess
//! what it is, and to run nothing of it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::Uri;
use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue,
    X_CONTENT_TYPE_OPTIONS,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tieline_contract::Code;
use tieline_model::{FileId, Kept, ProjectId};

use crate::address::{Params, id_of, query_of};
use crate::api::Shared;
use crate::problem::Failure;

/// What `filename*` may hold as it is (RFC 8187, section 3.2.1).
const PLAIN: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// `GET /files/{project}/{file}?token=…`.
pub(crate) async fn download(
    State(shared): State<Arc<Shared>>,
    params: Params,
    uri: Uri,
) -> Response {
    match read(&shared, &params, &uri).await {
        Ok(response) => response,
        Err(failure) => failure.into_response(),
    }
}

/// A wrong token and a file that is not there look alike.
async fn read(shared: &Shared, params: &Params, uri: &Uri) -> Result<Response, Failure> {
    let project = ProjectId(id_of(params, "project")?);
    let id: FileId = id_of(params, "file")?;
    let mut pairs = query_of(uri).split('&');
    let token = pairs
        .find_map(|pair| pair.strip_prefix("token="))
        .unwrap_or_default();
    if !shared
        .hub
        .tokens()
        .allows_file((project, id), token, shared.hub.latest())
    {
        return Err(Failure::not_found());
    }
    let stored = shared.hub.store().file(project, id).await?;
    let stored = stored.ok_or_else(Failure::not_found)?;
    whole(stored.kept)?;
    let octets = || HeaderValue::from_static("application/octet-stream");
    let kind = HeaderValue::try_from(&stored.file.content_type).unwrap_or_else(|_| octets());
    let mut response = Response::new(Body::from(stored.content));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, kind);
    headers.insert(
        CONTENT_DISPOSITION,
        disposition(stored.file.name.as_deref()),
    );
    let fixed = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
        (CACHE_CONTROL, "private, no-store"),
    ];
    headers.extend(fixed.map(|(name, value)| (name, HeaderValue::from_static(value))));
    Ok(response)
}

/// What is not whole is not given out: not even a part of it.
fn whole(kept: Kept) -> Result<(), Failure> {
    match kept {
        Kept::Whole => Ok(()),
        Kept::Erased => {
            let detail = "The file has been erased. It is in the event no longer.";
            Err(Failure::new(Code::Erased, detail))
        }
        Kept::Damaged => {
            let detail = "The file was damaged on the disk. Have its event sent again.";
            Err(Failure::new(Code::Damaged, detail))
        }
    }
}

/// `attachment`, with the name as text that no header can be made of.
fn disposition(name: Option<&str>) -> HeaderValue {
    let Some(name) = name else {
        return HeaderValue::from_static("attachment");
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | ' ');
    let ascii: String = name
        .chars()
        .map(|c| if plain(c) { c } else { '_' })
        .collect();
    let whole = utf8_percent_encode(name, &PLAIN);
    let text = format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{whole}");
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("attachment"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_a_name() {
        let cases = [
            (None, "attachment"),
            (
                Some("a b.pdf"),
                "attachment; filename=\"a b.pdf\"; filename*=UTF-8''a%20b.pdf",
            ),
            (
                Some("é\"\r\nSet-Cookie: x"),
                "attachment; filename=\"____Set-Cookie_ x\"; filename*=UTF-8''%C3%A9%22%0D%0ASet-Cookie%3A%20x",
            ),
        ];
        for (name, header) in cases {
            assert_eq!(disposition(name), header);
        }
    }
}
