//! A new connector.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::LOCATION;
use tieline_config::read_connector;
use tieline_contract::Problem;

use crate::api::Shared;
use crate::auth::Caller;
use crate::problem::Failure;
use crate::v1::changes::{Rows, alone, taken, written};
use crate::v1::connectors::replace::put;
use crate::v1::extract::Written;

/// Creates a connector
///
/// A secret that is left out is generated, and is part of this answer alone, as `secret`.
#[utoipa::path(
    post,
    path = "/v1/connectors",
    tag = "connectors",
    request_body(
        content = Value,
        description = "As in a file: `name`, `type`, `mode`, `agents`, and what it needs",
        example = json!({ "name": "orders", "type": "webhook", "mode": "inbound", "agents": ["triage"] })
    ),
    responses((status = 201, description = "The connector", body = Value))
)]
pub(crate) async fn create_connector(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Written(body): Written,
) -> Result<Response, Failure> {
    let body = written(body, None, None)?;
    let _alone = alone(&shared).await;
    let rows = Rows::load(&shared, caller.project).await?;
    let connector = read_connector(&body, &shared.types(), &rows.agent_names());
    let connector = connector.map_err(Problem::from)?;
    let name = connector.name.clone();
    if rows.connector(&name).is_ok() {
        return Err(taken("connector", &name));
    }
    let shown = put(&shared, &caller, (&rows, connector)).await?;
    let location = format!("/v1/connectors/{name}");
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(shown)).into_response())
}
