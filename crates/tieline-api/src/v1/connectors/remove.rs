//! A connector that is no longer needed.

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

/// Removes a connector
///
/// Its address is gone at once; its open runs and deliveries end first.
#[utoipa::path(
    delete,
    path = "/v1/connectors/{name}",
    tag = "connectors",
    params(("name" = String, Path, description = "The connector's name")),
    responses((status = 204, description = "It is removed"))
)]
pub(crate) async fn remove_connector(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Of(name): Of<Name>,
) -> Result<StatusCode, Failure> {
    let _alone = alone(&shared).await;
    let rows = Rows::load(&shared, caller.project).await?;
    let row = rows.connector(&name)?;
    of_api(&shared, caller.project, row.managed_by)?;
    let change = CatalogChange {
        remove_connectors: vec![row.id],
        ..CatalogChange::default()
    };
    change_one(&shared, &caller, (&rows, change)).await?;
    Ok(StatusCode::NO_CONTENT)
}
