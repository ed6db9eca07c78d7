//! What handlers take from a request. What cannot be read is a problem, like any other.

use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Query, RawPathParams, Request};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http_body::Body as _;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tieline_contract::Code;

use crate::api::Shared;
use crate::auth::Caller;
use crate::body::{self, Sender};
use crate::ingress::{is_plain, once};
use crate::limits::MANAGEMENT_BODY;
use crate::problem::Failure;
use crate::v1::many::fields;

/// The one part of the path that is not fixed; what cannot be read as it is not there.
pub(super) struct Of<T>(pub(super) T);

impl<T: FromStr, S: Send + Sync> FromRequestParts<S> for Of<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let params = RawPathParams::from_request_parts(parts, state).await;
        let params = params.map_err(|_| Failure::not_found())?;
        let (_, text) = params.iter().next().ok_or_else(Failure::not_found)?;
        text.parse().map(Self).map_err(|_| Failure::not_found())
    }
}

/// The query; parameters that are not known are refused.
pub(super) struct Asked<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        match Query::from_request_parts(parts, state).await {
            Ok(Query(asked)) => Ok(Self(asked)),
            Err(error) => {
                let detail = format!("The query cannot be read: {}.", error.body_text());
                Err(Failure::new(Code::BadRequest, detail))
            }
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        parts
            .extensions
            .get()
            .cloned()
            .ok_or_else(Failure::unauthorized)
    }
}

/// A JSON object that is at most [`MANAGEMENT_BODY`] long.
pub(super) struct Written(pub(super) Value);

impl FromRequest<Arc<Shared>> for Written {
    type Rejection = Failure;

    async fn from_request(request: Request, shared: &Arc<Shared>) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        once(&parts.headers, &CONTENT_TYPE)?;
        if !is_json(&parts) {
            let detail = "Send JSON, with `Content-Type: application/json`.";
            return Err(Failure::new(Code::UnsupportedMediaType, detail));
        }
        if !is_plain(&parts.headers) {
            let detail = "Send the body as it is, without `Content-Encoding`.";
            return Err(Failure::new(Code::UnsupportedEncoding, detail));
        }
        let closing = |problem| Failure::from(problem).closing(parts.version);
        body::check_declared(&body, MANAGEMENT_BODY).map_err(closing)?;
        let held = shared.budget.hold(Sender::Proven);
        let whole = body::read(body, MANAGEMENT_BODY, held, |_| {}).await;
        let whole = whole.map_err(closing)?;
        // The key may have been revoked while the body came.
        let caller = parts.extensions.get::<Caller>();
        if caller.is_some_and(|caller| !caller.key.is_good(shared.hub.latest())) {
            return Err(Failure::unauthorized());
        }
        let text = body::json_text(&whole.bytes)?;
        let value = serde_json::from_str(text).map_err(|error| body::bad_json(&error))?;
        Ok(Self(value))
    }
}

/// The fields of a JSON object, or their defaults where nothing or `null` was sent.
pub(super) struct Maybe<T>(pub(super) T);

impl<T: DeserializeOwned + Default> FromRequest<Arc<Shared>> for Maybe<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, shared: &Arc<Shared>) -> Result<Self, Failure> {
        if request.body().is_end_stream() && !request.headers().contains_key(CONTENT_TYPE) {
            return Ok(Self(T::default()));
        }
        match Written::from_request(request, shared).await? {
            Written(Value::Null) => Ok(Self(T::default())),
            Written(body) => fields(body).map(Self),
        }
    }
}

fn is_json(parts: &Parts) -> bool {
    let Some(value) = parts.headers.get(CONTENT_TYPE) else {
        return false;
    };
    let media = value.to_str().unwrap_or_default().split(';').next();
    media.is_some_and(|media| media.trim().eq_ignore_ascii_case("application/json"))
}
