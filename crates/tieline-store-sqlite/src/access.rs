//! Keys, projects, and the audit log, which the schema itself refuses to change.

use std::net::IpAddr;

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use tieline_model::audit::{Actor, AuditEntry, AuditRecord, Outcome};
use tieline_model::key::{ApiKey, Scope};
use tieline_model::page::{Page, PageRequest};
use tieline_model::{Name, ProjectId, Timestamp};

use crate::failure::Failure;

const KEY: i64 = 0;
const FILE: i64 = 1;
const HUB: i64 = 2;

const DONE: i64 = 0;
const BEGUN: i64 = 1;
const ENDED: i64 = 2;
const FAILED: i64 = 3;

pub(crate) fn put_project(
    connection: &Connection,
    name: &Name,
    record: &AuditRecord,
) -> Result<ProjectId, Failure> {
    let mut find = connection.prepare_cached("SELECT id FROM projects WHERE name = ?1")?;
    let found = find.query_row([name.as_str()], |row| row.get(0));
    if let Some(id) = found.optional()? {
        return Ok(ProjectId(id));
    }
    let put = "INSERT INTO projects (name) VALUES (?1)";
    connection.prepare_cached(put)?.execute([name.as_str()])?;
    let id = ProjectId(connection.last_insert_rowid());
    append(connection, record)?;
    Ok(id)
}

pub(crate) fn put_key(
    connection: &Connection,
    key: &ApiKey,
    record: &AuditRecord,
) -> Result<(), Failure> {
    let put = "INSERT OR REPLACE INTO keys (project, name, digest, hint, scopes, created_at, \
               expires_at, last_used_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let scopes = serde_json::to_string(&key.scopes).expect("scopes are plain words");
    connection.prepare_cached(put)?.execute(params![
        key.project.0,
        key.name,
        key.digest,
        key.hint,
        scopes,
        key.created_at.as_millis(),
        key.expires_at.map(Timestamp::as_millis),
        key.last_used_at.map(Timestamp::as_millis),
    ])?;
    append(connection, record)?;
    Ok(())
}

pub(crate) fn remove_key(
    connection: &Connection,
    (project, name): (ProjectId, &str),
    record: &AuditRecord,
) -> Result<bool, Failure> {
    let remove = "DELETE FROM keys WHERE project = ?1 AND name = ?2";
    let mut remove = connection.prepare_cached(remove)?;
    let removed = remove.execute(params![project.0, name])? > 0;
    if removed {
        append(connection, record)?;
    }
    Ok(removed)
}

pub(crate) fn touch_key(
    connection: &Connection,
    (project, name): (ProjectId, &str),
    used_at: Timestamp,
) -> Result<(), Failure> {
    let touch = "UPDATE keys SET last_used_at = max(coalesce(last_used_at, ?3), ?3) \
                 WHERE project = ?1 AND name = ?2";
    let used_at = used_at.as_millis();
    let mut touch = connection.prepare_cached(touch)?;
    touch.execute(params![project.0, name, used_at])?;
    Ok(())
}

pub(crate) fn keys(connection: &Connection) -> Result<Vec<ApiKey>, Failure> {
    let all = "SELECT project, name, digest, hint, scopes, created_at, expires_at, last_used_at \
               FROM keys ORDER BY project, name";
    let mut all = connection.prepare_cached(all)?;
    let mut rows = all.query([])?;
    let mut keys = Vec::new();
    while let Some(row) = rows.next()? {
        keys.push(key(row)?);
    }
    Ok(keys)
}

fn key(row: &Row<'_>) -> Result<ApiKey, Failure> {
    let scopes: String = row.get(4)?;
    let scopes: Vec<Scope> = serde_json::from_str(&scopes)
        .map_err(|_| Failure::Damaged("the scopes of a key cannot be read"))?;
    Ok(ApiKey {
        project: ProjectId(row.get(0)?),
        name: row.get(1)?,
        digest: row.get(2)?,
        hint: row.get(3)?,
        scopes,
        created_at: Timestamp::from_millis(row.get(5)?),
        expires_at: row.get::<_, Option<i64>>(6)?.map(Timestamp::from_millis),
        last_used_at: row.get::<_, Option<i64>>(7)?.map(Timestamp::from_millis),
    })
}

