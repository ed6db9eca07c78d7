//! One agent.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::Value;
use tieline_model::Name;

use super::shown;
use crate::api::Shared;
use crate::auth::Caller;
use crate::problem::Failure;
use crate::v1::changes::Rows;
use crate::v1::extract::Of;

/// Shows an agent
#[utoipa::path(
    get,
    path = "/v1/agents/{name}",
    tag = "agents",
    params(("name" = String, Path, description = "The agent's name")),
    responses((status = 200, description = "The agent, without its secrets", body = Value))
)]
pub(crate) async fn show_agent(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Of(name): Of<Name>,
) -> Result<Json<Value>, Failure> {
    let rows = Rows::load(&shared, caller.project).await?;
    Ok(Json(shown(&shared, rows.agent(&name)?)))
}
