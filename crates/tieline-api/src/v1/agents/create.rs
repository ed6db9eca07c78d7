//! A new agent.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::LOCATION;
use tieline_config::read_agent;
use tieline_contract::Problem;
use tieline_store::CatalogChange;

use super::shown;
use crate::api::Shared;
use crate::auth::Caller;
use crate::problem::Failure;
use crate::v1::changes::{Rows, alone, change_one, taken, written};
use crate::v1::extract::Written;

/// Creates an agent
#[utoipa::path(
    post,
    path = "/v1/agents",
    tag = "agents",
    request_body(
        content = Value,
        description = "As in a file: `name`, `runtime`, and what it needs",
        example = json!({ "name": "triage", "runtime": "http", "url": "http://127.0.0.1:9000/run" })
    ),
    responses((status = 201, description = "The agent, without its secrets", body = Value))
)]
pub(crate) async fn create_agent(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Written(body): Written,
) -> Result<Response, Failure> {
    let body = written(body, None, None)?;
    let mut agent = read_agent(&body, &shared.types()).map_err(Problem::from)?;
    agent.project = caller.project;
    let name = agent.name.clone();
    let _alone = alone(&shared).await;
    let rows = Rows::load(&shared, caller.project).await?;
    if rows.agent(&name).is_ok() {
        return Err(taken("agent", &name));
    }
    let row = agent.clone();
    let change = CatalogChange {
        put_agents: vec![agent],
        ..CatalogChange::default()
    };
    change_one(&shared, &caller, (&rows, change)).await?;
    let location = format!("/v1/agents/{name}");
    Ok((
        StatusCode::CREATED,
        [(LOCATION, location)],
        Json(shown(&shared, &row)),
    )
        .into_response())
}
