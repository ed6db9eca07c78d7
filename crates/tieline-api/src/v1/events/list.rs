//! Events, newest first.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use tieline_model::Run;

use crate::api::Shared;
use crate::auth::Caller;
use crate::ingress::json;
use crate::problem::Failure;
use crate::v1::extract::Asked;
use crate::v1::narrow::{OfEvents, Time};
use crate::v1::page::{List, by_id, bytes_of_run, fitting};
use crate::view::{EventView, Seen};

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asking {
    /// How many at the most: 1 to 250, and 50 where it is left out.
    #[param(minimum = 1, maximum = 250)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Only those that came in by this connector.
    connector: Option<String>,
    /// Only those received from then on: a time (RFC 3339), or how long that is ago (`2h`).
    since: Option<String>,
    /// Only those received before.
    until: Option<String>,
}

/// Lists events, newest first
#[utoipa::path(
    get,
    path = "/v1/events",
    tag = "events",
    params(Asking),
    responses((status = 200, description = "One page", body = List<EventView<'static>>))
)]
pub(crate) async fn list_events(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Asked(asking): Asked<Asking>,
) -> Result<Response, Failure> {
    let page = by_id(asking.limit, asking.cursor.as_deref())?;
    let catalog = shared.hub.catalog();
    let words = OfEvents {
        connector: asking.connector,
        time: Time {
            since: asking.since,
            until: asking.until,
        },
    };
    let Some(filter) = words.filter(&shared, &caller)? else {
        return Ok(json(StatusCode::OK, &List::<()>::EMPTY));
    };
    let store = shared.hub.store();
    let page = store.events(caller.project, filter, page).await?;
    let ids = page
        .rows
        .iter()
        .flat_map(|event| &event.runs)
        .copied()
        .collect();
    let runs = store.runs_by_id(caller.project, ids).await?;
    let bytes_of = |event: &tieline_model::Event| {
        let own = |run: &&Run| run.event == event.id;
        runs.iter().filter(own).map(bytes_of_run).sum()
    };
    let (events, next_cursor) = fitting(page, |event| *event.id.as_bytes(), bytes_of);
    let seen = Seen::whole(&catalog);
    let list = List {
        data: events
            .iter()
            .map(|event| seen.event(event, &runs))
            .collect(),
        next_cursor,
    };
    Ok(json(StatusCode::OK, &list))
}
