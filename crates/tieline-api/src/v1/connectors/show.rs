//! One connector.

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

/// Shows a connector
#[utoipa::path(
    get,
    path = "/v1/connectors/{name}",
    tag = "connectors",
    params(("name" = String, Path, description = "The connector's name")),
    responses((status = 200, description = "The connector, without its secrets", body = Value))
)]
pub(crate) async fn show_connector(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Of(name): Of<Name>,
) -> Result<Json<Value>, Failure> {
    let rows = Rows::load(&shared, caller.project).await?;
    Ok(Json(shown(&shared, rows.connector(&name)?)))
}
