//! What a sender signs, and in which headers it says so: shared by the schemes with a template.

use std::time::Duration;

use http::HeaderName;
use tieline_model::quantity::Span;
use tieline_signature::hmac::{Encoding, Part, SchemeError};
use tieline_signature::standard_webhooks::DEFAULT_TOLERANCE_S;

use super::header_name;
use crate::Problems;
use crate::auth::settings::{EcdsaSettings, Ed25519Settings, HmacSettings, SignatureEncoding};

/// A signed time is good for twice this, and what came with it is known for three days.
const MOST_TOLERANCE: Duration = Duration::from_hours(24);

/// What the settings of such a scheme have in common.
#[derive(Clone, Copy)]
pub(super) struct Written<'a> {
    /// The settings' name: all paths begin with it.
    field: &'static str,
    header: &'a str,
    encoding: SignatureEncoding,
    pub prefix: &'a str,
    signed_content: &'a str,
    timestamp_header: Option<&'a str>,
    id_header: Option<&'a str>,
    tolerance: Option<Span>,
}

/// The same, read.
pub(super) struct Content {
    pub parts: Vec<Part>,
    pub encoding: Encoding,
    pub tolerance_s: Option<i64>,
    /// `None` where there is a problem.
    pub headers: Option<Headers>,
}

/// The headers that a signature and its claims come in.
#[derive(Debug)]
pub(in crate::auth) struct Headers {
    pub signature: HeaderName,
    pub timestamp: Option<HeaderName>,
    pub id: Option<HeaderName>,
}

/// The settings of each scheme have the same fields under their own name.
macro_rules! written {
    ($settings:ty, $field:literal) => {
        impl<'a> From<&'a $settings> for Written<'a> {
            fn from(settings: &'a $settings) -> Self {
                Self {
                    field: $field,
                    header: &settings.header,
                    encoding: settings.encoding,
                    prefix: &settings.prefix,
                    signed_content: &settings.signed_content,
                    timestamp_header: settings.timestamp_header.as_deref(),
                    id_header: settings.id_header.as_deref(),
                    tolerance: settings.tolerance,
                }
            }
        }
    };
}

written!(HmacSettings, "hmac");
written!(Ed25519Settings, "ed25519");
written!(EcdsaSettings, "ecdsa");

impl Written<'_> {
    /// The path of one of its fields.
    pub(super) fn path(&self, field: &str) -> String {
        format!("{}.{field}", self.field)
    }

    pub(super) fn read(&self, problems: &mut Problems) -> Content {
        let parts = self.parts(problems);
        let timed = parts.contains(&Part::Timestamp);
        let identified = parts.contains(&Part::Id);
        let signature = header_name(&self.path("header"), self.header, problems);
        let timestamp = ("timestamp_header", "{timestamp}");
        let timestamp = self.claim(timestamp, (self.timestamp_header, timed), problems);
        let id = self.claim(
            ("id_header", "{id}"),
            (self.id_header, identified),
            problems,
        );
        if self.tolerance.is_some_and(|span| span.0 > MOST_TOLERANCE) {
            let path = self.path("tolerance");
            let fix = "write `24h` at the most: what is sent again has to be known for as long";
            problems.add_with_fix(&path, "is longer than a day", fix);
        }
        let tolerance = self.tolerance.map(|span| {
            // A tolerance that no clock can reach is as good as the largest one.
            i64::try_from(span.0.as_secs()).unwrap_or(i64::MAX)
        });
        Content {
            parts,
            encoding: match self.encoding {
                SignatureEncoding::Hex => Encoding::Hex,
                SignatureEncoding::Base64 => Encoding::Base64,
            },
            tolerance_s: tolerance.or_else(|| timed.then_some(DEFAULT_TOLERANCE_S)),
            headers: signature.map(|signature| Headers {
                signature,
                timestamp,
                id,
            }),
        }
    }

    /// Says what is wrong with a scheme where it is written; `keys` is where the keys are.
    pub(super) fn explain(&self, error: &SchemeError, keys: &str, problems: &mut Problems) {
        let path = match error {
            SchemeError::Key(_) => keys.to_owned(),
            SchemeError::Tolerance => self.path("tolerance"),
            SchemeError::Body | SchemeError::Parts | SchemeError::Separator => {
                self.path("signed_content")
            }
        };
        problems.add(&path, error.to_string());
    }

    /// Splits `{timestamp}.{body}` into its parts.
    fn parts(&self, problems: &mut Problems) -> Vec<Part> {
        const FIX: &str = "write `{body}`, `{timestamp}`, `{id}` and plain text without braces";
        let path = self.path("signed_content");
        let mut parts = Vec::new();
        let mut rest = self.signed_content;
        while let Some((text, after)) = rest.split_once('{') {
            if !text.is_empty() {
                parts.push(Part::Literal(text.to_owned()));
            }
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            match name {
                "body" => parts.push(Part::Body),
                "timestamp" => parts.push(Part::Timestamp),
                "id" => parts.push(Part::Id),
                _ => problems.add_with_fix(&path, format!("there is no `{{{name}}}`"), FIX),
            }
            rest = after;
        }
        if rest.contains('}') {
            problems.add_with_fix(&path, "a `}` closes nothing", FIX);
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        parts
    }

    /// The header of a signed claim: there if, and only if, the content names the claim.
    ///
    /// A claim that is read but not signed would look as if the sender vouched for it.
    fn claim(
        &self,
        (field, placeholder): (&str, &str),
        (name, signed): (Option<&str>, bool),
        problems: &mut Problems,
    ) -> Option<HeaderName> {
        let path = self.path(field);
        match (name, signed) {
            (Some(name), true) => header_name(&path, name, problems),
            (None, false) => None,
            (Some(_), false) => {
                let fix = format!("add `{placeholder}` to `signed_content`, or remove this");
                problems.add_with_fix(&path, "is not signed", fix);
                None
            }
            (None, true) => {
                let message = format!("is missing, and `signed_content` has `{placeholder}`");
                problems.add_with_fix(&path, message, "name the header that carries it");
                None
            }
        }
    }
}
