//! Holding a connector: one that receives refuses, one that sends holds its deliveries.

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

/// Pauses a connector
#[utoipa::path(
    post,
    path = "/v1/connectors/{name}/pause",
    tag = "connectors",
    params(("name" = String, Path, description = "The connector's name")),
    responses((status = 200, description = "The connector", body = Value))
)]
pub(crate) async fn pause_connector(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Of(name): Of<Name>,
) -> Result<Json<Value>, Failure> {
    set(&shared, &caller, &name, true).await
}

/// Resumes a connector
#[utoipa::path(
    post,
    path = "/v1/connectors/{name}/resume",
    tag = "connectors",
    params(("name" = String, Path, description = "The connector's name")),
    responses((status = 200, description = "The connector", body = Value))
)]
pub(crate) async fn resume_connector(
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
    shared
        .hub
        .pause_connector(caller.project, name, paused)
        .await?;
    let rows = Rows::load(shared, caller.project).await?;
    Ok(Json(shown(shared, rows.connector(name)?)))
}
