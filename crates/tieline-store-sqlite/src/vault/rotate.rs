//! Another master key, new data keys, and everything of the catalogue sealed anew: in one commit.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, params};
use tieline_model::ProjectId;
use tieline_vault::{DataKey, HUB, MasterId, MasterKey, Place, Vault};

use super::{NO_MASTER, Rotation, WRONG_KEY, make, master, wrapped};
use crate::failure::Failure;
use crate::limits;
use crate::sealed::{AGENT_SETTINGS, CONNECTOR_SECRETS, CONNECTOR_SETTINGS, Column, SETTING};

/// Values that are sealed anew: where each stands, and how its rows are read and written. Each query
/// gives what is updated by, the project, the name, and the value.
const RESEALED: [(Column, &str, &str); 4] = [
    (
        SETTING,
        "SELECT name, 0, name, value FROM settings",
        "UPDATE settings SET value = ?2 WHERE name = ?1",
    ),
    (
        AGENT_SETTINGS,
        "SELECT id, project, name, settings FROM agents",
        "UPDATE agents SET settings = ?2 WHERE id = ?1",
    ),
    (
        CONNECTOR_SETTINGS,
        "SELECT id, project, name, settings FROM connectors",
        "UPDATE connectors SET settings = ?2 WHERE id = ?1",
    ),
    (
        CONNECTOR_SECRETS,
        "SELECT id, project, name, secrets FROM connectors",
        "UPDATE connectors SET secrets = ?2 WHERE id = ?1",
    ),
];

/// Has the master key `to`, which may be the one that stands, wrap all keys, and closes every data
/// key: what is written from now on is sealed by new ones.
pub(crate) fn rotate(
    connection: &Connection,
    vault: &Vault,
    to: MasterId,
) -> Result<Rotation, Failure> {
    let standing = master(connection)?.ok_or(NO_MASTER)?;
    let from = standing.key(vault).ok_or(NO_MASTER)?;
    let to = vault.master(to).ok_or(NO_MASTER)?;
    super::learn(connection, vault)?;
    let mut rewrapped = 0;
    for key in wrapped(connection)? {
        let anew = vault.rewrap((&from, &to), &key).map_err(|_| WRONG_KEY)?;
        let put = "UPDATE data_keys SET wrapped = ?2, closed = 1 WHERE id = ?1";
        let mut put = connection.prepare_cached(put)?;
        rewrapped += put.execute(params![key.id, anew])? as u64;
    }
    let digest_key = vault.rewrap_digest_key((&from, &to), &standing.digest_key);
    // Without another master key, only the data keys are new.
    let since = if from.id() == to.id() {
        standing.since
    } else {
        vault.now()
    };
    let put = "UPDATE vault SET master = ?1, canary = ?2, digest_key = ?3, since = ?4";
    connection.prepare_cached(put)?.execute(params![
        to.id().as_bytes(),
        vault.canary(&to),
        digest_key.map_err(|_| WRONG_KEY)?,
        since.as_millis(),
    ])?;
    Ok(Rotation {
        from: from.id(),
        to: to.id(),
        rewrapped,
        resealed: reseal(connection, vault, &to)?,
    })
}

fn reseal(connection: &Connection, vault: &Vault, master: &MasterKey) -> Result<u64, Failure> {
    let mut keys = New {
        connection,
        vault,
        master,
        made: HashMap::new(),
    };
    let mut resealed = 0;
    for (column, select, put) in RESEALED {
        let mut select = connection.prepare_cached(select)?;
        let mut put = connection.prepare_cached(put)?;
        let mut rows = select.query([])?;
        let mut values = Vec::new();
        while let Some(row) = rows.next()? {
            let id: rusqlite::types::Value = row.get(0)?;
            let project = ProjectId(row.get(1)?);
            let (name, sealed): (String, Vec<u8>) = (row.get(2)?, row.get(3)?);
            let project = if column.is_hubs() { HUB } else { project };
            values.push((id, project, name, sealed));
        }
        for (id, project, name, sealed) in values {
            let place = column.at(project, name.as_bytes());
            put.execute(params![id, keys.reseal(&place, sealed)?])?;
            resealed += 1;
        }
    }
    Ok(resealed)
}

/// The keys that are made for what is sealed anew.
struct New<'a> {
    connection: &'a Connection,
    vault: &'a Vault,
    master: &'a MasterKey,
    made: HashMap<ProjectId, Arc<DataKey>>,
}

impl New<'_> {
    fn reseal(&mut self, place: &Place<'_>, sealed: Vec<u8>) -> Result<Vec<u8>, Failure> {
        let opened = self.vault.open(place, sealed);
        let opened = opened.ok_or(Failure::Damaged("a row of the catalogue does not open"))?;
        let key = match self.made.get(&place.project) {
            Some(key) => Arc::clone(key),
            None => self.make(place.project)?,
        };
        Ok(key.seal(place, &[&opened]))
    }

    /// What it seals here comes out of the block that is reserved with it, and no more of that block
    /// is ever used: the next who seals reserves another.
    fn make(&mut self, project: ProjectId) -> Result<Arc<DataKey>, Failure> {
        let block = i64::try_from(limits::USES).expect("a block is small");
        let key = make(self.connection, self.vault, self.master, (project, block))?;
        let key = self.vault.learn(self.master, &key).map_err(|_| WRONG_KEY)?;
        self.made.insert(project, Arc::clone(&key));
        Ok(key)
    }
}
