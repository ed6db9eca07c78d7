//! What a person writes for an `http` agent, and what of it can be sent.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::Deserialize;
use tieline_contract::{Problems, Settings};
use tieline_egress::Target;
use tieline_model::Secret;
use tieline_model::quantity::ByteSize;
use tieline_signature::standard_webhooks::SigningKey;

use crate::limits::{self, MAX_OUTPUT_DEFAULT};

/// An agent that is called over HTTP.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HttpSettings {
    /// Where the run object is sent by POST: an http or https address.
    #[schemars(extend("format" = "uri"))]
    pub(super) url: String,
    /// Headers that are sent along, for example `authorization`. Their values are kept secret.
    #[serde(default)]
    pub(super) headers: BTreeMap<String, Secret>,
    /// Signs each request by Standard Webhooks: `whsec_` and base64 of at least 24 bytes.
    pub(super) secret: Option<Secret>,
    /// How large an answer may be, for example `10MiB`.
    #[serde(default = "max_output_default")]
    pub(super) max_output: ByteSize,
}

const fn max_output_default() -> ByteSize {
    MAX_OUTPUT_DEFAULT
}

/// The hub's own headers, and those that say how a message is framed or coded.
const RESERVED: [&str; 21] = [
    "accept",
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "http2-settings",
    "idempotency-key",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "traceparent",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "webhook-id",
    "webhook-signature",
    "webhook-timestamp",
];

/// Settings that were found good.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) target: Target,
    pub(super) headers: HeaderMap,
    pub(super) key: Option<SigningKey>,
}

impl Settings for HttpSettings {
    fn check(&self, problems: &mut Problems) {
        if let Err(found) = self.ready() {
            problems.extend_below("", found);
        }
    }
}

impl HttpSettings {
    /// Reads what is written; all problems at once.
    pub(super) fn ready(&self) -> Result<Ready, Problems> {
        let mut problems = Problems::default();
        let target = self.target(&mut problems);
        let headers = self.headers(&mut problems);
        let key = self.secret.as_ref().and_then(|secret| {
            SigningKey::parse(secret.expose())
                .map_err(|error| {
                    let fix = "write `whsec_` and base64 of 24 to 512 random bytes";
                    problems.add_with_fix("secret", error.to_string(), fix);
                })
                .ok()
        });
        limits::check_max_output(self.max_output, &mut problems);
        match target {
            Some(target) => problems.into_result(Ready {
                target,
                headers,
                key,
            }),
            None => Err(problems),
        }
    }

    fn target(&self, problems: &mut Problems) -> Option<Target> {
        let fix = "write an address such as `http://127.0.0.1:9000/run`";
        if self.url.contains('#') {
            problems.add_with_fix(
                "url",
                "a fragment cannot be sent",
                "leave out what begins at `#`",
            );
        }
        Target::parse(&self.url)
            .map_err(|error| problems.add_with_fix("url", error.to_string(), fix))
            .ok()
    }

    fn headers(&self, problems: &mut Problems) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let path = format!("headers.{name}");
            let Ok(header) = name.parse::<HeaderName>() else {
                problems.add(&path, "this is no name of a header");
                continue;
            };
            if RESERVED.contains(&header.as_str()) {
                problems.add_with_fix(&path, "the hub sets this header itself", "leave it out");
                continue;
            }
            let Ok(mut content) = HeaderValue::from_str(value.expose()) else {
                problems.add(&path, "a value is printable ASCII in one line");
                continue;
            };
            content.set_sensitive(true);
            if headers.insert(header, content).is_some() {
                problems.add(&path, "this header is there twice");
            }
        }
        headers
    }
}

#[cfg(test)]
mod tests;
