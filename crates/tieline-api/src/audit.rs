//! What the API writes into the audit log: names, ids and digests, and no content.

use std::net::IpAddr;
use std::sync::Arc;

use serde_json::Value;
use tieline_config::{Current, Types, show_agent, show_connector};
use tieline_model::audit::{Actor, AuditRecord, Outcome};
use tieline_model::{Agent, Connector, ProjectId, Timestamp};
use tieline_store::CatalogChange;

use crate::api::Shared;
use crate::auth::Caller;
use crate::problem::Failure;

/// Who does something, when, and from where.
#[derive(Clone, Debug)]
pub struct Author {
    pub at: Timestamp,
    pub project: ProjectId,
    pub actor: Actor,
    pub from: Option<IpAddr>,
}

impl Author {
    /// The hub's own configuration files, in the project that they are of.
    pub const fn file(at: Timestamp) -> Self {
        Self {
            at,
            project: ProjectId::DEFAULT,
            actor: Actor::File,
            from: None,
        }
    }

    /// Whoever calls `/v1`.
    pub(crate) fn caller(shared: &Shared, caller: &Caller) -> Self {
        let key = &caller.key.row;
        Self {
            at: shared.hub.now(),
            project: caller.project,
            actor: Actor::Key {
                name: key.name.clone(),
                hint: key.hint.clone(),
            },
            from: caller.from,
        }
    }

    /// Something that is done in the same commit.
    pub(crate) fn done(
        &self,
        action: &str,
        target: impl Into<String>,
        (before, after): (Option<&Value>, Option<&Value>),
    ) -> AuditRecord {
        AuditRecord {
            at: self.at,
            project: self.project,
            actor: self.actor.clone(),
            from: self.from,
            action: action.to_owned(),
            target: target.into(),
            before: before.map(digest),
            after: after.map(digest),
            outcome: Outcome::Done,
        }
    }

    /// What a change of the catalogue does, row by row.
    pub fn changes(
        &self,
        change: &CatalogChange,
        current: &Current<'_>,
        types: &Types<'_>,
    ) -> Vec<AuditRecord> {
        let agent = |row: &Agent| show_agent(row, types);
        let connector = |row: &Connector| show_connector(row, types);
        let agents = Rows {
            kind: "agent",
            put: change
                .put_agents
                .iter()
                .map(|row| (row.name.as_str(), agent(row)))
                .collect(),
            removed: current
                .agents
                .iter()
                .filter(|row| change.remove_agents.contains(&row.id))
                .map(|row| row.name.as_str())
                .collect(),
            before: current
                .agents
                .iter()
                .map(|row| (row.name.as_str(), agent(row)))
                .collect(),
        };
        let connectors = Rows {
            kind: "connector",
            put: change
                .put_connectors
                .iter()
                .map(|row| (row.name.as_str(), connector(row)))
                .collect(),
            removed: current
                .connectors
                .iter()
                .filter(|row| change.remove_connectors.contains(&row.id))
                .map(|row| row.name.as_str())
                .collect(),
            before: current
                .connectors
                .iter()
                .map(|row| (row.name.as_str(), connector(row)))
                .collect(),
        };
        let mut records = agents.records(self);
        records.extend(connectors.records(self));
        records
    }
}

/// What is put and removed of one kind, by name, as it is shown.
struct Rows<'a> {
    kind: &'static str,
    put: Vec<(&'a str, Value)>,
    removed: Vec<&'a str>,
    before: Vec<(&'a str, Value)>,
}

impl Rows<'_> {
    fn before(&self, name: &str) -> Option<&Value> {
        let mut before = self.before.iter();
        before.find(|(known, _)| *known == name).map(|(_, row)| row)
    }

    fn records(&self, author: &Author) -> Vec<AuditRecord> {
        let is_put = |name: &str| self.put.iter().any(|(put, _)| *put == name);
        let gone = self
            .removed
            .iter()
            .filter(|name| !is_put(name))
            .map(|name| {
                let action = format!("{}.remove", self.kind);
                author.done(&action, *name, (self.before(name), None))
            });
        let put = self.put.iter().map(|(name, row)| {
            let before = self.before(name);
            let verb = if before.is_some() { "update" } else { "create" };
            let action = format!("{}.{verb}", self.kind);
            author.done(&action, *name, (before, Some(row)))
        });
        gone.chain(put).collect()
    }
}

/// What was written down before it was tried.
#[must_use = "how it was answered is written down, too"]
#[derive(Debug)]
pub(crate) struct Begun {
    position: i64,
    record: AuditRecord,
}

impl Begun {
    /// Writes down how it was answered, also where the caller goes away meanwhile. Where that is not
    /// possible the act stays as it is: its entry has no end, and the log says so.
    pub(crate) async fn answered(self, shared: &Shared, success: bool) {
        let Self { position, record } = self;
        let begun = position;
        let record = AuditRecord {
            at: shared.hub.now(),
            outcome: if success {
                Outcome::Ended { begun }
            } else {
                Outcome::Failed { begun }
            },
            ..record
        };
        let hub = Arc::clone(&shared.hub);
        let append = async move { hub.store().append_audit(record).await };
        if let Err(error) = shared.hub.finish(append).await {
            tracing::error!(
                %error,
                position,
                "how `{position}` of the audit log was answered cannot be written down"
            );
        }
    }
}

/// Writes down what a caller is about to do. Where that is not possible, it is not done.
pub(crate) async fn begun(
    shared: &Shared,
    caller: &Caller,
    action: &str,
    target: String,
) -> Result<Begun, Failure> {
    let author = Author::caller(shared, caller);
    let record = AuditRecord {
        outcome: Outcome::Begun,
        ..author.done(action, target, (None, None))
    };
    let position = shared.hub.store().append_audit(record.clone()).await?;
    Ok(Begun { position, record })
}

/// SHA-256 of a resource as it is shown. JSON written anew has its fields in the order in which
/// they are shown.
fn digest(shown: &Value) -> [u8; 32] {
    tieline_vault::sha256(shown.to_string().as_bytes())
}
