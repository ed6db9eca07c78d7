//! Whether the hub lives, whether it can store, and what it counts. None needs a key.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use tieline_contract::Code;
use tokio::time::timeout;

use crate::api::Shared;
use crate::limits::{PROBE, RETRY_AFTER};
use crate::problem::Failure;

/// `GET /livez`: the process answers.
pub(crate) async fn alive() -> Response {
    text("text/plain; charset=utf-8", "ok\n".to_owned())
}

/// `GET /readyz`: events can be accepted now.
pub(crate) async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    let refuse = |detail: &str| {
        let failure = Failure::new(Code::StoreUnavailable, detail);
        let failure = failure.map(|problem| problem.retry_after = Some(RETRY_AFTER));
        failure.into_response()
    };
    if shared.hub.is_stopping() {
        return refuse("The hub is shutting down.");
    }
    match timeout(PROBE, shared.hub.store().probe()).await {
        Ok(Ok(())) => text("text/plain; charset=utf-8", "ok\n".to_owned()),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the store cannot commit");
            refuse("The store cannot commit now.")
        }
        Err(_) => refuse("The store takes too long to commit."),
    }
}

/// `GET /metrics`: for Prometheus.
pub(crate) async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    text(kind, shared.hub.metrics().render())
}

fn text(kind: &'static str, body: String) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
