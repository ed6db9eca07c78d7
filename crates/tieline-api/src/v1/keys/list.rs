//! Keys, by name.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;

use super::{KeyView, known_project};
use crate::api::Shared;
use crate::auth::Caller;
use crate::problem::Failure;
use crate::v1::extract::Asked;
use crate::v1::page::{List, Paging, by_name};

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asking {
    /// How many at the most: 1 to 250, and 50 where it is left out.
    #[param(minimum = 1, maximum = 250)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Those of another project: for keys of `default` alone.
    project: Option<String>,
}

/// Lists keys by name, without the keys themselves
#[utoipa::path(
    get,
    path = "/v1/keys",
    tag = "keys",
    params(Asking),
    responses((status = 200, description = "One page", body = List<KeyView>))
)]
pub(crate) async fn list_keys(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Asked(asking): Asked<Asking>,
) -> Result<Json<List<KeyView>>, Failure> {
    let (project, _) = known_project(&shared, &caller, asking.project.as_deref())?;
    let mut keys = shared.hub.store().keys().await?;
    keys.retain(|key| key.project == project);
    let paging = Paging {
        limit: asking.limit,
        cursor: asking.cursor,
    };
    let page = by_name(keys, &paging, |key| key.name.clone())?;
    Ok(Json(List {
        data: page
            .data
            .iter()
            .map(|row| KeyView::of(&shared, row))
            .collect(),
        next_cursor: page.next_cursor,
    }))
}
