//! An agent with other settings.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::Value;
use tieline_config::read_agent;
use tieline_contract::Problem;
use tieline_model::{Agent, Name};
use tieline_store::CatalogChange;

use super::shown;
use crate::api::Shared;
use crate::auth::Caller;
use crate::problem::Failure;
use crate::v1::changes::{Rows, alone, change_one, of_api, written};
use crate::v1::extract::{Of, Written};

/// Replaces an agent
///
/// It stays paused if it was. A secret that is sent as it was shown, `***`, stays as it is.
#[utoipa::path(
    put,
    path = "/v1/agents/{name}",
    tag = "agents",
    params(("name" = String, Path, description = "The agent's name")),
    request_body(
        content = Value,
        description = "As in a file",
        example = json!({ "runtime": "http", "url": "http://127.0.0.1:9000/run", "timeout": "5m" })
    ),
    responses((status = 200, description = "The agent, without its secrets", body = Value))
)]
pub(crate) async fn replace_agent(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Of(name): Of<Name>,
    Written(body): Written,
) -> Result<Json<Value>, Failure> {
    let _alone = alone(&shared).await;
    let rows = Rows::load(&shared, caller.project).await?;
    let before = rows.agent(&name)?;
    of_api(&shared, caller.project, before.managed_by)?;
    let body = written(body, Some(&name), Some(&before.settings))?;
    let agent = read_agent(&body, &shared.types()).map_err(Problem::from)?;
    let agent = Agent {
        project: caller.project,
        paused: before.paused,
        ..agent
    };
    let row = agent.clone();
    let change = CatalogChange {
        put_agents: vec![agent],
        ..CatalogChange::default()
    };
    change_one(&shared, &caller, (&rows, change)).await?;
    Ok(Json(shown(&shared, &row)))
}