/// Returns the position of the entry.
pub(crate) fn append(connection: &Connection, record: &AuditRecord) -> Result<i64, Failure> {
    let (actor, name, hint) = match &record.actor {
        Actor::Key { name, hint } => (KEY, Some(name), Some(hint)),
        Actor::File => (FILE, None, None),
        Actor::Hub => (HUB, None, None),
    };
    let (outcome, begun) = match record.outcome {
        Outcome::Done => (DONE, None),
        Outcome::Begun => (BEGUN, None),
        Outcome::Ended { begun } => (ENDED, Some(begun)),
        Outcome::Failed { begun } => (FAILED, Some(begun)),
    };
    let put = "INSERT INTO audit (at, project, position, actor, key_name, key_hint, peer, action, \
               target, before, after, outcome, begun) VALUES (?1, ?2, \
               (SELECT coalesce(max(position), 0) + 1 FROM audit WHERE project = ?2), \
               ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) RETURNING position";
    let row = params![
        record.at.as_millis(),
        record.project.0,
        actor,
        name,
        hint,
        record.from.map(|from| from.to_string()),
        record.action,
        record.target,
        record.before,
        record.after,
        outcome,
        begun,
    ];
    Ok(connection
        .prepare_cached(put)?
        .query_row(row, |row| row.get(0))?)
}

pub(crate) fn audit(
    connection: &Connection,
    project: ProjectId,
    page: &PageRequest,
) -> Result<Page<AuditEntry>, Failure> {
    let select = "SELECT position, at, actor, key_name, key_hint, peer, action, target, before, \
                  after, outcome, begun FROM audit WHERE project = ?1 AND position < ?2 \
                  ORDER BY position DESC LIMIT ?3";
    let before = page.before.map(u128::from_be_bytes);
    let before = before.map_or(i64::MAX, |before| i64::try_from(before).unwrap_or(i64::MAX));
    let mut select = connection.prepare_cached(select)?;
    let mut found = select.query(params![project.0, before, page.limit + 1])?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        rows.push(entry(project, row)?);
    }
    let more = rows.len() > page.limit as usize;
    rows.truncate(page.limit as usize);
    let last = rows.last().filter(|_| more);
    Ok(Page {
        next: last.map(AuditEntry::cursor),
        rows,
    })
}

fn entry(project: ProjectId, row: &Row<'_>) -> Result<AuditEntry, Failure> {
    let unreadable = || Failure::Damaged("an entry of the audit log cannot be read");
    let actor = match row.get(2)? {
        KEY => Actor::Key {
            name: row.get(3)?,
            hint: row.get(4)?,
        },
        FILE => Actor::File,
        HUB => Actor::Hub,
        _ => return Err(unreadable()),
    };
    let outcome = match (row.get(10)?, row.get(11)?) {
        (DONE, None) => Outcome::Done,
        (BEGUN, None) => Outcome::Begun,
        (ENDED, Some(begun)) => Outcome::Ended { begun },
        (FAILED, Some(begun)) => Outcome::Failed { begun },
        _ => return Err(unreadable()),
    };
    let from: Option<String> = row.get(5)?;
    let from = from.map(|from| from.parse::<IpAddr>()).transpose();
    Ok(AuditEntry {
        position: row.get(0)?,
        record: AuditRecord {
            at: Timestamp::from_millis(row.get(1)?),
            project,
            actor,
            from: from.map_err(|_| unreadable())?,
            action: row.get(6)?,
            target: row.get(7)?,
            before: row.get(8)?,
            after: row.get(9)?,
            outcome,
        },
    })
}

#[cfg(test)]
mod tests;
