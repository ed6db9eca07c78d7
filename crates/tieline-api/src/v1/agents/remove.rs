//! An agent that is no longer needed.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use tieline_model::Name;
use tieline_store::CatalogChange;

use crate::api::Shared;
use crate::auth::Caller;
use crate::problem::Failure;
use crate::v1::changes::{Rows, alone, change_one, of_api};
use crate::v1::extract::Of;

/// Removes an agent
///
/// Its open runs end first. While a connector is linked to it, it is refused.
#[utoipa::path(
    delete,
    path = "/v1/agents/{name}",
    tag = "agents",
    params(("name" = String, Path, description = "The agent's name")),
    responses((status = 204, description = "It is removed"))
)]
pub(crate) async fn remove_agent(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Of(name): Of<Name>,
) -> Result<StatusCode, Failure> {
    let _alone = alone(&shared).await;
    let rows = Rows::load(&shared, caller.project).await?;
    let row = rows.agent(&name)?;
    of_api(&shared, caller.project, row.managed_by)?;
    let change = CatalogChange {
        remove_agents: vec![row.id],
        ..CatalogChange::default()
    };
    change_one(&shared, &caller, (&rows, change)).await?;
    Ok(StatusCode::NO_CONTENT)
}
