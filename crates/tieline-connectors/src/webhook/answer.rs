//! What a destination's answer means: delivered, gone, or to be tried again, and when.
//!
//! Source: the Standard Webhooks specification. Only 2xx is success; 410 is for good; everything
//! else may pass, because deliveries are retried over days.

use http::{HeaderMap, StatusCode, Uri, header};
use tieline_contract::{Fault, Receipt, Verdict, retry_after};
use tieline_egress::{BodyReader, EgressError, Response};
use tieline_model::{Secret, Timestamp};

/// Bytes of an answer that are kept for the journal.
const EXCERPT: usize = 1024;
/// Shorter secrets are too common as words to be hidden.
const LEAST_SECRET: usize = 4;
/// What stands in a secret's place.
const MASK: &[u8] = b"***";

/// Judges an answer. `now` is when the attempt began; `sent` are the secrets that went out with it,
/// which an answer may repeat.
pub(super) async fn judge(
    response: Response,
    now: Timestamp,
    sent: &[Secret],
) -> Result<Receipt, Fault> {
    let Response {
        status,
        headers,
        body,
    } = response;
    let text = excerpt(body, sent).await;
    if status.is_success() {
        return Ok(Receipt {
            status: Some(status.as_u16()),
            response: text,
        });
    }
    Err(refusal(status, &headers, now).with_answer(status.as_u16(), text))
}

fn refusal(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Fault {
    let answered = format!("the destination answered {}", status.as_u16());
    if status == StatusCode::GONE {
        let message = format!("{answered}: it wants no more deliveries");
        return Fault::new(Verdict::Gone, "gone", message);
    }
    let verdict = retry_after(headers, now).map_or(Verdict::Later, Verdict::After);
    if status.is_redirection() {
        let message = format!(
            "{answered} and points to {}; redirects are not followed, set `url` to the final \
             address",
            location(headers)
        );
        return Fault::new(verdict, "redirected", message);
    }
    let unavailable = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
    let code = if unavailable {
        "unavailable"
    } else {
        "refused"
    };
    Fault::new(verdict, code, answered)
}

/// The host that a redirect names. Its path and query may carry secrets.
fn location(headers: &HeaderMap) -> String {
    let value = headers
        .get(header::LOCATION)
        .and_then(|one| one.to_str().ok());
    let host = value
        .and_then(|text| text.parse::<Uri>().ok())
        .and_then(|uri| uri.host().map(|host| format!("`{host}`")));
    host.unwrap_or_else(|| "another path".to_owned())
}

/// Judges a request that has no answer.
pub(super) fn failed(error: &EgressError) -> Fault {
    let message = with_source(error);
    match error {
        EgressError::InvalidUrl(_) => Fault::never("invalid-url", message),
        EgressError::Forbidden { .. } => Fault::never(
            "egress-forbidden",
            format!("{message}; to allow it, name its network in `egress.allow`"),
        ),
        EgressError::Timeout { .. } => Fault::later("timeout", message),
        EgressError::Resolve { .. } | EgressError::Connect { .. } => {
            Fault::later("unreachable", message)
        }
        EgressError::Tls { .. } => Fault::later("tls-failed", message),
        EgressError::Broken { .. } => Fault::later("connection-broken", message),
        EgressError::TooLarge { .. } => Fault::later("answer-too-large", message),
        EgressError::Encoded => Fault::later("answer-encoded", message),
    }
}

/// The error with its causes, in one line: the journal keeps no chain.
fn with_source(error: &EgressError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(one) = cause {
        text = format!("{text}: {one}");
        cause = one.source();
    }
    printable(&text)
}

/// The first bytes of the answer, as text. A body that breaks off changes nothing about the status.
async fn excerpt(body: BodyReader, sent: &[Secret]) -> Option<String> {
    let mut secrets: Vec<_> = sent.iter().map(|one| one.expose().as_bytes()).collect();
    secrets.retain(|one| one.len() >= LEAST_SECRET);
    // Longest first, so that one that contains another is hidden as a whole.
    secrets.sort_unstable_by_key(|one| std::cmp::Reverse(one.len()));
    // So much more is read that a secret at the edge is known.
    let margin = secrets.first().map_or(0, |one| one.len());
    let (bytes, _) = body.read_capped(EXCERPT + margin).await.ok()?;
    let text = printable(&String::from_utf8_lossy(&masked(&bytes, &secrets)));
    (!text.is_empty()).then_some(text)
}

/// What begins in the first [`EXCERPT`] bytes, without the secrets.
fn masked(bytes: &[u8], secrets: &[&[u8]]) -> Vec<u8> {
    let mut shown = Vec::with_capacity(EXCERPT);
    let mut at = 0;
    while at < EXCERPT
        && let Some(rest @ [first, ..]) = bytes.get(at..)
    {
        if let Some(secret) = secrets.iter().find(|one| rest.starts_with(one)) {
            shown.extend_from_slice(MASK);
            at += secret.len();
        } else {
            shown.push(*first);
            at += 1;
        }
    }
    shown
}

/// Control characters would reach terminals and logs.
fn printable(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    text.trim().chars().map(plain).collect()
}
