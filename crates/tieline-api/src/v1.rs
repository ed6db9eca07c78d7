//! The management API: one file per verb, one folder per resource.
//!
//! What is served and what OpenAPI says come from the same declaration. What a route asks of a key
//! stands in one table, and a route without an entry is for `admin` alone.

mod agents;
mod apply;
mod audit;
mod changes;
mod connectors;
mod deliveries;
mod events;
mod extract;
mod keys;
mod links;
mod many;
mod narrow;
mod openapi;
mod page;
mod runs;
mod types;
mod vault;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::Response;
use http::header::{CACHE_CONTROL, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::Shared;
use crate::auth::authorize;

/// All of `/v1`.
pub(crate) fn router(shared: &Arc<Shared>) -> Router<Arc<Shared>> {
    let keyed = keyed().route_layer(from_fn_with_state(Arc::clone(shared), authorize));
    let open = OpenApiRouter::new().routes(routes!(openapi::show_openapi));
    let all = OpenApiRouter::with_openapi(openapi::about())
        .merge(keyed)
        .merge(open);
    let (router, mut document) = all.split_for_parts();
    openapi::complete(&mut document);
    let text = serde_json::to_vec(&document).expect("the document has text keys");
    // Every router of one API says the same, so that the first one stands.
    shared.openapi.get_or_init(|| text.into());
    router.route_layer(map_response(secure))
}

fn keyed() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::new()
        .routes(routes!(
            agents::list::list_agents,
            agents::create::create_agent
        ))
        .routes(routes!(
            agents::show::show_agent,
            agents::replace::replace_agent,
            agents::remove::remove_agent
        ))
        .routes(routes!(agents::pause::pause_agent))
        .routes(routes!(agents::pause::resume_agent))
        .routes(routes!(
            connectors::list::list_connectors,
            connectors::create::create_connector
        ))
        .routes(routes!(
            connectors::show::show_connector,
            connectors::replace::replace_connector,
            connectors::remove::remove_connector
        ))
        .routes(routes!(connectors::pause::pause_connector))
        .routes(routes!(connectors::pause::resume_connector))
        .routes(routes!(connectors::rotate::rotate_connector_secret))
        .routes(routes!(connectors::trigger::trigger_connector))
        .routes(routes!(links::list_links))
        .routes(routes!(events::list::list_events))
        .routes(routes!(events::show::show_event))
        .routes(routes!(events::replay::replay_event))
        .routes(routes!(events::erase::erase_event))
        .routes(routes!(runs::list::list_runs))
        .routes(routes!(runs::show::show_run))
        .routes(routes!(runs::cancel::cancel_run))
        .routes(routes!(runs::replay::replay_run))
        .routes(routes!(runs::replay_many::replay_runs))
        .routes(routes!(runs::release::release_run))
        .routes(routes!(deliveries::list::list_deliveries))
        .routes(routes!(deliveries::show::show_delivery))
        .routes(routes!(deliveries::redrive::redrive_delivery))
        .routes(routes!(deliveries::redrive_many::redrive_deliveries))
        .routes(routes!(types::list_types))
        .routes(routes!(types::show_type))
        .routes(routes!(keys::list::list_keys, keys::create::create_key))
        .routes(routes!(keys::revoke::revoke_key))
        .routes(routes!(audit::list_audit))
        .routes(routes!(vault::show_vault))
        .routes(routes!(vault::rotate_vault))
        .routes(routes!(apply::plan_changes))
        .routes(routes!(apply::apply_changes))
}

/// Answers are for their reader alone, and nothing but what they say they are.
async fn secure(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests;
