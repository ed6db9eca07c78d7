//! Agents, connectors, settings and keys.

mod codec;

use rusqlite::{Connection, OptionalExtension as _, params};
use tieline_model::key::ApiKey;
use tieline_model::{Agent, Connector, Name, ProjectId};
use tieline_store::{Catalog, CatalogChange};

use crate::failure::Failure;

pub(crate) fn read(connection: &Connection) -> Result<Catalog, Failure> {
    let mut catalog = Catalog::default();
    let mut projects = connection.prepare_cached("SELECT id, name FROM projects ORDER BY id")?;
    let mut rows = projects.query([])?;
    while let Some(row) = rows.next()? {
        let name: String = row.get(1)?;
        let name = Name::new(&name).map_err(|_| Failure::Damaged("a project has no name"))?;
        catalog.projects.push((ProjectId(row.get(0)?), name));
    }
    let mut agents = connection.prepare_cached(codec::SELECT_AGENTS)?;
    let mut rows = agents.query([])?;
    while let Some(row) = rows.next()? {
        catalog.agents.push(codec::agent(row)?);
    }
    let mut connectors = connection.prepare_cached(codec::SELECT_CONNECTORS)?;
    let mut rows = connectors.query([])?;
    while let Some(row) = rows.next()? {
        catalog.connectors.push(codec::connector(row)?);
    }
    Ok(catalog)
}

/// Removes first, so that one change can put a fresh row in the place of a removed one.
pub(crate) fn change(
    connection: &Connection,
    project: ProjectId,
    change: &CatalogChange,
) -> Result<Catalog, Failure> {
    let remove = "UPDATE agents SET removed = 1 WHERE project = ?1 AND id = ?2";
    let mut remove = connection.prepare_cached(remove)?;
    for id in &change.remove_agents {
        remove.execute(params![project.0, id.0])?;
    }
    let remove = "UPDATE connectors SET removed = 1 WHERE project = ?1 AND id = ?2";
    let mut remove = connection.prepare_cached(remove)?;
    for id in &change.remove_connectors {
        remove.execute(params![project.0, id.0])?;
    }
    for agent in &change.put_agents {
        put_agent(connection, project, agent)?;
    }
    for connector in &change.put_connectors {
        put_connector(connection, project, connector)?;
    }
    read(connection)
}

fn put_agent(connection: &Connection, project: ProjectId, agent: &Agent) -> Result<(), Failure> {
    let find = "SELECT id FROM agents WHERE project = ?1 AND name = ?2 AND removed = 0";
    let id = find_id(connection, find, project, &agent.name)?;
    codec::put_agent(connection, (id, project), agent)
}

fn put_connector(
    connection: &Connection,
    project: ProjectId,
    connector: &Connector,
) -> Result<(), Failure> {
    let find = "SELECT id FROM connectors WHERE project = ?1 AND name = ?2 AND removed = 0";
    let id = find_id(connection, find, project, &connector.name)?;
    codec::put_connector(connection, (id, project), connector)
}

fn find_id(
    connection: &Connection,
    find: &str,
    project: ProjectId,
    name: &Name,
) -> rusqlite::Result<Option<i64>> {
    let mut find = connection.prepare_cached(find)?;
    let found = find.query_row(params![project.0, name.as_str()], |row| row.get(0));
    found.optional()
}

pub(crate) fn setting(connection: &Connection, name: &str) -> Result<Option<Vec<u8>>, Failure> {
    let mut get = connection.prepare_cached("SELECT value FROM settings WHERE name = ?1")?;
    Ok(get.query_row([name], |row| row.get(0)).optional()?)
}

pub(crate) fn put_setting_once(
    connection: &Connection,
    name: &str,
    value: &[u8],
) -> Result<Vec<u8>, Failure> {
    let put = "INSERT INTO settings (name, value) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    connection
        .prepare_cached(put)?
        .execute(params![name, value])?;
    let standing = setting(connection, name)?;
    standing.ok_or(Failure::Damaged("a setting that was put is not there"))
}

pub(crate) fn put_key(connection: &Connection, key: &ApiKey) -> Result<(), Failure> {
    let put = "INSERT OR REPLACE INTO keys (project, name, digest, scopes, created_at) \
               VALUES (?1, ?2, ?3, ?4, ?5)";
    connection.prepare_cached(put)?.execute(params![
        key.project.0,
        key.name,
        key.digest,
        codec::json(&key.scopes),
        key.created_at.as_millis(),
    ])?;
    Ok(())
}

pub(crate) fn keys(connection: &Connection) -> Result<Vec<ApiKey>, Failure> {
    let all = "SELECT project, name, digest, scopes, created_at FROM keys ORDER BY project, name";
    let mut all = connection.prepare_cached(all)?;
    let mut rows = all.query([])?;
    let mut keys = Vec::new();
    while let Some(row) = rows.next()? {
        keys.push(codec::key(row)?);
    }
    Ok(keys)
}
