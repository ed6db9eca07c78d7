//! The `Retry-After` header (RFC 9110, section 10.2.3), as another server sent it.

use std::time::{Duration, UNIX_EPOCH};

use http::{HeaderMap, header};
use tieline_model::Timestamp;

/// Longer waits are cut to this: a wrong clock elsewhere must not park work for years.
const LONGEST: Duration = Duration::from_hours(24);

/// How long to wait from `now`: seconds, or an HTTP date in any of its forms. At most a day.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        // More digits than a number has room for still mean "very long".
        value.parse().map_or(LONGEST, Duration::from_secs)
    } else {
        let then = httpdate::parse_http_date(value).ok()?;
        let since_epoch = then.duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::default().plus(since_epoch).since(now)
    };
    Some(wait.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(value: &str) -> Option<Duration> {
        let now = "1994-11-06T08:49:07.000Z".parse().unwrap();
        let headers = HeaderMap::from_iter([(header::RETRY_AFTER, value.parse().unwrap())]);
        retry_after(&headers, now)
    }

    #[test]
    fn seconds_and_dates_are_read_and_cut_to_a_day() {
        let seconds = Duration::from_secs;
        assert_eq!(wait("0"), Some(seconds(0)));
        assert_eq!(wait("120"), Some(seconds(120)));
        assert_eq!(wait("99999999999999999999999"), Some(LONGEST));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT"), Some(seconds(30)));
        assert_eq!(wait("Sunday, 06-Nov-94 08:49:37 GMT"), Some(seconds(30)));
        assert_eq!(wait("Sun Nov  6 08:49:37 1994"), Some(seconds(30)));
        assert_eq!(wait(" 120 "), Some(seconds(120)));
        assert_eq!(wait("Sun, 06 Nov 1994 08:00:00 GMT"), Some(seconds(0)));
        assert_eq!(wait("Fri, 31 Dec 9999 23:59:59 GMT"), Some(LONGEST));
    }

    #[test]
    fn anything_else_is_no_wait() {
        let bad = [
            "",
            "-1",
            "1.5",
            "soon",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 06 XXX 1994 08:49:37 GMT",
            "Sun, 32 Nov 1994 08:49:37 GMT",
        ];
        for text in bad {
            assert_eq!(wait(text), None, "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), Timestamp::default()), None);
    }
}
