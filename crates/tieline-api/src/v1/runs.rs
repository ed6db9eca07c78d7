//! Runs: agents handling events.

pub(super) mod cancel;
pub(super) mod list;
pub(super) mod release;
pub(super) mod replay;
pub(super) mod replay_many;
pub(super) mod show;

use axum::response::Response;
use http::StatusCode;
use tieline_model::{ProjectId, RunId};

use crate::api::Shared;
use crate::ingress::json;
use crate::problem::Failure;
use crate::view::Seen;

/// A run as it stands now.
async fn answer(
    shared: &Shared,
    project: ProjectId,
    id: RunId,
    status: StatusCode,
) -> Result<Response, Failure> {
    let run = shared.hub.store().run(project, id).await?;
    let run = run.ok_or_else(Failure::not_found)?;
    let catalog = shared.hub.catalog();
    Ok(json(status, &Seen::whole(&catalog).run(&run)))
}
