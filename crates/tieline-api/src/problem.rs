//! A problem as an answer: `application/problem+json` (RFC 9457).

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Uri, Version};
use serde::Serialize;
use tieline_contract::{Code, FieldProblem, Problem};
use tieline_engine::EngineError;
use tieline_store::StoreError;
use utoipa::ToSchema;

/// The media type of problems.
pub(crate) const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");

/// What is wrong with a request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody<'a> {
    /// `urn:tieline:problem:` and the code.
    #[serde(rename = "type")]
    kind: String,
    title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// Stable; each has a page in the documentation.
    code: &'a str,
    /// What is wrong with this request, and what to do.
    detail: &'a str,
    /// For `invalid-settings`: each field that is wrong.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<FieldBody>)]
    errors: &'a [FieldProblem],
}

/// One field that is wrong.
#[derive(Debug, ToSchema)]
#[schema(as = FieldProblem)]
#[expect(dead_code, reason = "it states the schema of a type of another crate")]
pub(crate) struct FieldBody {
    path: String,
    message: String,
    fix: Option<String>,
}

/// A problem on its way to the caller.
#[derive(Debug)]
pub(crate) struct Failure {
    problem: Box<Problem>,
    /// Under `/c/` the body leaves the status out.
    with_status: bool,
    allow: Option<HeaderValue>,
    close: bool,
    hang_up: bool,
}

/// With an answer: its connection is of no more use, whatever it speaks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HangUp;

impl Failure {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Problem::new(code, detail).into()
    }

    pub(crate) fn not_found() -> Self {
        EngineError::NotFound.into()
    }

    /// The one answer to whoever could not prove who they are, whatever the reason.
    pub(crate) fn unauthorized() -> Self {
        Self::new(
            Code::Unauthorized,
            "Send valid credentials with the request.",
        )
    }

    /// As it is said under `/c/`.
    #[must_use]
    pub(crate) fn for_sender(mut self) -> Self {
        self.with_status = false;
        self
    }

    /// Names the methods that there are.
    #[must_use]
    pub(crate) fn allowing(mut self, allow: HeaderValue) -> Self {
        self.allow = Some(allow);
        self
    }

    /// Ends the connection, because the rest of the request is not read.
    #[must_use]
    pub(crate) fn closing(mut self, version: Version) -> Self {
        self.close = version <= Version::HTTP_11;
        self
    }

    /// Ends the connection, of whose requests nothing good is to be expected.
    #[must_use]
    pub(crate) fn hanging_up(mut self) -> Self {
        self.hang_up = true;
        self
    }

    pub(crate) fn problem(&self) -> &Problem {
        &self.problem
    }

    pub(crate) fn map(mut self, change: impl FnOnce(&mut Problem)) -> Self {
        change(&mut self.problem);
        self
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self {
            problem: Box::new(problem),
            with_status: true,
            allow: None,
            close: false,
            hang_up: false,
        }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        Problem::from(error).into()
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        EngineError::Store(error).into()
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Self {
            problem,
            with_status,
            allow,
            close,
            hang_up,
        } = self;
        let code = problem.code;
        let body = ProblemBody {
            kind: format!("urn:tieline:problem:{}", code.as_str()),
            title: code.title(),
            status: with_status.then_some(code.status().as_u16()),
            code: code.as_str(),
            detail: &problem.detail,
            errors: &problem.fields,
        };
        let body = serde_json::to_vec(&body).expect("texts and numbers are JSON");
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = code.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, MEDIA_TYPE);
        if code == Code::Unauthorized {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(wait) = problem.retry_after {
            let seconds = wait.as_millis().div_ceil(1000).max(1);
            let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(allow) = allow {
            headers.insert(ALLOW, allow);
        }
        if close {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if hang_up {
            response.extensions_mut().insert(HangUp);
        }
        response
    }
}

/// For addresses that there are not.
pub(crate) async fn unknown_path(uri: Uri) -> Failure {
    let failure = Failure::new(Code::NotFound, "Nothing has this address.");
    for_reader_of(&uri, failure)
}

/// For addresses that there are, with another method. The router names the methods.
pub(crate) async fn unknown_method(uri: Uri) -> Failure {
    let detail = "Use one of the methods that `Allow` names.";
    for_reader_of(&uri, Failure::new(Code::MethodNotAllowed, detail))
}

fn for_reader_of(uri: &Uri, failure: Failure) -> Failure {
    if is_of_connectors(uri) {
        failure.for_sender()
    } else {
        failure
    }
}

/// Whether an address is one of those below which connectors are called.
pub(crate) fn is_of_connectors(uri: &Uri) -> bool {
    uri.path().starts_with("/c/") || uri.path().starts_with("/p/")
}

#[cfg(test)]
mod tests;
