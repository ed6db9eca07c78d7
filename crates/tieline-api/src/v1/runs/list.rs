//! Runs, newest first.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use tieline_contract::Code;
use tieline_model::{Name, RunState};
use tieline_store::RunFilter;

use crate::api::Shared;
use crate::auth::Caller;
use crate::ingress::json;
use crate::problem::Failure;
use crate::v1::extract::Asked;
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
    /// Only those that stand so.
    status: Option<String>,
    /// Only those of this event.
    event: Option<String>,
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
    let mut filter = RunFilter::default();
    if let Some(name) = asking.agent {
        let name = Name::new(&name).ok();
        let Some(found) = name.and_then(|name| catalog.agent(caller.project, &name)) else {
            return Ok(json(StatusCode::OK, &List::<()>::EMPTY));
        };
        filter.agent = Some(found.row.id);
    }
    if let Some(status) = asking.status {
        let known = RunState::ALL
            .into_iter()
            .find(|state| state.as_str() == status);
        filter.state = Some(known.ok_or_else(unknown_status)?);
    }
    if let Some(event) = asking.event {
        let Ok(id) = event.parse() else {
            return Ok(json(StatusCode::OK, &List::<()>::EMPTY));
        };
        filter.event = Some(id);
    }
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

fn unknown_status() -> Failure {
    let names = RunState::ALL.map(RunState::as_str).join("`, `");
    Failure::new(
        Code::BadRequest,
        format!("A run's `status` is one of `{names}`."),
    )
}
