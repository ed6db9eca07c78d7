//! A value that must not be seen.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};
use zeroize::Zeroizing;

use crate::Timestamp;

/// A secret that cannot be empty, is not printed, not compared by `==`, and wiped when dropped.
///
/// There is no `Serialize`: what must store one calls [`Secret::expose`] and can be found by it.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

/// Why a text is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSecret {
    #[error("a secret cannot be empty or blank")]
    Blank,
    #[error("a secret is 24 to 512 printable ASCII characters without spaces")]
    Form,
}

impl Secret {
    /// Any non-blank text: for the secrets of others, whose form the hub does not decide.
    pub fn new(text: impl Into<String>) -> Result<Self, BadSecret> {
        let text = Zeroizing::new(text.into());
        if text.trim().is_empty() {
            Err(BadSecret::Blank)
        } else {
            Ok(Self(text))
        }
    }

    /// A secret that callers present to the hub: 24 to 512 printable ASCII characters.
    pub fn for_callers(text: impl Into<String>) -> Result<Self, BadSecret> {
        let secret = Self::new(text)?;
        let fits = (24..=512).contains(&secret.0.len());
        if fits && secret.0.bytes().all(|b| b.is_ascii_graphic()) {
            Ok(secret)
        } else {
            Err(BadSecret::Form)
        }
    }

    /// The secret itself. Never pass it to a log, an error, a URL or an answer.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// A secret with the time in which it is good, so that one can be rotated with an overlap.
#[derive(Clone, Debug)]
pub struct DatedSecret {
    pub secret: Secret,
    /// Before this it is not good yet.
    pub not_before: Option<Timestamp>,
    /// From this on it is good no more.
    pub not_after: Option<Timestamp>,
}

impl DatedSecret {
    /// One that is good at any time.
    pub const fn always(secret: Secret) -> Self {
        Self {
            secret,
            not_before: None,
            not_after: None,
        }
    }

    /// Whether it is good at a moment: from `not_before` on, and until just before `not_after`.
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.not_before.is_none_or(|from| from <= now)
            && self.not_after.is_none_or(|until| now < until)
    }

    /// As [`Secret::expose`].
    pub fn expose(&self) -> &str {
        self.secret.expose()
    }
}

impl From<Secret> for DatedSecret {
    fn from(secret: Secret) -> Self {
        Self::always(secret)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl JsonSchema for Secret {
    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "format": "password", "writeOnly": true })
    }

    fn inline_schema() -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_secret_cannot_exist() {
        for blank in ["", " ", "\t\n"] {
            assert_eq!(Secret::new(blank).unwrap_err(), BadSecret::Blank);
            assert_eq!(Secret::for_callers(blank).unwrap_err(), BadSecret::Blank);
            assert!(serde_json::from_value::<Secret>(blank.into()).is_err());
        }
    }

    #[test]
    fn callers_secrets_are_long_and_printable() {
        assert!(Secret::for_callers("x".repeat(24)).is_ok());
        assert!(Secret::for_callers("x".repeat(512)).is_ok());
        for bad in [
            "x".repeat(23),
            "x".repeat(513),
            "x".repeat(24) + " ",
            "é".repeat(24),
        ] {
            assert_eq!(Secret::for_callers(bad).unwrap_err(), BadSecret::Form);
        }
    }

    #[test]
    fn a_dated_secret_is_good_in_its_time_alone() {
        let at = Timestamp::from_millis;
        let secret = Secret::new("canary").unwrap();
        let always = DatedSecret::always(secret.clone());
        assert!(always.is_good(at(0)) && always.is_good(Timestamp::END));
        let dated = DatedSecret {
            secret,
            not_before: Some(at(10)),
            not_after: Some(at(20)),
        };
        let good = [9, 10, 19, 20].map(|ms| dated.is_good(at(ms)));
        assert_eq!(good, [false, true, true, false]);
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Secret::new("canary").unwrap()), "***");
    }
}
