//! How a sender signs: the schemes in which a header carries a signature over the body.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tieline_model::quantity::Span;

/// What of Standard Webhooks is set; the scheme itself is fixed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StandardWebhooksSettings {
    /// The sender's public keys (`whpk_…`), for signatures of version `v1a`. One of them, or the
    /// connector's `whsec_` secret, must have signed.
    pub public_keys: Vec<String>,
}

/// How a sender signs by HMAC. The key is the connector's secret, the whole string as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HmacSettings {
    /// The header that carries the signature, such as `X-Hub-Signature-256`.
    pub header: String,
    /// The hash function; `sha1` only for senders that know nothing better.
    #[serde(default)]
    pub algorithm: HmacAlgorithm,
    /// How the signature is written.
    #[serde(default)]
    pub encoding: SignatureEncoding,
    /// What stands before the signature in its header, such as `sha256=`.
    #[serde(default)]
    pub prefix: String,
    /// What is signed: text around `{body}`, `{timestamp}` and `{id}`, such as `{timestamp}.{body}`.
    #[serde(default = "body_alone")]
    pub signed_content: String,
    /// The header that carries the signed time, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp_header: Option<String>,
    /// The header that carries the signed message id, which is then the dedupe key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_header: Option<String>,
    /// How far the signed time may lie from now, at the most `24h`; `5m` where a time is signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tolerance: Option<Span>,
}

/// How a sender signs by Ed25519.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ed25519Settings {
    /// The sender's public keys: 32 bytes in hex or base64, or PEM. One of them must have signed.
    pub public_keys: Vec<String>,
    /// The header that carries the signature, such as `X-Signature-Ed25519`.
    pub header: String,
    /// How the signature is written.
    #[serde(default)]
    pub encoding: SignatureEncoding,
    /// What stands before the signature in its header.
    #[serde(default)]
    pub prefix: String,
    /// What is signed: text around `{body}`, `{timestamp}` and `{id}`, such as `{timestamp}{body}`.
    #[serde(default = "body_alone")]
    pub signed_content: String,
    /// The header that carries the signed time, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp_header: Option<String>,
    /// The header that carries the signed message id, which is then the dedupe key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_header: Option<String>,
    /// How far the signed time may lie from now, at the most `24h`; `5m` where a time is signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tolerance: Option<Span>,
}

/// How a sender signs by ECDSA.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EcdsaSettings {
    /// The sender's public keys, as PEM or base64 of DER: P-256, which goes with SHA-256, or P-384,
    /// which goes with SHA-384. One of them must have signed.
    pub public_keys: Vec<String>,
    /// The header that carries the signature.
    pub header: String,
    /// The form of a signature.
    #[serde(default)]
    pub format: EcdsaFormat,
    /// How the signature is written.
    #[serde(default = "base64")]
    pub encoding: SignatureEncoding,
    /// What stands before the signature in its header.
    #[serde(default)]
    pub prefix: String,
    /// What is signed: text around `{body}`, `{timestamp}` and `{id}`, such as `{timestamp}{body}`.
    #[serde(default = "body_alone")]
    pub signed_content: String,
    /// The header that carries the signed time, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp_header: Option<String>,
    /// The header that carries the signed message id, which is then the dedupe key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_header: Option<String>,
    /// How far the signed time may lie from now, at the most `24h`; `5m` where a time is signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tolerance: Option<Span>,
}

/// The hash function under an HMAC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HmacAlgorithm {
    Sha1,
    #[default]
    Sha256,
    Sha512,
}

/// How a signature is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SignatureEncoding {
    #[default]
    Hex,
    Base64,
}

/// The form of an ECDSA signature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EcdsaFormat {
    /// ASN.1, as most libraries write it.
    #[default]
    Der,
    /// Both numbers one after the other, each of the full length (IEEE P1363, JOSE).
    Fixed,
}

fn body_alone() -> String {
    "{body}".to_owned()
}

const fn base64() -> SignatureEncoding {
    SignatureEncoding::Base64
}
