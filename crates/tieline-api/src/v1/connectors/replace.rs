//! A connector with other settings.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Map, Value, json};
use tieline_config::read_connector;
use tieline_contract::Problem;
use tieline_model::{Connector, Name};
use tieline_store::CatalogChange;

use super::shown;
use crate::api::Shared;
use crate::auth::Caller;
use crate::problem::Failure;
use crate::v1::changes::{Rows, alone, change_one, of_api, written};
use crate::v1::extract::{Of, Written};

/// Replaces a connector
///
/// It stays paused if it was, and keeps its secrets where none is sent. A secret among its settings
/// that is sent as it was shown, `***`, stays as it is.
#[utoipa::path(
    put,
    path = "/v1/connectors/{name}",
    tag = "connectors",
    params(("name" = String, Path, description = "The connector's name")),
    request_body(
        content = Value,
        description = "As in a file",
        example = json!({ "type": "webhook", "mode": "inbound", "agents": ["triage"], "settings": { "max_body": "1MiB" } })
    ),
    responses((status = 200, description = "The connector", body = Value))
)]
pub(crate) async fn replace_connector(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Of(name): Of<Name>,
    Written(body): Written,
) -> Result<Json<Value>, Failure> {
    let _alone = alone(&shared).await;
    let rows = Rows::load(&shared, caller.project).await?;
    let before = rows.connector(&name)?;
    of_api(&shared, caller.project, before.managed_by)?;
    let settings = Value::Object(before.settings.clone());
    let settings = Map::from_iter([("settings".to_owned(), settings)]);
    let body = written(body, Some(&name), Some(&settings))?;
    let connector = read_connector(&body, &shared.types(), &rows.agent_names());
    let mut connector = connector.map_err(Problem::from)?;
    connector.paused = before.paused;
    if connector.secrets.is_empty() {
        connector.secrets.clone_from(&before.secrets);
    }
    Ok(Json(put(&shared, &caller, (&rows, connector)).await?))
}

/// Puts a connector and shows it; a secret that was generated for it is shown this once.
pub(super) async fn put(
    shared: &Shared,
    caller: &Caller,
    (rows, mut connector): (&Rows, Connector),
) -> Result<Value, Failure> {
    connector.project = caller.project;
    let row = connector.clone();
    let change = CatalogChange {
        put_connectors: vec![connector],
        ..CatalogChange::default()
    };
    let applied = change_one(shared, caller, (rows, change)).await?;
    let mut shown = shown(shared, &row);
    if let (Some(fields), Some((_, secret))) = (shown.as_object_mut(), applied.generated.first()) {
        fields.insert("secret".to_owned(), json!(secret.expose()));
    }
    Ok(shown)
}
