//! A new secret for a connector, with a time in which the old one is good too.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use tieline_config::show_connector;
use tieline_contract::{Code, Problem, Problems};
use tieline_model::quantity::Span;
use tieline_model::{Connector, Name, Secret, Timestamp};
use utoipa::ToSchema;

use crate::api::Shared;
use crate::audit::Author;
use crate::auth::Caller;
use crate::limits::OVERLAP;
use crate::problem::Failure;
use crate::v1::changes::{Rows, alone, of_api, of_its_own};
use crate::v1::extract::{Maybe, Of};

/// How a secret is rotated.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RotateSecret)]
pub(crate) struct Wanted {
    /// How long the old secrets are good for, at the most `30d`; left out, `24h`. With `0s` they
    /// are refused at once.
    #[schema(value_type = Option<String>)]
    overlap: Option<Span>,
    /// The new secret, where the sender issues it; left out, one is generated.
    #[schema(value_type = Option<String>, format = Password, write_only)]
    secret: Option<Secret>,
}

/// The new secret.
#[derive(Serialize, ToSchema)]
#[schema(as = RotatedSecret)]
pub(crate) struct Made {
    name: String,
    /// What was generated, shown this once; left out where the secret was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// From then on no older secret is good.
    #[schema(value_type = String, format = DateTime)]
    others_until: Timestamp,
}

/// Gives a connector a new secret: one that is generated, or the one that its sender has issued
///
/// The old ones are good for a while longer, so that the sender can be told. What was generated is
/// in the answer, this once.
#[utoipa::path(
    post,
    path = "/v1/connectors/{name}/rotate-secret",
    tag = "connectors",
    params(("name" = String, Path, description = "The connector's name")),
    request_body = Option<Wanted>,
    responses((status = 200, description = "The new secret", body = Made))
)]
pub(crate) async fn rotate_connector_secret(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Of(name): Of<Name>,
    Maybe(wanted): Maybe<Wanted>,
) -> Result<Json<Made>, Failure> {
    let overlap = wanted.overlap.map_or(OVERLAP.0, |span| span.0);
    if overlap > OVERLAP.1 {
        let detail = "Write `overlap` as `24h`, and no longer than `30d`.";
        return Err(Failure::new(Code::BadRequest, detail));
    }
    let given = wanted.secret.as_ref().map(for_callers).transpose()?;
    let _alone = alone(&shared).await;
    let rows = Rows::load(&shared, caller.project).await?;
    let row = rows.connector(&name)?;
    of_api(&shared, caller.project, row.managed_by)?;
    let types = shared.types();
    let before = show_connector(row, &types);
    let author = Author::caller(&shared, &caller);
    let record = move |row: &Connector| {
        let after = show_connector(row, &types);
        let (target, digests) = (row.name.as_str(), (Some(&before), Some(&after)));
        author.done("connector.rotate-secret", target, digests)
    };
    let of = (caller.project, &name);
    let rotated = shared.hub.rotate_secret(of, (given, overlap), record).await;
    let rotated = rotated.map_err(of_its_own)?;
    Ok(Json(Made {
        name: name.to_string(),
        secret: rotated.generated.map(|secret| secret.expose().to_owned()),
        others_until: rotated.others_until,
    }))
}

/// What a configuration would refuse is refused here, too, and never repeated.
fn for_callers(given: &Secret) -> Result<Secret, Failure> {
    Secret::for_callers(given.expose()).map_err(|error| {
        let mut problems = Problems::default();
        problems.add_with_fix("secret", "is no secret", error.to_string());
        Problem::from(problems).into()
    })
}
