//! A new key.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tieline_contract::Code;
use tieline_model::key::{ApiKey, Scope};
use tieline_model::quantity::Span;
use tieline_model::{Name, ProjectId, Secret};
use utoipa::ToSchema;

use super::{KeyView, beyond, digested, target};
use crate::api::Shared;
use crate::audit::Author;
use crate::auth::{Caller, hint_of};
use crate::problem::Failure;
use crate::v1::changes::alone;
use crate::v1::extract::Written;
use crate::v1::many::fields;

/// The key that is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewKey)]
pub(crate) struct Wanted {
    /// What people call it.
    #[schema(value_type = String)]
    name: Name,
    /// One at least of `read`, `trigger`, `operate`, `admin` and `worker`.
    #[schema(value_type = Vec<String>)]
    scopes: Vec<Scope>,
    /// The project that it opens; left out, the one of the key that asks. For keys of `default`
    /// alone. A project that is not there yet is made.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    project: Option<Name>,
    /// How long it is good for, such as `90d`; left out, until it is revoked.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    expires_in: Option<Span>,
}

/// A key that was made by this request.
#[derive(Serialize, ToSchema)]
#[schema(as = MadeKey)]
pub(crate) struct Made {
    /// The key itself, shown this once.
    key: String,
    about: KeyView,
}

/// Makes a key
///
/// The answer holds the key, this once: the hub keeps its digest.
#[utoipa::path(
    post,
    path = "/v1/keys",
    tag = "keys",
    request_body(
        content = Wanted,
        example = json!({ "name": "ci", "scopes": ["read", "trigger"], "expires_in": "90d" })
    ),
    responses((status = 201, description = "The key", body = Made))
)]
pub(crate) async fn create_key(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Written(body): Written,
) -> Result<(StatusCode, Json<Made>), Failure> {
    let mut wanted: Wanted = fields(body)?;
    check(&mut wanted)?;
    beyond(&caller, wanted.project.as_ref())?;
    // Done to its end, so that no key stands in the store that the hub does not know.
    let hub = Arc::clone(&shared.hub);
    let made = hub.finish(async move { create(&shared, &caller, wanted).await });
    Ok((StatusCode::CREATED, Json(made.await?)))
}

fn check(wanted: &mut Wanted) -> Result<(), Failure> {
    wanted.scopes.sort_by_key(|scope| scope.as_str());
    wanted.scopes.dedup();
    let detail = if wanted.scopes.is_empty() {
        "Name one of the scopes `read`, `trigger`, `operate`, `admin`, `worker` at least."
    } else if wanted.expires_in.is_some_and(|span| span.0.is_zero()) {
        "A key is good for longer than no time: write `expires_in` as `90d`, or leave it out."
    } else {
        return Ok(());
    };
    Err(Failure::new(Code::BadRequest, detail))
}

async fn create(shared: &Arc<Shared>, caller: &Caller, wanted: Wanted) -> Result<Made, Failure> {
    let _alone = alone(shared).await;
    let author = Author::caller(shared, caller);
    let project = project_of(shared, caller, wanted.project.as_ref()).await?;
    let name = wanted.name.to_string();
    let mut keys = shared.hub.store().keys().await?;
    if keys
        .iter()
        .any(|key| key.project == project && key.name == name)
    {
        let detail = format!("There is a key `{name}`. Choose another name, or revoke it first.");
        return Err(Failure::new(Code::Conflict, detail));
    }
    let key: Secret = tieline_vault::api_key(shared.hub.entropy());
    let now = shared.hub.now();
    let row = ApiKey {
        project,
        name,
        digest: tieline_vault::api_key_digest(key.expose()),
        hint: hint_of(&key),
        scopes: wanted.scopes,
        created_at: now,
        expires_at: wanted.expires_in.map(|span| now.plus(span.0)),
        last_used_at: None,
    };
    let named = target(wanted.project.as_ref(), &row.name);
    let record = author.done("key.create", named, (None, Some(&digested(&row))));
    shared.hub.store().put_key(row.clone(), record).await?;
    keys.push(row.clone());
    shared.keys.put(keys);
    Ok(Made {
        key: key.expose().to_owned(),
        about: KeyView::of(shared, &row),
    })
}

async fn project_of(
    shared: &Shared,
    caller: &Caller,
    name: Option<&Name>,
) -> Result<ProjectId, Failure> {
    let Some(name) = name else {
        return Ok(caller.project);
    };
    let author = Author::caller(shared, caller);
    let record = author.done("project.create", name.as_str(), (None, None));
    Ok(shared.hub.make_project(name.clone(), record).await?)
}
