//! Types of connectors: the catalogue that this hub was built with.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use tieline_contract::Code;
use tieline_contract::ConnectorType;
use utoipa::ToSchema;

use crate::api::Shared;
use crate::problem::Failure;
use crate::v1::extract::{Asked, Of};
use crate::v1::page::{List, Paging, by_name};

/// A type of connector.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TypeView {
    /// What connectors write as their `type`.
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    /// One sentence.
    summary: &'static str,
    /// The modes that it offers.
    modes: Vec<&'static str>,
}

/// A type of connector, with what it reads.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TypeDetail {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    summary: &'static str,
    modes: Vec<&'static str>,
    /// The JSON Schema of `settings`, by mode.
    schemas: BTreeMap<&'static str, Value>,
    /// Markdown.
    manual: &'static str,
}

/// Lists types of connectors by name
#[utoipa::path(
    get,
    path = "/v1/types",
    tag = "types",
    params(Paging),
    responses((status = 200, description = "One page", body = List<TypeView>))
)]
pub(crate) async fn list_types(
    State(shared): State<Arc<Shared>>,
    Asked(paging): Asked<Paging>,
) -> Result<Json<List<TypeView>>, Failure> {
    let types = shared
        .types()
        .connectors
        .iter()
        .map(|kind| view(kind))
        .collect();
    Ok(Json(by_name(types, &paging, |view: &TypeView| {
        view.kind.to_owned()
    })?))
}

/// Shows a type of connector: its settings and its manual
#[utoipa::path(
    get,
    path = "/v1/types/{type}",
    tag = "types",
    params(("type" = String, Path, description = "The type's name")),
    responses((status = 200, description = "The type", body = TypeDetail))
)]
pub(crate) async fn show_type(
    State(shared): State<Arc<Shared>>,
    Of(name): Of<String>,
) -> Result<Json<TypeDetail>, Failure> {
    let found = shared.types().connector(&name);
    let found = found.ok_or_else(|| Failure::new(Code::NotFound, "There is no such type."))?;
    let TypeView {
        kind,
        title,
        summary,
        modes,
    } = view(found);
    let schema =
        |mode: tieline_model::Mode| Some((mode.as_str(), found.schema(mode)?().to_value()));
    Ok(Json(TypeDetail {
        kind,
        title,
        summary,
        modes,
        schemas: found.modes().into_iter().filter_map(schema).collect(),
        manual: found.manual,
    }))
}

fn view(kind: &ConnectorType) -> TypeView {
    TypeView {
        kind: kind.name,
        title: kind.title,
        summary: kind.summary,
        modes: kind
            .modes()
            .into_iter()
            .map(tieline_model::Mode::as_str)
            .collect(),
    }
}
