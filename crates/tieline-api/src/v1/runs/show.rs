//! One run, with its attempts.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use tieline_model::RunId;

use crate::api::Shared;
use crate::auth::Caller;
use crate::ingress::json;
use crate::problem::Failure;
use crate::v1::extract::Of;
use crate::view::{RunDetail, Seen};

/// Shows a run with the attempts that did not complete it
#[utoipa::path(
    get,
    path = "/v1/runs/{id}",
    tag = "runs",
    params(("id" = uuid::Uuid, Path, description = "The run's id")),
    responses((status = 200, description = "The run", body = RunDetail<'static>))
)]
pub(crate) async fn show_run(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Of(id): Of<RunId>,
) -> Result<Response, Failure> {
    let store = shared.hub.store();
    let run = store.run(caller.project, id).await?;
    let run = run.ok_or_else(Failure::not_found)?;
    let attempts = store.run_attempts(caller.project, id).await?;
    let catalog = shared.hub.catalog();
    let seen = Seen::whole(&catalog);
    Ok(json(StatusCode::OK, &seen.run_detail(&run, &attempts)))
}
