//! Runs, newest first.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;

use crate::api::Shared;
use crate::auth::Caller;
use crate::ingress::json;
use crate::problem::Failure;
use crate::v1::extract::Asked;
use crate::v1::narrow::{OfRuns, Time};
use crate::v1::page::{List, by_id, bytes_of_run, fitting};
use crate::view::{RunView, Seen};

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asking {
    /// How many at the most: 1 to 250, and 50 where it is left out.
    #[param(minimum = 1, maximum = 250)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Only those of this agent.
    agent: Option<String>,
    /// Only those whose event came in by this connector.
    connector: Option<String>,
    /// Only those that stand so.
    status: Option<String>,
    /// Only those of this event.
    event: Option<String>,
    /// Only those that are dead letters, or only those that are not.
    dead_letter: Option<bool>,
    /// Only those queued from then on: a time (RFC 3339), or how long that is ago (`2h`).
    since: Option<String>,
    /// Only those queued before.
    until: Option<String>,
}

/// Lists runs, newest first
#[utoipa::path(
    get,
    path = "/v1/runs",
    tag = "runs",
    params(Asking),
    responses((status = 200, description = "One page", body = List<RunView<'static>>))
)]
pub(crate) async fn list_runs(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Asked(asking): Asked<Asking>,
) -> Result<Response, Failure> {
    let page = by_id(asking.limit, asking.cursor.as_deref())?;
    let catalog = shared.hub.catalog();
    let words = OfRuns {
        agent: asking.agent,
        connector: asking.connector,
        status: asking.status,
        event: asking.event,
        dead_letter: asking.dead_letter,
        time: Time {
            since: asking.since,
            until: asking.until,
        },
    };
    let Some(filter) = words.filter(&shared, &caller)? else {
        return Ok(json(StatusCode::OK, &List::<()>::EMPTY));
    };
    let page = shared
        .hub
        .store()
        .runs(caller.project, filter, page)
        .await?;
    let (runs, next_cursor) = fitting(page, |run| *run.id.as_bytes(), bytes_of_run);
    let seen = Seen::whole(&catalog);
    let list = List {
        data: runs.iter().map(|run| seen.run(run)).collect(),
        next_cursor,
    };
    Ok(json(StatusCode::OK, &list))
}
