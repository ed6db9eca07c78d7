//! The settings of an endpoint: inbound and sync.

use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tieline_contract::auth::{
    AuthSettings, BasicSettings, EcdsaSettings, Ed25519Settings, HmacSettings, JwtSettings,
    MtlsSettings, StandardWebhooksSettings,
};
use tieline_contract::endpoint::{ErrorDetail, ReadAccess};
use tieline_contract::{Problems, Settings};
use tieline_model::quantity::ByteSize;

use super::wait::{Waiting, drop_impossible};

/// Bodies are held in memory until they are stored.
const LARGEST_BODY: u64 = 128 << 20;
/// Most parts that a person may allow.
const MOST_PARTS: u32 = 1000;

/// How requests are received.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, bound = "")]
#[schemars(transform = drop_impossible)]
pub(in crate::webhook) struct ReceiveSettings<W: Waiting> {
    /// How callers prove who they are: one way, or a list of them of which any one suffices. `none`
    /// lets anyone call.
    #[serde(default)]
    pub auth: AuthSettings,
    /// The networks that callers may come from, such as `203.0.113.0/24`. They have to prove who
    /// they are all the same. Behind a proxy, that has to be among `trusted_proxies`.
    #[serde(default)]
    pub allow_from: Option<Vec<String>>,
    /// The sender's public keys, for `auth: standard-webhooks`.
    #[serde(default)]
    pub standard_webhooks: Option<StandardWebhooksSettings>,
    /// How the sender signs, for `auth: hmac`.
    #[serde(default)]
    pub hmac: Option<HmacSettings>,
    /// How the sender signs, for `auth: ed25519`.
    #[serde(default)]
    pub ed25519: Option<Ed25519Settings>,
    /// How the sender signs, for `auth: ecdsa`.
    #[serde(default)]
    pub ecdsa: Option<EcdsaSettings>,
    /// Who calls, for `auth: basic`.
    #[serde(default)]
    pub basic: Option<BasicSettings>,
    /// Which tokens are good, for `auth: jwt`.
    #[serde(default)]
    pub jwt: Option<JwtSettings>,
    /// Whose certificates are good, for `auth: mtls`.
    #[serde(default)]
    pub mtls: Option<MtlsSettings>,
    /// Takes the secret from `?secret=` too. URLs end up in logs: only for senders that cannot set
    /// a header.
    #[serde(default)]
    pub secret_in_query: bool,
    /// The HTTP methods that are answered.
    #[serde(default = "methods")]
    pub methods: Vec<MethodName>,
    /// The largest request body.
    #[serde(default = "max_body")]
    pub max_body: ByteSize,
    /// How many parts a multipart form may have, from 1 to 1000.
    #[serde(default = "max_parts")]
    pub max_parts: u32,
    /// The largest single file, be it a part of a form or a whole body. Without it, `max_body`
    /// alone counts.
    #[serde(default)]
    pub max_file: Option<ByteSize>,
    /// The content types that files may have, such as `application/pdf` or `image/*`. Empty for
    /// all.
    #[serde(default)]
    pub file_types: Vec<String>,
    /// A CEL expression over `input` and `event` whose value is the dedupe key of requests that
    /// carry none. Where a signature covers no message id, it stands in for the signed content.
    #[serde(default)]
    pub dedupe: Option<String>,
    /// Who may read results under the connector's own address.
    #[serde(default)]
    pub read: ReadAccess,
    /// How much of a failed run's error callers see.
    #[serde(default)]
    pub errors: ErrorDetail,
    /// How long a caller waits for the result before the answer is `202` and the run goes on.
    #[serde(default)]
    pub timeout: W,
}

/// A method that may carry an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(in crate::webhook) enum MethodName {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl From<MethodName> for Method {
    fn from(name: MethodName) -> Self {
        match name {
            MethodName::Get => Self::GET,
            MethodName::Post => Self::POST,
            MethodName::Put => Self::PUT,
            MethodName::Patch => Self::PATCH,
            MethodName::Delete => Self::DELETE,
        }
    }
}

impl<W: Waiting> Settings for ReceiveSettings<W> {
    fn check(&self, problems: &mut Problems) {
        if self.methods.is_empty() {
            problems.add_with_fix("methods", "is an empty list", "name at least one method");
        }
        check_size("max_body", Some(self.max_body), problems);
        check_size("max_file", self.max_file, problems);
        if !(1..=MOST_PARTS).contains(&self.max_parts) {
            problems.add_with_fix("max_parts", "is out of range", "write 1 to 1000");
        }
        for (at, pattern) in self.file_types.iter().enumerate() {
            if !is_type_pattern(pattern) {
                let fix = "write it as `application/pdf` or `image/*`, in lower case";
                let path = format!("file_types[{at}]");
                problems.add_with_fix(&path, "is not a content type", fix);
            }
        }
        let blank = |text: &String| text.trim().is_empty();
        if self.dedupe.as_ref().is_some_and(blank) {
            problems.add_with_fix("dedupe", "is empty", "write an expression, or remove this");
        }
        self.timeout.check(problems);
    }
}

fn check_size(path: &str, size: Option<ByteSize>, problems: &mut Problems) {
    if size.is_some_and(|size| !(1..=LARGEST_BODY).contains(&size.0)) {
        problems.add_with_fix(path, "is out of range", "write `1B` to `128MiB`");
    }
}

fn is_type_pattern(pattern: &str) -> bool {
    let token = |text: &str| {
        let ok = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"!#$&-^_.+".contains(&b);
        !text.is_empty() && text.bytes().all(ok)
    };
    pattern
        .split_once('/')
        .is_some_and(|(kind, subtype)| token(kind) && (subtype == "*" || token(subtype)))
}

fn methods() -> Vec<MethodName> {
    vec![MethodName::Get, MethodName::Post]
}

fn max_body() -> ByteSize {
    ByteSize(10 << 20)
}

fn max_parts() -> u32 {
    100
}
