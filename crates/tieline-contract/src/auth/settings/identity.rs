//! Who a caller is: the schemes whose proof stands in the head of a request, or below it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// HTTP Basic. The password is the connector's secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BasicSettings {
    /// The user name that callers must give.
    pub user: String,
}

/// Which tokens are good. The keys stand at `jwks_url` or in `jwks`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JwtSettings {
    /// Who must have issued the token: its `iss`, exactly.
    pub issuer: String,
    /// For whom the token must be: its `aud`, or one of them.
    pub audience: String,
    /// Where the issuer publishes its keys (a JWK set). They are read again every ten minutes, and
    /// when a token names a key that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "uri"))]
    pub jwks_url: Option<String>,
    /// The issuer's keys themselves, as a JWK set: for an issuer that the hub cannot reach.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Map<String, Value>>,
    /// The signature algorithms that a token may have.
    #[serde(default = "algorithms")]
    pub algorithms: Vec<JwtAlgorithm>,
    /// What else a token must say: claims with their exact texts, such as `sub: billing`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub claims: BTreeMap<String, String>,
}

/// How a token may be signed. There is none without a public key: no `none`, and no HMAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum JwtAlgorithm {
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    EdDSA,
}

/// Whose certificates may call. The listener verifies the chain: see `tls.client_certificates`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MtlsSettings {
    /// Names of certificates, one of which must be among the subject alternative names: a DNS name
    /// or a URI, such as `spiffe://example.com/billing`.
    #[serde(default)]
    pub names: Vec<String>,
    /// SHA-256 fingerprints of certificates, in hex.
    #[serde(default)]
    pub fingerprints: Vec<String>,
}

fn algorithms() -> Vec<JwtAlgorithm> {
    vec![
        JwtAlgorithm::RS256,
        JwtAlgorithm::ES256,
        JwtAlgorithm::EdDSA,
    ]
}
