//! What a person writes about authentication: `auth` of an endpoint's settings, and what stands
//! beside it for single schemes.

mod identity;
mod signing;

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{SeqAccessDeserializer, StrDeserializer};
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::Problems;

pub use identity::{BasicSettings, JwtAlgorithm, JwtSettings, MtlsSettings};
pub use signing::{
    EcdsaFormat, EcdsaSettings, Ed25519Settings, HmacAlgorithm, HmacSettings, SignatureEncoding,
    StandardWebhooksSettings,
};

/// One way for a caller to prove who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AuthScheme {
    /// The connector's secret, in a header.
    Secret,
    /// A signature as <https://www.standardwebhooks.com> says.
    StandardWebhooks,
    /// A signature as `hmac` says.
    Hmac,
    /// A signature as `ed25519` says.
    Ed25519,
    /// A signature as `ecdsa` says.
    Ecdsa,
    /// The connector's secret as the password of HTTP Basic, with the user name of `basic`.
    Basic,
    /// The connector's secret in `Authorization: Bearer`, and nowhere else.
    Bearer,
    /// A token in `Authorization: Bearer`, as `jwt` says.
    Jwt,
    /// A client certificate, as `mtls` says.
    Mtls,
    /// Anyone may call.
    None,
}

impl AuthScheme {
    const NAMES: [&'static str; 10] = [
        "secret",
        "standard-webhooks",
        "hmac",
        "ed25519",
        "ecdsa",
        "basic",
        "bearer",
        "jwt",
        "mtls",
        "none",
    ];
}

/// One scheme or a list of them: any one suffices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct AuthSettings(Vec<AuthScheme>);

impl AuthSettings {
    pub fn new(schemes: Vec<AuthScheme>) -> Self {
        Self(schemes)
    }

    pub fn schemes(&self) -> &[AuthScheme] {
        &self.0
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        if self.0.is_empty() {
            let fix = "write `none` for an endpoint that anyone may call";
            problems.add_with_fix("auth", "is an empty list", fix);
        }
        if self.0.contains(&AuthScheme::None) && self.0.len() > 1 {
            let fix = "remove it, or write `auth: none` to let anyone call";
            problems.add_with_fix("auth", "`none` does not go with another scheme", fix);
        }
        let repeated = |at: usize| {
            self.0
                .iter()
                .take(at)
                .any(|one| Some(one) == self.0.get(at))
        };
        for at in (0..self.0.len()).filter(|at| repeated(*at)) {
            let path = format!("auth[{at}]");
            problems.add_with_fix(&path, "stands in the list already", "remove it");
        }
    }
}

impl Default for AuthSettings {
    fn default() -> Self {
        Self(vec![AuthScheme::Secret, AuthScheme::StandardWebhooks])
    }
}

impl<'de> Deserialize<'de> for AuthSettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrMany)
    }
}

struct OneOrMany;

impl<'de> de::Visitor<'de> for OneOrMany {
    type Value = AuthSettings;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "one of `{}`, or a list", AuthScheme::NAMES.join("`, `"))
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<AuthSettings, E> {
        let scheme = AuthScheme::deserialize(StrDeserializer::new(name))?;
        Ok(AuthSettings(vec![scheme]))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, list: A) -> Result<AuthSettings, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list)).map(AuthSettings)
    }
}

impl JsonSchema for AuthSettings {
    fn schema_name() -> Cow<'static, str> {
        "Auth".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names = AuthScheme::NAMES;
        json_schema!({
            "oneOf": [
                { "type": "string", "enum": names },
                {
                    "type": "array",
                    "items": { "type": "string", "enum": names },
                    "minItems": 1,
                    "uniqueItems": true,
                },
            ],
        })
    }

    fn inline_schema() -> bool {
        true
    }
}
