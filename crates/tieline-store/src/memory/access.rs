//! Keys, projects, and what was written down.

use tieline_model::audit::{AuditEntry, AuditRecord};
use tieline_model::page::{Page, PageRequest};
use tieline_model::{Name, ProjectId};

use super::State;

impl State {
    pub(super) fn put_project(&mut self, name: Name, record: AuditRecord) -> ProjectId {
        let known = self.catalog().projects;
        if let Some((id, _)) = known.iter().find(|(_, known)| *known == name) {
            return *id;
        }
        let count = i64::try_from(known.len()).expect("fewer projects than fit in memory");
        let id = ProjectId(count + 1);
        self.projects.push((id, name));
        self.audit.push(record);
        id
    }

    pub(super) fn remove_key(
        &mut self,
        (project, name): (ProjectId, &str),
        record: AuditRecord,
    ) -> bool {
        let removed = self.keys.remove(&(project, name.to_owned())).is_some();
        if removed {
            self.audit.push(record);
        }
        removed
    }

    pub(super) fn list_audit(&self, project: ProjectId, page: &PageRequest) -> Page<AuditEntry> {
        let before = page.before.map(u128::from_be_bytes);
        let of_project = self.audit.iter().filter(|one| one.project == project);
        let mut rows: Vec<_> = of_project
            .zip(1..)
            .filter(|(_, position)| before.is_none_or(|before| *position < before))
            .map(|(record, position)| AuditEntry {
                position: i64::try_from(position).expect("fewer entries than fit in memory"),
                record: record.clone(),
            })
            .collect();
        rows.reverse();
        let more = rows.len() > page.limit as usize;
        rows.truncate(page.limit as usize);
        let last = rows.last().filter(|_| more);
        Page {
            next: last.map(AuditEntry::cursor),
            rows,
        }
    }
}
