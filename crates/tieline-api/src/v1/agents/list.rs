//! Agents, by name.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::Value;

use super::shown;
use crate::api::Shared;
use crate::auth::Caller;
use crate::problem::Failure;
use crate::v1::changes::Rows;
use crate::v1::extract::Asked;
use crate::v1::page::{List, Paging, by_name};

/// Lists agents by name
#[utoipa::path(
    get,
    path = "/v1/agents",
    tag = "agents",
    params(Paging),
    responses((status = 200, description = "One page", body = List<Value>))
)]
pub(crate) async fn list_agents(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Asked(paging): Asked<Paging>,
) -> Result<Json<List<Value>>, Failure> {
    let rows = Rows::load(&shared, caller.project).await?;
    let page = by_name(rows.agents, &paging, |row| row.name.to_string())?;
    Ok(Json(List {
        data: page.data.iter().map(|row| shown(&shared, row)).collect(),
        next_cursor: page.next_cursor,
    }))
}
