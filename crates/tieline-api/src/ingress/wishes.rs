//! What a caller asks of the answer: `Prefer` (RFC 7240) and server-sent events.

use std::time::Duration;

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};

use super::stream::{last_event_id, wants_stream};

const PREFER: HeaderName = HeaderName::from_static("prefer");
/// Names the preferences that were followed.
pub(super) const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// What the caller of a connector in sync mode asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wishes {
    pub(super) respond_async: bool,
    /// How long to wait at the most.
    pub(super) wait: Option<Duration>,
    pub(super) stream: bool,
    /// Where an earlier stream broke off.
    pub(super) after: Option<String>,
}

impl Wishes {
    pub(super) fn read(headers: &HeaderMap) -> Self {
        let mut wishes = Self {
            stream: wants_stream(headers),
            after: last_event_id(headers),
            ..Self::default()
        };
        let values = headers.get_all(PREFER).iter();
        let texts = values.filter_map(|value| value.to_str().ok());
        for preference in texts.flat_map(|text| text.split(',')) {
            let preference = preference.split(';').next().unwrap_or_default();
            let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
            let (name, value) = (name.trim(), value.trim().trim_matches('"'));
            if name.eq_ignore_ascii_case("respond-async") {
                wishes.respond_async = true;
            } else if name.eq_ignore_ascii_case("wait") && wishes.wait.is_none() {
                // The first counts (RFC 7240, section 2); one that is no number is none.
                wishes.wait = value.parse().ok().map(Duration::from_secs);
            }
        }
        wishes
    }

    /// The wait, and what to say if it is the caller's: nobody can ask for more than `most`.
    pub(super) fn wait(&self, most: Duration) -> (Duration, Option<HeaderValue>) {
        match self.wait {
            Some(wait) if wait < most => {
                let text = format!("wait={}", wait.as_secs());
                (wait, HeaderValue::try_from(text).ok())
            }
            _ => (most, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wishes(prefer: &[&str]) -> Wishes {
        let headers = prefer.iter().map(|text| (PREFER, text.parse().unwrap()));
        Wishes::read(&headers.collect())
    }

    #[test]
    fn preferences_are_read_from_all_headers_and_forms() {
        let seconds = |n| Some(Duration::from_secs(n));
        assert_eq!(wishes(&["wait=3"]).wait, seconds(3));
        assert_eq!(wishes(&["foo, WAIT = \"3\"; x=y"]).wait, seconds(3));
        assert_eq!(wishes(&["wait=3", "wait=4"]).wait, seconds(3));
        assert!(wishes(&["x", "respond-async, wait=1"]).respond_async);
        for bad in [
            "wait",
            "wait=",
            "wait=-1",
            "wait=1.5",
            "wait=soon",
            "await=1",
        ] {
            assert_eq!(wishes(&[bad]), Wishes::default(), "{bad}");
        }
    }

    #[test]
    fn nobody_waits_longer_than_the_connector_allows() {
        let most = Duration::from_secs(10);
        assert_eq!(wishes(&["wait=20"]).wait(most), (most, None));
        assert_eq!(wishes(&["wait=10"]).wait(most), (most, None));
        let (wait, applied) = wishes(&["wait=0"]).wait(most);
        assert_eq!(
            (wait, applied.unwrap().as_bytes()),
            (Duration::ZERO, b"wait=0".as_slice())
        );
    }
}
