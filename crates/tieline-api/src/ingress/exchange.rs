//! Sync: the same request returns the results, or where they can be read later.

use std::sync::Arc;

use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use tieline_contract::{Code, Problem};
use tieline_engine::{Accepted, Metrics, Waiting};
use tieline_model::{Run, RunId, RunState};

use super::answer::{is_false, json, location};
use super::wishes::PREFERENCE_APPLIED;
use super::{Arrived, Start, Wishes, answer, follow};
use crate::address::Place;
use crate::api::Shared;
use crate::problem::Failure;
use crate::view::{ResultView, Seen};

/// All runs have ended.
#[derive(Serialize)]
struct Ended<'a> {
    status: &'static str,
    /// The first in link order.
    result: Option<&'a ResultView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    results: Option<&'a [ResultView<'a>]>,
    #[serde(skip_serializing_if = "is_false")]
    filtered: bool,
    #[serde(skip_serializing_if = "is_false")]
    duplicate: bool,
}

/// The wait is over before the runs are.
#[derive(Serialize)]
struct Pending<'a> {
    status: &'static str,
    run_ids: &'a [RunId],
    /// Those that have ended.
    results: &'a [ResultView<'a>],
    status_url: &'a str,
    #[serde(skip_serializing_if = "is_false")]
    duplicate: bool,
}

/// Counts a caller that waits, for as long as it does.
pub(super) struct Counted(Arc<tieline_engine::Hub>);

impl Counted {
    pub(super) fn new(hub: &Arc<tieline_engine::Hub>) -> Self {
        hub.metrics().sync_waiting.inc();
        Self(Arc::clone(hub))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let metrics: &Metrics = self.0.metrics();
        metrics.sync_waiting.dec();
    }
}

/// Stores what arrived and waits for its runs.
pub(super) async fn answer(
    shared: &Shared,
    place: &Place,
    arrived: Arrived,
    wishes: Wishes,
) -> Result<Response, Failure> {
    if arrived.incoming.batch || arrived.incoming.events.len() != 1 {
        let detail = "This connector answers one event at a time. Send each in its own request.";
        return Err(Problem::new(Code::UnsupportedMediaType, detail).into());
    }
    if wishes.respond_async {
        let mut response = Box::pin(answer::queued(shared, place, arrived)).await?;
        let applied = http::HeaderValue::from_static("respond-async");
        response.headers_mut().insert(PREFERENCE_APPLIED, applied);
        return Ok(response);
    }
    let (wait, applied) = wishes.wait(place.endpoint().rules().wait);
    let deadline = shared.hub.wait_until(wait);
    let Arrived {
        incoming,
        arrival,
        held,
        warrant,
    } = arrived;
    let event = incoming.events.into_iter().next();
    let event = event.expect("there is one event");
    let hub = &shared.hub;
    // Apart, as is all that a caller who waits has no more need of.
    let accepting = Box::pin(hub.accept_and_wait(&place.connector, arrival, event));
    let (accepted, waiting) = accepting.await?;
    drop(held);
    let counted = Counted::new(hub);
    let mut response = if let Some(warrant) = warrant {
        let start = Start {
            after: wishes.after,
            deadline,
            warrant,
        };
        Box::pin(follow(shared, place, waiting, start)).await?
    } else {
        let runs = waited(shared, waiting, deadline).await;
        drop(counted);
        ended(shared, place, &accepted, &runs)
    };
    let applied = applied.map(|value| (PREFERENCE_APPLIED, value));
    response.headers_mut().extend(applied);
    Ok(response)
}

async fn waited(
    shared: &Shared,
    waiting: Waiting,
    deadline: tokio::time::Instant,
) -> Vec<Option<Arc<Run>>> {
    waiting.until_or(deadline, &shared.waits_over).await
}

fn ended(
    shared: &Shared,
    place: &Place,
    accepted: &Accepted,
    runs: &[Option<Arc<Run>>],
) -> Response {
    let catalog = shared.hub.catalog();
    let seen = Seen {
        catalog: &catalog,
        errors: place.endpoint().rules().errors,
    };
    let results: Vec<_> = runs.iter().flatten().map(|run| seen.result(run)).collect();
    if results.len() < runs.len() {
        let address = place.event(accepted.event_id).to_string();
        let pending = Pending {
            status: "pending",
            run_ids: &accepted.run_ids,
            results: &results,
            status_url: &address,
            duplicate: accepted.duplicate,
        };
        let mut response = json(StatusCode::ACCEPTED, &pending);
        response.headers_mut().extend(location(address));
        return response;
    }
    let several = place.connector.row.links.len() > 1 || runs.len() != 1;
    let good = |run: &Arc<Run>| run.state == RunState::Completed;
    let all_good = runs.iter().flatten().all(good);
    let ended = Ended {
        status: if all_good { "ok" } else { "error" },
        result: results.first(),
        results: several.then_some(&results),
        filtered: accepted.filtered,
        duplicate: accepted.duplicate,
    };
    // Proxies replace the bodies of 502 and 504; they leave this one alone.
    let status = if all_good {
        StatusCode::OK
    } else {
        StatusCode::FAILED_DEPENDENCY
    };
    json(status, &ended)
}
