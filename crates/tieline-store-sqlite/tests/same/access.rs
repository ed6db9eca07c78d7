//! Keys, projects, and what is written down.

use tieline_model::audit::{Actor, AuditRecord, Outcome};
use tieline_model::key::{ApiKey, Scope};
use tieline_model::{Name, ProjectId, Timestamp};
use tieline_store::Store;

use super::act::told;
use super::ops::Op;

pub(crate) async fn perform(store: &dyn Store, now: Timestamp, op: &Op) -> String {
    match op {
        Op::PutKey {
            project,
            name,
            digest,
        } => {
            let key = ApiKey {
                project: ProjectId(*project),
                name: format!("k{name}"),
                digest: [*digest; 32],
                hint: format!("h{digest}"),
                scopes: vec![Scope::Operate, Scope::Read],
                created_at: now,
                expires_at: digest.is_multiple_of(2).then_some(now),
                last_used_at: None,
            };
            let record = record(key.project, now, "key.create");
            told(store.put_key(key, record).await)
        }
        Op::RemoveKey { project, name } => {
            let (project, name) = (ProjectId(*project), format!("k{name}"));
            let record = record(project, now, "key.revoke");
            told(store.remove_key(project, &name, record).await)
        }
        Op::TouchKey { project, name } => {
            let (project, name) = (ProjectId(*project), format!("k{name}"));
            told(store.touch_key(project, &name, now).await)
        }
        Op::PutProject { name } => {
            let name = Name::new(&format!("p{name}")).expect("a name");
            let record = record(ProjectId::DEFAULT, now, "project.create");
            told(store.put_project(name, record).await)
        }
        other => format!("no access: {other:?}"),
    }
}

pub(crate) fn record(project: ProjectId, at: Timestamp, action: &str) -> AuditRecord {
    AuditRecord {
        at,
        project,
        actor: Actor::File,
        from: None,
        action: action.to_owned(),
        target: "it".to_owned(),
        before: None,
        after: Some([7; 32]),
        outcome: Outcome::Done,
    }
}
