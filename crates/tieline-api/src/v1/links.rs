//! Links: which connector hands its events, or its results, to which agent.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use tieline_model::{Debounce, Name, OnError, Policy, Priority};
use utoipa::ToSchema;

use crate::api::Shared;
use crate::auth::Caller;
use crate::problem::Failure;
use crate::v1::changes::Rows;
use crate::v1::extract::Asked;
use crate::v1::page::{List, Paging, by_name};

/// What ties a connector to one agent.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LinkView {
    #[schema(value_type = String)]
    connector: Name,
    #[schema(value_type = String)]
    agent: Name,
    /// A CEL condition.
    when: Option<String>,
    /// A CEL expression for the session key.
    session: Option<String>,
    /// `hold`, `skip` or `run`.
    #[schema(value_type = String)]
    on_error: OnError,
    /// `queue`, `coalesce`, `replace`, `parallel` or `reject`.
    #[schema(value_type = String)]
    policy: Policy,
    /// `quiet`, `max_wait` and `max_count`.
    #[schema(value_type = Option<Object>)]
    debounce: Option<Debounce>,
    /// `low`, `normal` or `high`.
    #[schema(value_type = String)]
    priority: Priority,
}

/// Lists links by connector and agent
#[utoipa::path(
    get,
    path = "/v1/links",
    tag = "links",
    params(Paging),
    responses((status = 200, description = "One page", body = List<LinkView>))
)]
pub(crate) async fn list_links(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Asked(paging): Asked<Paging>,
) -> Result<Json<List<LinkView>>, Failure> {
    let mut links = Vec::new();
    for connector in Rows::load(&shared, caller.project).await?.connectors {
        links.extend(connector.links.into_iter().map(|link| LinkView {
            connector: connector.name.clone(),
            agent: link.agent,
            when: link.when,
            session: link.session,
            on_error: link.on_error,
            policy: link.policy,
            debounce: link.debounce,
            priority: link.priority,
        }));
    }
    let page = by_name(links, &paging, |link| {
        format!("{}/{}", link.connector, link.agent)
    })?;
    Ok(Json(page))
}
