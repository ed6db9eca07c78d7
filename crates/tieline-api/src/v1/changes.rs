//! Changes of the catalogue: what stands there is looked at, changed and shown under one lock.

use std::sync::Arc;

use serde_json::{Map, Value};
use tieline_config::Current;
use tieline_contract::settings::REDACTED;
use tieline_contract::{Code, Problem, Problems};
use tieline_engine::{Applied, EngineError};
use tieline_model::audit::AuditRecord;
use tieline_model::{Agent, Connector, ManagedBy, Name, ProjectId};
use tieline_store::CatalogChange;

use crate::api::Shared;
use crate::audit::Author;
use crate::auth::Caller;
use crate::problem::Failure;

/// The rows of one project that are not removed, as they are stored: also those that cannot be
/// opened any more, so that they can be put right.
pub(super) struct Rows {
    pub(super) agents: Vec<Agent>,
    pub(super) connectors: Vec<Connector>,
}

impl Rows {
    pub(super) async fn load(shared: &Shared, project: ProjectId) -> Result<Self, Failure> {
        let mut all = shared.hub.store().catalog().await?;
        all.agents
            .retain(|row| row.project == project && !row.removed);
        all.connectors
            .retain(|row| row.project == project && !row.removed);
        Ok(Self {
            agents: all.agents,
            connectors: all.connectors,
        })
    }

    pub(super) fn agent(&self, name: &Name) -> Result<&Agent, Failure> {
        let found = self.agents.iter().find(|row| row.name == *name);
        found.ok_or_else(Failure::not_found)
    }

    pub(super) fn connector(&self, name: &Name) -> Result<&Connector, Failure> {
        let found = self.connectors.iter().find(|row| row.name == *name);
        found.ok_or_else(Failure::not_found)
    }

    /// What is written down of a change of these rows.
    pub(super) fn trail(
        &self,
        shared: &Shared,
        caller: &Caller,
        change: &CatalogChange,
    ) -> Vec<AuditRecord> {
        let current = Current {
            agents: &self.agents,
            connectors: &self.connectors,
        };
        Author::caller(shared, caller).changes(change, &current, &shared.types())
    }

    pub(super) fn agent_names(&self) -> Vec<Name> {
        self.agents.iter().map(|row| row.name.clone()).collect()
    }
}

/// Makes a change of at most one row. Problems are told from that row's own top.
pub(super) async fn change_one(
    shared: &Shared,
    caller: &Caller,
    (rows, mut change): (&Rows, CatalogChange),
) -> Result<Applied, Failure> {
    change.audit = rows.trail(shared, caller, &change);
    let applied = shared.hub.apply(caller.project, change).await;
    applied.map_err(of_its_own)
}

/// What is wrong with a change of one row, told from that row's own top.
pub(super) fn of_its_own(error: EngineError) -> Failure {
    match error {
        EngineError::Settings(problems) => {
            let own = relocated(problems, |path| {
                let below = path.strip_prefix("agents[0]");
                let below = below.or_else(|| path.strip_prefix("connectors[0]"));
                below.map(|below| below.trim_start_matches('.').to_owned())
            });
            Problem::from(own).into()
        }
        other => other.into(),
    }
}

/// The same problems with other paths; those for which there is none keep theirs.
pub(super) fn relocated(problems: Problems, path: impl Fn(&str) -> Option<String>) -> Problems {
    let mut all = Problems::default();
    for problem in problems.into_vec() {
        let path = path(&problem.path).unwrap_or(problem.path);
        match problem.fix {
            Some(fix) => all.add_with_fix(&path, problem.message, fix),
            None => all.add(&path, problem.message),
        }
    }
    all
}

/// Refuses to touch what a file made.
pub(super) fn of_api(
    shared: &Shared,
    project: ProjectId,
    managed_by: ManagedBy,
) -> Result<(), Failure> {
    match managed_by {
        ManagedBy::Api => Ok(()),
        ManagedBy::File => Err(managed_by_file(shared, project)),
    }
}

/// The hub's own files are of the project `default`; those of others are applied by their owners.
pub(super) fn managed_by_file(shared: &Shared, project: ProjectId) -> Failure {
    let own = shared.config_file.as_ref();
    let detail = match own.filter(|_| project == ProjectId::DEFAULT) {
        Some(file) => format!("Change `{}` and reload the hub.", file.display()),
        None => "Change the file that made it, and apply it.".to_owned(),
    };
    Failure::new(Code::ManagedByFile, detail)
}

pub(super) fn taken(what: &str, name: &Name) -> Failure {
    let detail = format!("There is a {what} `{name}`. Choose another name, or replace it by PUT.");
    Failure::new(Code::Conflict, detail)
}

/// What was shown and cannot be written: it is taken off what is sent back.
const SHOWN_ONLY: [&str; 5] = ["managed_by", "paused", "open", "address", "breaker"];

/// What somebody wrote, made ready for reading: the name of the path stands for one that is left
/// out, and a secret that was shown as hidden stands for the one that is there.
pub(super) fn written(
    value: Value,
    name: Option<&Name>,
    before: Option<&Map<String, Value>>,
) -> Result<Value, Failure> {
    let Value::Object(mut fields) = value else {
        return Ok(value);
    };
    fields.retain(|field, _| !SHOWN_ONLY.contains(&field.as_str()));
    if let Some(name) = name {
        let own = fields.entry("name").or_insert_with(|| name.as_str().into());
        if own.as_str().is_some_and(|own| own != name.as_str()) {
            let fix = format!("write `{name}`, or leave it out");
            let mut problems = Problems::default();
            problems.add_with_fix("name", "is not the name in the address", fix);
            return Err(Problem::from(problems).into());
        }
    }
    let mut value = Value::Object(fields);
    if let Some(before) = before {
        restore(&mut value, &Value::Object(before.clone()));
    }
    Ok(value)
}

fn restore(value: &mut Value, before: &Value) {
    match (value, before) {
        (Value::String(text), Value::String(secret)) if text == REDACTED => {
            text.clone_from(secret);
        }
        (Value::Object(fields), Value::Object(before)) => {
            for (name, field) in fields {
                if let Some(before) = before.get(name) {
                    restore(field, before);
                }
            }
        }
        (Value::Array(items), Value::Array(before)) => {
            for (item, before) in items.iter_mut().zip(before) {
                restore(item, before);
            }
        }
        _ => {}
    }
}

/// One change of the catalogue at a time, so that what was looked at still holds.
pub(super) async fn alone(shared: &Arc<Shared>) -> tokio::sync::MutexGuard<'_, ()> {
    shared.changing.lock().await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_shown_can_be_sent_back() {
        let name = Name::new("a").unwrap();
        let before = json!({"url": "u", "headers": {"x": "secret", "y": "1"}});
        let sent = json!({"paused": true, "headers": {"x": "***", "y": "2", "z": "***"}});
        let read = written(sent, Some(&name), before.as_object()).unwrap();
        let expected = json!({"headers": {"x": "secret", "y": "2", "z": "***"}, "name": "a"});
        assert_eq!(read, expected);
        assert!(written(json!({"name": "b"}), Some(&name), None).is_err());
    }
}
