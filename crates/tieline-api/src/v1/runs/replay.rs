//! A new run of the same agent for the same event.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use tieline_model::RunId;

use super::answer;
use crate::api::Shared;
use crate::auth::Caller;
use crate::problem::Failure;
use crate::v1::extract::Of;
use crate::view::RunView;

/// Runs the same agent for the same event again
#[utoipa::path(
    post,
    path = "/v1/runs/{id}/replay",
    tag = "runs",
    params(("id" = uuid::Uuid, Path, description = "The run's id")),
    responses((status = 201, description = "The new run", body = RunView<'static>))
)]
pub(crate) async fn replay_run(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Of(id): Of<RunId>,
) -> Result<Response, Failure> {
    let new = shared.hub.replay_run(caller.project, id, None).await?;
    answer(&shared, caller.project, new, StatusCode::CREATED).await
}
