//! API keys: made, listed and revoked. A key itself is shown once, by the request that made it.

pub(super) mod create;
pub(super) mod list;
pub(super) mod revoke;

use serde::Serialize;
use serde_json::{Value, json};
use tieline_contract::Code;
use tieline_model::key::{ApiKey, Scope};
use tieline_model::{Name, ProjectId, Timestamp};
use utoipa::ToSchema;

use crate::api::Shared;
use crate::auth::Caller;
use crate::problem::Failure;

/// A key, without the key itself.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Key)]
pub(crate) struct KeyView {
    name: String,
    /// The project that it opens, and no other.
    project: String,
    /// `read`, `trigger`, `operate`, `admin`, `worker`.
    #[schema(value_type = Vec<String>)]
    scopes: Vec<Scope>,
    /// Its last four characters.
    hint: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// From then on it is refused; `null` for never.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// To about a minute; `null` for never.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_used_at: Option<Timestamp>,
    /// Whether it is refused because its time is over.
    expired: bool,
}

impl KeyView {
    fn of(shared: &Shared, row: &ApiKey) -> Self {
        let catalog = shared.hub.catalog();
        let mut projects = catalog.projects.iter();
        let project = projects.find(|(id, _)| *id == row.project);
        Self {
            name: row.name.clone(),
            project: project.map_or("?", |(_, name)| name.as_str()).to_owned(),
            scopes: row.scopes.clone(),
            hint: row.hint.clone(),
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: shared.keys.last_use(row),
            expired: !row.is_good(shared.hub.latest()),
        }
    }
}

/// What is digested for the audit log: all but what changes by itself.
fn digested(row: &ApiKey) -> Value {
    json!({
        "project": row.project.0,
        "name": row.name,
        "scopes": row.scopes,
        "hint": row.hint,
        "created_at": row.created_at,
        "expires_at": row.expires_at,
    })
}

/// What the audit log calls a key: of another project than the caller's, with that one's name.
fn target(project: Option<&Name>, key: &str) -> String {
    match project {
        Some(project) => format!("{project}/{key}"),
        None => key.to_owned(),
    }
}

/// Refuses to look beyond the caller's own project, but for keys of `default`. Whether there is
/// such a project is not looked at.
fn beyond(caller: &Caller, project: Option<&Name>) -> Result<(), Failure> {
    if project.is_none() || caller.project == ProjectId::DEFAULT {
        return Ok(());
    }
    let detail = "Keys of other projects are for keys of the project `default`.";
    Err(Failure::new(Code::ForbiddenScope, detail))
}

/// The project whose keys are meant, which is there.
fn known_project(
    shared: &Shared,
    caller: &Caller,
    project: Option<&str>,
) -> Result<(ProjectId, Option<Name>), Failure> {
    let Some(project) = project else {
        return Ok((caller.project, None));
    };
    let project = Name::new(project).map_err(|_| Failure::not_found())?;
    beyond(caller, Some(&project))?;
    let id = shared.hub.catalog().project(project.as_str());
    let id = id.ok_or_else(Failure::not_found)?;
    Ok((id, Some(project)))
}
