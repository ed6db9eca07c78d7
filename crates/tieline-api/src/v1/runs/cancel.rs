//! A run that shall not go on.

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

/// Cancels a run that has not ended
#[utoipa::path(
    post,
    path = "/v1/runs/{id}/cancel",
    tag = "runs",
    params(("id" = uuid::Uuid, Path, description = "The run's id")),
    responses((status = 200, description = "The run", body = RunView<'static>))
)]
pub(crate) async fn cancel_run(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Of(id): Of<RunId>,
) -> Result<Response, Failure> {
    shared.hub.cancel_run(caller.project, id).await?;
    answer(&shared, caller.project, id, StatusCode::OK).await
}
