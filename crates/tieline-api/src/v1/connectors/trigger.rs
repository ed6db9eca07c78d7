//! One event for a connector, sent by the hub itself on behalf of a holder of a key.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::Uri;
use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName};
use tieline_model::Name;

use crate::address::Place;
use crate::api::Shared;
use crate::auth::Caller;
use crate::ingress::{Proof, take};
use crate::problem::Failure;
use crate::v1::extract::Of;

/// What is passed on of the request: nothing that says who sent it, or that could be a signature.
const PASSED_ON: [HeaderName; 7] = [
    ACCEPT,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("last-event-id"),
    HeaderName::from_static("prefer"),
];

/// Sends an event to a connector
///
/// The body and its content type are the event's own. The answer is the connector's own.
#[utoipa::path(
    post,
    path = "/v1/connectors/{name}/trigger",
    tag = "connectors",
    params(("name" = String, Path, description = "The connector's name")),
    request_body(content = Option<serde_json::Value>, description = "Whatever the connector takes", content_type = "*/*"),
    responses(
        (status = 200, description = "Results of a connector in sync mode", content_type = "application/json"),
        (status = 202, description = "The event is stored", content_type = "application/json"),
        (status = 424, description = "A run of a connector in sync mode failed", content_type = "application/json"),
    )
)]
pub(crate) async fn trigger_connector(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Of(name): Of<Name>,
    mut request: Request,
) -> Response {
    let live = shared
        .hub
        .catalog()
        .connector(caller.project, &name)
        .cloned();
    let place = live.ok_or_else(Failure::not_found);
    let place = match place.and_then(|live| Place::of(&shared.hub, live)) {
        Ok(place) => place,
        Err(failure) => return failure.into_response(),
    };
    let headers = std::mem::take(request.headers_mut());
    let mut last = None;
    let kept = headers.into_iter().filter(|(name, _)| {
        // A header's further values come without its name.
        if name.is_some() {
            last.clone_from(name);
        }
        last.as_ref().is_some_and(|name| PASSED_ON.contains(name))
    });
    request.headers_mut().extend(kept);
    *request.uri_mut() = Uri::from_static("/");
    take(&shared, &place, request, Proof::Key(caller.key)).await
}
