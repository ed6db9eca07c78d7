//! Agents, connectors and settings.

mod codec;

use rusqlite::{Connection, OptionalExtension as _, params};
use tieline_model::{Agent, Connector, Name, ProjectId};
use tieline_store::{Catalog, CatalogChange};
use tieline_vault::{DataKey, HUB, Vault};

use crate::access;
use crate::failure::Failure;
use crate::sealed::{SETTING, Sealed, Source};

/// The catalogue with everything that may hold a secret still sealed.
#[derive(Default)]
pub(crate) struct SealedCatalog {
    projects: Vec<(ProjectId, Name)>,
    agents: Vec<codec::SealedAgent>,
    connectors: Vec<codec::SealedConnector>,
}

impl Sealed for SealedCatalog {
    type Open = Result<Catalog, Failure>;

    fn open(self, vault: &Vault) -> Self::Open {
        let (agents, connectors) = (self.agents.into_iter(), self.connectors.into_iter());
        Ok(Catalog {
            projects: self.projects,
            agents: agents
                .map(|sealed| sealed.open(vault))
                .collect::<Result<_, _>>()?,
            connectors: connectors
                .map(|sealed| sealed.open(vault))
                .collect::<Result<_, _>>()?,
        })
    }

    fn bytes(&self) -> usize {
        0
    }
}

pub(crate) fn read(from: &Source<'_>) -> Result<SealedCatalog, Failure> {
    let mut catalog = SealedCatalog::default();
    let mut projects = from.prepare_cached("SELECT id, name FROM projects ORDER BY id")?;
    let mut rows = projects.query([])?;
    while let Some(row) = rows.next()? {
        let name: String = row.get(1)?;
        let name = Name::new(&name).map_err(|_| Failure::Damaged("a project has no name"))?;
        catalog.projects.push((ProjectId(row.get(0)?), name));
    }
    let mut agents = from.prepare_cached(codec::SELECT_AGENTS)?;
    let mut rows = agents.query([])?;
    while let Some(row) = rows.next()? {
        catalog.agents.push(codec::agent(from, row)?);
    }
    let mut connectors = from.prepare_cached(codec::SELECT_CONNECTORS)?;
    let mut rows = connectors.query([])?;
    while let Some(row) = rows.next()? {
        catalog.connectors.push(codec::connector(from, row)?);
    }
    Ok(catalog)
}

/// A change, with what may hold a secret sealed.
pub(crate) struct SealedChange {
    change: CatalogChange,
    agents: Vec<Vec<u8>>,
    connectors: Vec<codec::SealedParts>,
}

impl SealedChange {
    /// At most so many values.
    pub(crate) fn values(change: &CatalogChange) -> u64 {
        (change.put_agents.len() + 2 * change.put_connectors.len()) as u64
    }

    pub(crate) fn new(key: &DataKey, project: ProjectId, change: CatalogChange) -> Self {
        let agents = change.put_agents.iter();
        let connectors = change.put_connectors.iter();
        Self {
            agents: agents
                .map(|agent| codec::seal_agent(key, project, agent))
                .collect(),
            connectors: connectors
                .map(|connector| codec::seal_connector(key, project, connector))
                .collect(),
            change,
        }
    }
}

/// Removes first, so that one change can put a fresh row in the place of a removed one.
pub(crate) fn change(
    connection: &Source<'_>,
    project: ProjectId,
    sealed: &SealedChange,
) -> Result<SealedCatalog, Failure> {
    let change = &sealed.change;
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
    for (agent, settings) in change.put_agents.iter().zip(&sealed.agents) {
        put_agent(connection, project, (agent, settings))?;
    }
    for (connector, parts) in change.put_connectors.iter().zip(&sealed.connectors) {
        put_connector(connection, project, (connector, parts))?;
    }
    for record in &change.audit {
        access::append(connection, record)?;
    }
    read(connection)
}

fn put_agent(
    connection: &Connection,
    project: ProjectId,
    (agent, settings): (&Agent, &[u8]),
) -> Result<(), Failure> {
    let find = "SELECT id FROM agents WHERE project = ?1 AND name = ?2 AND removed = 0";
    let id = find_id(connection, find, project, &agent.name)?;
    codec::put_agent(connection, (id, project), (agent, settings))
}

fn put_connector(
    connection: &Connection,
    project: ProjectId,
    (connector, parts): (&Connector, &codec::SealedParts),
) -> Result<(), Failure> {
    let find = "SELECT id FROM connectors WHERE project = ?1 AND name = ?2 AND removed = 0";
    let id = find_id(connection, find, project, &connector.name)?;
    codec::put_connector(connection, (id, project), (connector, parts))
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

/// A value of the hub itself, still sealed.
pub(crate) struct SealedSetting {
    name: String,
    value: Vec<u8>,
}

impl SealedSetting {
    pub(crate) fn new(key: &DataKey, name: &str, value: &[u8]) -> Self {
        let value = key.seal(&SETTING.at(HUB, name.as_bytes()), &[value]);
        let name = name.to_owned();
        Self { name, value }
    }
}

impl Sealed for SealedSetting {
    type Open = Result<Vec<u8>, Failure>;

    fn open(self, vault: &Vault) -> Self::Open {
        let value = vault.open(&SETTING.at(HUB, self.name.as_bytes()), self.value);
        let value = value.ok_or(Failure::Damaged("a setting of the hub does not open"))?;
        Ok(value.to_vec())
    }

    fn bytes(&self) -> usize {
        self.value.len()
    }
}

pub(crate) fn setting(from: &Source<'_>, name: &str) -> Result<Option<SealedSetting>, Failure> {
    let mut get = from.prepare_cached("SELECT value FROM settings WHERE name = ?1")?;
    let mut rows = get.query([name])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let value = from.value(row, 0)?;
    let name = name.to_owned();
    Ok(value.map(|value| SealedSetting { name, value }))
}

pub(crate) fn put_setting_once(
    from: &Source<'_>,
    put: &SealedSetting,
) -> Result<SealedSetting, Failure> {
    let insert = "INSERT INTO settings (name, value) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    from.prepare_cached(insert)?
        .execute(params![put.name, put.value])?;
    let standing = setting(from, &put.name)?;
    standing.ok_or(Failure::Damaged("a setting that was put is not there"))
}
