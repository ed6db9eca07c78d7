//! One event, with its runs.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use tieline_model::EventId;

use crate::api::Shared;
use crate::auth::Caller;
use crate::ingress::json;
use crate::problem::Failure;
use crate::v1::extract::Of;
use crate::view::{EventView, Seen};

/// Shows an event with its runs
#[utoipa::path(
    get,
    path = "/v1/events/{id}",
    tag = "events",
    params(("id" = uuid::Uuid, Path, description = "The event's id")),
    responses((status = 200, description = "The event", body = EventView<'static>))
)]
pub(crate) async fn show_event(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Of(id): Of<EventId>,
) -> Result<Response, Failure> {
    answer(&shared, &caller, id).await
}

/// An event as it stands now.
pub(super) async fn answer(
    shared: &Shared,
    caller: &Caller,
    id: EventId,
) -> Result<Response, Failure> {
    let store = shared.hub.store();
    let event = store.event(caller.project, id).await?;
    let event = event.ok_or_else(Failure::not_found)?;
    let runs = store.runs_by_id(caller.project, event.runs.clone()).await?;
    let catalog = shared.hub.catalog();
    Ok(json(
        StatusCode::OK,
        &Seen::whole(&catalog).event(&event, &runs),
    ))
}
