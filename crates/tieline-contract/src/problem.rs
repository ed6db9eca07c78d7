//! Problem: what the hub says about a bad request (RFC 9457), with a stable code.

use std::time::Duration;

use http::StatusCode;

/// Every code that the hub can answer with. Codes are stable; each has a page in the docs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    BadRequest,
    Conflict,
    ConnectorPaused,
    Damaged,
    Erased,
    ForbiddenScope,
    IdempotencyConflict,
    Internal,
    InvalidCloudEvent,
    InvalidCursor,
    InvalidForm,
    InvalidJson,
    InvalidSettings,
    KeysUnavailable,
    ManagedByFile,
    MethodNotAllowed,
    NotFound,
    Overloaded,
    PartNotAllowed,
    PartTooLarge,
    PayloadTooLarge,
    RateLimited,
    RequestTimeout,
    SessionBusy,
    StoreUnavailable,
    TooDeep,
    TooManyFailures,
    TooManyParts,
    Unauthorized,
    UnsupportedEncoding,
    UnsupportedMediaType,
}

impl Code {
    pub const ALL: [Self; 31] = [
        Self::BadRequest,
        Self::Conflict,
        Self::ConnectorPaused,
        Self::Damaged,
        Self::Erased,
        Self::ForbiddenScope,
        Self::IdempotencyConflict,
        Self::Internal,
        Self::InvalidCloudEvent,
        Self::InvalidCursor,
        Self::InvalidForm,
        Self::InvalidJson,
        Self::InvalidSettings,
        Self::KeysUnavailable,
        Self::ManagedByFile,
        Self::MethodNotAllowed,
        Self::NotFound,
        Self::Overloaded,
        Self::PartNotAllowed,
        Self::PartTooLarge,
        Self::PayloadTooLarge,
        Self::RateLimited,
        Self::RequestTimeout,
        Self::SessionBusy,
        Self::StoreUnavailable,
        Self::TooDeep,
        Self::TooManyFailures,
        Self::TooManyParts,
        Self::Unauthorized,
        Self::UnsupportedEncoding,
        Self::UnsupportedMediaType,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadRequest => "bad-request",
            Self::Conflict => "conflict",
            Self::ConnectorPaused => "connector-paused",
            Self::Damaged => "damaged",
            Self::Erased => "erased",
            Self::ForbiddenScope => "forbidden-scope",
            Self::IdempotencyConflict => "idempotency-conflict",
            Self::Internal => "internal",
            Self::InvalidCloudEvent => "invalid-cloudevent",
            Self::InvalidCursor => "invalid-cursor",
            Self::InvalidForm => "invalid-form",
            Self::InvalidJson => "invalid-json",
            Self::InvalidSettings => "invalid-settings",
            Self::KeysUnavailable => "keys-unavailable",
            Self::ManagedByFile => "managed-by-file",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::NotFound => "not-found",
            Self::Overloaded => "overloaded",
            Self::PartNotAllowed => "part-not-allowed",
            Self::PartTooLarge => "part-too-large",
            Self::PayloadTooLarge => "payload-too-large",
            Self::RateLimited => "rate-limited",
            Self::RequestTimeout => "request-timeout",
            Self::SessionBusy => "session-busy",
            Self::StoreUnavailable => "store-unavailable",
            Self::TooDeep => "too-deep",
            Self::TooManyFailures => "too-many-failures",
            Self::TooManyParts => "too-many-parts",
            Self::Unauthorized => "unauthorized",
            Self::UnsupportedEncoding => "unsupported-encoding",
            Self::UnsupportedMediaType => "unsupported-media-type",
        }
    }

    pub const fn status(self) -> StatusCode {
        match self {
            Self::BadRequest
            | Self::InvalidCloudEvent
            | Self::InvalidCursor
            | Self::InvalidForm
            | Self::InvalidJson
            | Self::TooDeep => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::ForbiddenScope => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::Conflict | Self::ManagedByFile | Self::SessionBusy => StatusCode::CONFLICT,
            Self::Erased => StatusCode::GONE,
            Self::PartTooLarge | Self::PayloadTooLarge | Self::TooManyParts => {
                StatusCode::PAYLOAD_TOO_LARGE
            }
            Self::PartNotAllowed | Self::UnsupportedEncoding | Self::UnsupportedMediaType => {
                StatusCode::UNSUPPORTED_MEDIA_TYPE
            }
            Self::IdempotencyConflict | Self::InvalidSettings => StatusCode::UNPROCESSABLE_ENTITY,
            Self::RateLimited | Self::TooManyFailures => StatusCode::TOO_MANY_REQUESTS,
            Self::Damaged | Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::ConnectorPaused
            | Self::KeysUnavailable
            | Self::Overloaded
            | Self::StoreUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The same for every problem of this code.
    pub const fn title(self) -> &'static str {
        match self {
            Self::BadRequest => "The request cannot be read",
            Self::Conflict => "The state of the resource does not allow this",
            Self::ConnectorPaused => "The connector is paused",
            Self::Damaged => "What was stored is damaged",
            Self::Erased => "What was stored has been erased",
            Self::ForbiddenScope => "The key does not allow this",
            Self::IdempotencyConflict => "The same key came before with another body",
            Self::Internal => "The hub failed",
            Self::InvalidCloudEvent => "The CloudEvent is not valid",
            Self::InvalidCursor => "The cursor is not one of this list",
            Self::InvalidForm => "The form cannot be read",
            Self::InvalidJson => "The body is not valid JSON",
            Self::InvalidSettings => "Settings are not valid",
            Self::KeysUnavailable => "The issuer's keys cannot be had for now",
            Self::ManagedByFile => "A configuration file manages this",
            Self::MethodNotAllowed => "The method is not allowed here",
            Self::NotFound => "There is no such thing",
            Self::Overloaded => "The hub takes no more for now",
            Self::PartNotAllowed => "A part is not allowed",
            Self::PartTooLarge => "A part is too large",
            Self::PayloadTooLarge => "The request is too large",
            Self::RateLimited => "The connector takes no more for now",
            Self::RequestTimeout => "The request did not arrive in time",
            Self::SessionBusy => "The session has a run already",
            Self::StoreUnavailable => "The hub cannot store anything for now",
            Self::TooDeep => "The JSON is nested too deeply",
            Self::TooManyFailures => "Too many requests came without valid credentials",
            Self::TooManyParts => "The form has too many parts",
            Self::Unauthorized => "The credentials are missing or wrong",
            Self::UnsupportedEncoding => "The content encoding is not supported",
            Self::UnsupportedMediaType => "The content type is not supported",
        }
    }
}

/// A refusal, ready to be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub code: Code,
    /// What is wrong with this request, and what to do: one or two sentences.
    pub detail: String,
    /// When trying again may help.
    pub retry_after: Option<Duration>,
    /// For `invalid-settings`: each field that is wrong.
    pub fields: Vec<crate::FieldProblem>,
}

impl Problem {
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            retry_after: None,
            fields: Vec::new(),
        }
    }

    #[must_use]
    pub const fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }
}

impl From<crate::Problems> for Problem {
    fn from(problems: crate::Problems) -> Self {
        let mut problem = Self::new(Code::InvalidSettings, problems.to_string());
        problem.fields = problems.into_vec();
        problem
    }
}
