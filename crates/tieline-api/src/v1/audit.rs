//! The audit log: who did what. It is added to by what is done, and by nothing else.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use tieline_model::Timestamp;
use tieline_model::audit::{Actor, AuditEntry, Outcome};
use utoipa::ToSchema;

use crate::api::Shared;
use crate::auth::Caller;
use crate::problem::Failure;
use crate::v1::extract::Asked;
use crate::v1::page::{List, Paging, by_id, fitting};

/// One thing that was done.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub(crate) struct EntryView {
    /// Counts up, over all projects.
    position: i64,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// `key`, `file` (the hub's configuration) or `hub` (the hub by itself).
    actor: &'static str,
    /// The name of the key.
    key: Option<String>,
    /// The last four characters of the key.
    key_hint: Option<String>,
    /// The address that the request came from.
    from: Option<String>,
    /// `connector.create`, `run.cancel`, …
    action: String,
    /// A name, an id, or what narrows the many that are meant.
    target: String,
    /// SHA-256 of what it was, as it was shown.
    before: Option<String>,
    /// SHA-256 of what it is, as it is shown.
    after: Option<String>,
    /// `done` in the same commit; `begun`: written down before it was tried; `ended` or `failed`:
    /// how what was begun was answered.
    outcome: &'static str,
    /// The position of what was begun, of what ended or failed.
    begun: Option<i64>,
}

impl From<AuditEntry> for EntryView {
    fn from(AuditEntry { position, record }: AuditEntry) -> Self {
        let (actor, key, key_hint) = match record.actor {
            Actor::Key { name, hint } => ("key", Some(name), Some(hint)),
            Actor::File => ("file", None, None),
            Actor::Hub => ("hub", None, None),
        };
        let (outcome, begun) = match record.outcome {
            Outcome::Done => ("done", None),
            Outcome::Begun => ("begun", None),
            Outcome::Ended { begun } => ("ended", Some(begun)),
            Outcome::Failed { begun } => ("failed", Some(begun)),
        };
        Self {
            position,
            at: record.at,
            actor,
            key,
            key_hint,
            from: record.from.map(|from| from.to_string()),
            action: record.action,
            target: record.target,
            before: record.before.map(hex),
            after: record.after.map(hex),
            outcome,
            begun,
        }
    }
}

/// Lists what was done in the key's project, newest first
#[utoipa::path(
    get,
    path = "/v1/audit",
    tag = "audit",
    params(Paging),
    responses((status = 200, description = "One page", body = List<EntryView>))
)]
pub(crate) async fn list_audit(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Asked(paging): Asked<Paging>,
) -> Result<Json<List<EntryView>>, Failure> {
    let page = by_id(paging.limit, paging.cursor.as_deref())?;
    let page = shared.hub.store().audit(caller.project, page).await?;
    let (entries, next_cursor) = fitting(page, AuditEntry::cursor, |_| 0);
    Ok(Json(List {
        data: entries.into_iter().map(EntryView::from).collect(),
        next_cursor,
    }))
}

fn hex(digest: [u8; 32]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(64);
    for byte in digest {
        write!(text, "{byte:02x}").expect("writing to a string does not fail");
    }
    text
}
