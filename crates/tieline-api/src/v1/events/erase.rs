//! The end of what an event, its runs and its deliveries carry.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use tieline_model::EventId;

use super::show::answer;
use crate::api::Shared;
use crate::auth::Caller;
use crate::problem::Failure;
use crate::v1::extract::Of;
use crate::view::EventView;

/// Erases what an event, its runs and its deliveries carry, for ever
///
/// Inputs, outputs, bodies and files go; who, when and how it ended stay. Only where all of it has
/// ended.
#[utoipa::path(
    post,
    path = "/v1/events/{id}/erase",
    tag = "events",
    params(("id" = uuid::Uuid, Path, description = "The event's id")),
    responses((status = 200, description = "The event", body = EventView<'static>))
)]
pub(crate) async fn erase_event(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Of(id): Of<EventId>,
) -> Result<Response, Failure> {
    shared.hub.erase_event(caller.project, id).await?;
    answer(&shared, &caller, id).await
}
