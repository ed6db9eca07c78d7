//! A new run for the same event.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use tieline_model::RunId;
use utoipa::ToSchema;

use super::answer;
use crate::api::Shared;
use crate::auth::Caller;
use crate::problem::Failure;
use crate::v1::extract::{Maybe, Of};
use crate::v1::many::agent_to;
use crate::view::RunView;

/// Which agent runs it again.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReplayRun)]
pub(crate) struct Wanted {
    /// Another agent, in place of the run's own.
    to: Option<String>,
}

/// Runs the same agent for the same event again, or another agent
#[utoipa::path(
    post,
    path = "/v1/runs/{id}/replay",
    tag = "runs",
    params(("id" = uuid::Uuid, Path, description = "The run's id")),
    request_body = Option<Wanted>,
    responses((status = 201, description = "The new run", body = RunView<'static>))
)]
pub(crate) async fn replay_run(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Of(id): Of<RunId>,
    Maybe(wanted): Maybe<Wanted>,
) -> Result<Response, Failure> {
    let to = agent_to(&shared, &caller, wanted.to.as_deref())?;
    let new = shared.hub.replay_run(caller.project, id, to).await?;
    answer(&shared, caller.project, new, StatusCode::CREATED).await
}
