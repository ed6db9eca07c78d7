//! New runs for a stored event.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tieline_model::{EventId, Name, RunId};
use utoipa::ToSchema;

use crate::api::Shared;
use crate::auth::Caller;
use crate::problem::Failure;
use crate::v1::extract::{Maybe, Of};
use crate::v1::many::{agent_to, unknown_agent};

/// Which agent runs the event again.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReplayEvent)]
pub(crate) struct Wanted {
    /// Linked or not, whatever its condition says. Left out, every linked agent whose condition
    /// holds.
    agent: Option<String>,
}

/// The new runs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventReplayed {
    /// In link order.
    #[schema(value_type = Vec<uuid::Uuid>)]
    run_ids: Vec<RunId>,
}

/// Runs an event again, as if it came now
#[utoipa::path(
    post,
    path = "/v1/events/{id}/replay",
    tag = "events",
    params(("id" = uuid::Uuid, Path, description = "The event's id")),
    request_body = Option<Wanted>,
    responses((status = 201, description = "The new runs", body = EventReplayed))
)]
pub(crate) async fn replay_event(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Of(id): Of<EventId>,
    Maybe(wanted): Maybe<Wanted>,
) -> Result<(StatusCode, Json<EventReplayed>), Failure> {
    // Known before the event is looked for, so that each has its own answer.
    agent_to(&shared, &caller, wanted.agent.as_deref())?;
    let agent = wanted.agent.map(|name| Name::new(&name)).transpose();
    let agent = agent.map_err(|_| unknown_agent())?;
    let (hub, project) = (&shared.hub, caller.project);
    let run_ids = hub.replay_event(project, id, agent.as_ref()).await?;
    Ok((StatusCode::CREATED, Json(EventReplayed { run_ids })))
}
