//! New runs for many that have ended.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::Shared;
use crate::audit::begun;
use crate::auth::Caller;
use crate::problem::Failure;
use crate::v1::extract::Written;
use crate::v1::many::{agent_to, fields, not_all_unasked, shortened};
use crate::v1::narrow::{OfRuns, Time};

/// Which runs are replayed, and how. Without anything that narrows them, `all` has to be `true`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReplayRuns)]
pub(crate) struct Wanted {
    /// Only those of this agent.
    agent: Option<String>,
    /// Only those whose event came in by this connector.
    connector: Option<String>,
    /// Only those that stand so: `completed`, `failed` or `cancelled`.
    status: Option<String>,
    /// Only those of this event.
    event: Option<String>,
    /// Only those queued from then on: a time (RFC 3339), or how long that is ago (`2h`).
    since: Option<String>,
    /// Only those queued before.
    until: Option<String>,
    /// Only those that are dead letters, or only those that are not.
    dead_letter: Option<bool>,
    /// The agent that shall run them, in place of the one of each.
    to: Option<String>,
    /// All runs that have ended.
    #[serde(default)]
    all: bool,
    /// Only counts them.
    #[serde(default)]
    dry_run: bool,
}

/// What came of it.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Replayed {
    /// How many runs that have ended are meant.
    matched: u64,
    /// How many of them were queued again; left out are those whose input or agent is gone.
    replayed: u64,
}

/// Runs many again: the same agents for the same events, or another agent
///
/// Those that have not ended are left out. The originals stay as they are.
#[utoipa::path(
    post,
    path = "/v1/runs/replay",
    tag = "runs",
    request_body = Wanted,
    responses((status = 200, description = "How many", body = Replayed))
)]
pub(crate) async fn replay_runs(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Written(body): Written,
) -> Result<Json<Replayed>, Failure> {
    let target = shortened(&body);
    let wanted: Wanted = fields(body)?;
    let to = agent_to(&shared, &caller, wanted.to.as_deref())?;
    let words = OfRuns {
        agent: wanted.agent,
        connector: wanted.connector,
        status: wanted.status,
        event: wanted.event,
        dead_letter: wanted.dead_letter,
        time: Time {
            since: wanted.since,
            until: wanted.until,
        },
    };
    not_all_unasked(words.is_all(), wanted.all)?;
    let Some(filter) = words.filter(&shared, &caller)? else {
        return Ok(Json(Replayed::default()));
    };
    let (hub, project) = (&shared.hub, caller.project);
    if wanted.dry_run {
        let matched = hub.count_replays(project, filter).await?;
        return Ok(Json(Replayed {
            matched,
            replayed: 0,
        }));
    }
    let begun = begun(&shared, &caller, "run.replay", target).await?;
    let act = async {
        let matched = hub.count_replays(project, filter.clone()).await?;
        let replayed = hub.replay_runs(project, filter, to).await?;
        Ok(Json(Replayed { matched, replayed }))
    };
    let done = act.await;
    begun.answered(&shared, done.is_ok()).await;
    done
}
