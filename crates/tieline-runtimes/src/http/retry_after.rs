//! `Retry-After`: when a server wants to be asked again (RFC 9110, section 10.2.3).

use std::time::{Duration, UNIX_EPOCH};

use http::{HeaderMap, header};
use tieline_model::Timestamp;

/// A server that asks for more is asked again after this.
const LONGEST: Duration = Duration::from_hours(1);

/// The wait that the header asks for, at most an hour; `None` where it says nothing readable.
pub(super) fn read(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        // A number that does not fit is longer than the longest.
        text.parse().map_or(LONGEST, Duration::from_secs)
    } else {
        let then = httpdate::parse_http_date(text).ok()?;
        let since_epoch = then.duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::default().plus(since_epoch).since(now)
    };
    Some(wait.min(LONGEST))
}

#[cfg(test)]
mod tests;
