//! Endpoint: a connector's role that is called over HTTP.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tieline_model::{DatedSecret, Mode, Name, Timestamp, Trust};

use crate::auth::{Authenticator, Signed};
use crate::{Problem, Problems, Settings};

/// Receives events by being called over HTTP. Pure: no I/O and no clock.
///
/// The ingress checks the head by [`Endpoint::rules`], streams the body through the
/// authenticator into a bounded place, and only then calls [`Endpoint::receive`].
pub trait Endpoint: Sized + Send + Sync + 'static {
    type Settings: Settings;

    /// Reads the settings once; what is wrong with them comes back field by field.
    fn open(settings: Self::Settings, context: &EndpointContext) -> Result<Self, Problems>;

    /// What the ingress enforces before `receive` is called.
    fn rules(&self) -> &EndpointRules;

    /// Reads a verified request: its events, or why there are none.
    fn receive(&self, request: &Verified) -> Result<Incoming, Problem>;
}

/// What an endpoint is opened with beside its settings.
#[derive(Debug)]
pub struct EndpointContext {
    pub connector: Name,
    pub mode: Mode,
    /// Newest first; each request is judged by those that are good when it comes.
    pub secrets: Vec<DatedSecret>,
}

/// What holds for every request to one connector's address.
#[derive(Debug)]
pub struct EndpointRules {
    pub methods: Vec<Method>,
    /// Bytes of the whole request body.
    pub max_body: u64,
    pub auth: Authenticator,
    /// How long a caller in sync mode waits.
    pub wait: Duration,
    pub read: ReadAccess,
    pub errors: ErrorDetail,
    /// A CEL expression whose value is the dedupe key where the request carries none.
    pub dedupe: Option<String>,
}

/// Who may read results under the connector's own address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReadAccess {
    /// Whoever knows the connector's secret.
    #[default]
    OwnSecret,
    /// Only holders of an API key.
    Key,
    /// Nobody.
    Off,
}

/// How much of a failed run's error callers see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorDetail {
    /// Code and message.
    #[default]
    Full,
    /// The code alone.
    Code,
}

/// A request whose sender is known and whose body is whole and within its bound.
#[derive(Clone, Debug)]
pub struct Verified {
    pub method: Method,
    /// Without a `secret` parameter.
    pub query: String,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub received_at: Timestamp,
    pub trust: Trust,
    /// What the sender's signature vouches for beside the body, where there is one. Without it,
    /// nothing but the trust is known of the headers.
    pub signed: Option<Signed>,
}

/// What a request brought.
#[derive(Clone, Debug)]
pub struct Incoming {
    pub events: Vec<IncomingEvent>,
    /// Whether the sender batched events, and so expects an answer per event.
    pub batch: bool,
}

/// One event, before the hub has given it an id.
#[derive(Clone, Debug)]
pub struct IncomingEvent {
    /// JSON text, at most 64 levels deep.
    pub input: Bytes,
    /// What agents see beside the input: a JSON object with `headers` and perhaps `cloudevent`.
    pub meta: Bytes,
    pub files: Vec<IncomingFile>,
    /// The sender's own identity of the event, where it carries one.
    pub dedupe: Option<String>,
    /// What was signed, as a key: it stands where an expression was to give one and did not, so that
    /// nobody makes a new event of a signed request by having it read in another way.
    pub signed_key: Option<String>,
    /// SHA-256 of what must be equal when the key comes again: the raw body (GET: the query).
    pub digest: [u8; 32],
}

/// An uploaded file.
#[derive(Clone, Debug)]
pub struct IncomingFile {
    pub field: Option<String>,
    /// A base name for display.
    pub name: Option<String>,
    pub content_type: String,
    pub content: Bytes,
}
