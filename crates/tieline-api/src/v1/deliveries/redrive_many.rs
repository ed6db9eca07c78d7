//! More attempts for many deliveries.

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
use crate::v1::many::{fields, not_all_unasked, shortened};
use crate::v1::narrow::{OfDeliveries, Time};

/// Which deliveries are redriven. Without anything that narrows them, `all` has to be `true`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RedriveDeliveries)]
pub(crate) struct Wanted {
    /// Only those through this connector.
    connector: Option<String>,
    /// Only those that stand so: `failed` (where it is left out), `cancelled` or `waiting`.
    status: Option<String>,
    /// Only those of this run.
    run: Option<String>,
    /// Only those made from then on: a time (RFC 3339), or how long that is ago (`2h`).
    since: Option<String>,
    /// Only those made before.
    until: Option<String>,
    /// All deliveries that have failed.
    #[serde(default)]
    all: bool,
    /// Only counts them.
    #[serde(default)]
    dry_run: bool,
}

/// What came of it.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Redriven {
    /// How many deliveries are meant.
    matched: u64,
    /// How many of them get more attempts; left out are those whose state or body does not allow
    /// it.
    redriven: u64,
}

/// Gives many deliveries more attempts, beginning now
#[utoipa::path(
    post,
    path = "/v1/deliveries/redrive",
    tag = "deliveries",
    request_body = Wanted,
    responses((status = 200, description = "How many", body = Redriven))
)]
pub(crate) async fn redrive_deliveries(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Written(body): Written,
) -> Result<Json<Redriven>, Failure> {
    let target = shortened(&body);
    let wanted: Wanted = fields(body)?;
    let words = OfDeliveries {
        connector: wanted.connector,
        status: wanted.status,
        run: wanted.run,
        time: Time {
            since: wanted.since,
            until: wanted.until,
        },
    };
    not_all_unasked(words.is_all(), wanted.all)?;
    let Some(filter) = words.filter(&shared, &caller)? else {
        return Ok(Json(Redriven::default()));
    };
    let (hub, project) = (&shared.hub, caller.project);
    if wanted.dry_run {
        let matched = hub.count_redrives(project, filter).await?;
        return Ok(Json(Redriven {
            matched,
            redriven: 0,
        }));
    }
    let begun = begun(&shared, &caller, "delivery.redrive", target).await?;
    let act = async {
        let matched = hub.count_redrives(project, filter.clone()).await?;
        let redriven = hub.redrive_deliveries(project, filter).await?;
        Ok(Json(Redriven { matched, redriven }))
    };
    let done = act.await;
    begun.answered(&shared, done.is_ok()).await;
    done
}
