//! Whether the hub lives, whether it can store, and what it counts. None needs a key.
//!
//! A probe is a commit. However many ask, and whoever they are, there is one at a time, and its answer
//! stands for a moment: else strangers could fill the queue of what is to be written.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use tieline_contract::Code;
use tieline_store::Store;
use tokio::time::{Instant, timeout};

use crate::api::Shared;
use crate::limits::{PROBE, PROBE_STANDS, RETRY_AFTER};
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
    // To its end also where the caller goes away: else each of those would leave one behind.
    let asked = Arc::clone(&shared);
    let probed = async move { asked.probe.answer(asked.hub.store()).await };
    match shared.hub.finish(probed).await {
        Commits::Now => text("text/plain; charset=utf-8", "ok\n".to_owned()),
        Commits::Not => refuse("The store cannot commit now."),
        Commits::Late => refuse("The store takes too long to commit."),
    }
}

/// How the store answered a probe.
#[derive(Clone, Copy, Debug)]
enum Commits {
    Now,
    Not,
    Late,
}

/// The last probe of the store: when it was answered, and how.
#[derive(Debug, Default)]
pub(crate) struct Probe(tokio::sync::Mutex<Option<(Instant, Commits)>>);

impl Probe {
    async fn answer(&self, store: &dyn Store) -> Commits {
        let mut last = self.0.lock().await;
        if let Some((at, commits)) = *last
            && at.elapsed() < PROBE_STANDS
        {
            return commits;
        }
        let commits = match timeout(PROBE, store.probe()).await {
            Ok(Ok(())) => Commits::Now,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the store cannot commit");
                Commits::Not
            }
            Err(_) => Commits::Late,
        };
        *last = Some((Instant::now(), commits));
        commits
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

#[cfg(test)]
mod tests;
