//! Holding an agent: its runs are queued, and wait. A state, not a setting: files leave it alone.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::Value;
use tieline_model::Name;

use super::shown;
use crate::api::Shared;
use crate::auth::Caller;
use crate::problem::Failure;
use crate::v1::changes::{Rows, alone};
use crate::v1::extract::Of;

/// Pauses an agent
#[utoipa::path(
    post,
    path = "/v1/agents/{name}/pause",
    tag = "agents",
    params(("name" = String, Path, description = "The agent's name")),
    responses((status = 200, description = "The agent", body = Value))
)]
pub(crate) async fn pause_agent(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Of(name): Of<Name>,
) -> Result<Json<Value>, Failure> {
    set(&shared, &caller, &name, true).await
}

/// Resumes an agent
#[utoipa::path(
    post,
    path = "/v1/agents/{name}/resume",
    tag = "agents",
    params(("name" = String, Path, description = "The agent's name")),
    responses((status = 200, description = "The agent", body = Value))
)]
pub(crate) async fn resume_agent(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Of(name): Of<Name>,
) -> Result<Json<Value>, Failure> {
    set(&shared, &caller, &name, false).await
}

async fn set(
    shared: &Arc<Shared>,
    caller: &Caller,
    name: &Name,
    paused: bool,
) -> Result<Json<Value>, Failure> {
    let _alone = alone(shared).await;
    shared.hub.pause_agent(caller.project, name, paused).await?;
    let rows = Rows::load(shared, caller.project).await?;
    Ok(Json(shown(shared, rows.agent(name)?)))
}
