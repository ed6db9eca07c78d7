//! A key that shall open nothing any more.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use tieline_contract::Code;
use tieline_model::key::{ApiKey, Scope};
use tieline_model::{Name, ProjectId};

use super::{digested, known_project, target};
use crate::api::Shared;
use crate::audit::Author;
use crate::auth::Caller;
use crate::problem::Failure;
use crate::v1::changes::alone;
use crate::v1::extract::{Asked, Of};

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asking {
    /// One of another project: for keys of `default` alone.
    project: Option<String>,
}

/// Revokes a key
///
/// It is refused at the next request, and the streams that it opened end within a second. The last
/// key that can make keys is not revoked.
#[utoipa::path(
    delete,
    path = "/v1/keys/{name}",
    tag = "keys",
    params(("name" = String, Path, description = "The key's name"), Asking),
    responses((status = 204, description = "It is revoked"))
)]
pub(crate) async fn revoke_key(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Of(name): Of<Name>,
    Asked(asking): Asked<Asking>,
) -> Result<StatusCode, Failure> {
    let (project, named) = known_project(&shared, &caller, asking.project.as_deref())?;
    let hub = Arc::clone(&shared.hub);
    // Done to its end: a key that the store has no more must not live on in the hub.
    hub.finish(async move {
        let of = (project, named.as_ref());
        revoke(&shared, &caller, of, &name).await
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn revoke(
    shared: &Arc<Shared>,
    caller: &Caller,
    (project, named): (ProjectId, Option<&Name>),
    name: &Name,
) -> Result<(), Failure> {
    let _alone = alone(shared).await;
    let store = shared.hub.store();
    let mut keys = store.keys().await?;
    let is_it = |key: &&ApiKey| key.project == project && key.name == name.as_str();
    let Some(row) = keys.iter().find(is_it) else {
        // It may have gone in a commit of which nobody heard.
        shared.keys.put(keys);
        return Err(Failure::not_found());
    };
    let now = shared.hub.latest();
    let lets_in = |key: &&ApiKey| {
        key.project == ProjectId::DEFAULT && key.allows(Scope::Admin) && key.is_good(now)
    };
    let others = keys.iter().filter(lets_in).any(|key| !is_it(&key));
    if lets_in(&row) && !others {
        let detail = "This is the last key with the scope `admin`. Make another one first.";
        return Err(Failure::new(Code::Conflict, detail));
    }
    let author = Author::caller(shared, caller);
    let named = target(named, name.as_str());
    let record = author.done("key.revoke", named, (Some(&digested(row)), None));
    store.remove_key(project, name.as_str(), record).await?;
    // The store is not asked again: it may not answer, and the key is gone.
    keys.retain(|key| !is_it(&key));
    shared.keys.put(keys);
    Ok(())
}
