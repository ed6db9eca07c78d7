//! The keys of the store's file: which there are, how far each is used, and how they change.
//!
//! The file says which master key is the right one and which data key seals; what a process has in
//! its memory follows. No value is sealed or opened here but when everything is sealed anew.

mod rotate;

use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, Row, TransactionBehavior, params};
use tieline_model::{ProjectId, Timestamp};
use tieline_vault::{HUB, MasterId, MasterKey, Vault, WrappedKey};

pub(crate) use self::rotate::rotate;
use crate::failure::Failure;
use crate::open::{self, OpenError};
use crate::{limits, rows};

const WRONG_KEY: Failure = Failure::Damaged("a key of the store is not what its master key wraps");
const NO_MASTER: Failure =
    Failure::Damaged("the store's master key has changed, and is not at hand");

/// The row of the master key.
pub(crate) struct Master {
    pub(crate) id: MasterId,
    canary: Vec<u8>,
    digest_key: Vec<u8>,
    since: Timestamp,
}

/// The keys of a store, without the keys themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VaultStatus {
    pub master: MasterId,
    /// When it became the store's master key.
    pub since: Timestamp,
    pub data_keys: u64,
    /// How many of them only open, and seal nothing any more.
    pub closed: u64,
    /// When the first of those was made that still seal.
    pub sealing_since: Option<Timestamp>,
    /// How many values those may have sealed.
    pub sealed: u64,
}

/// What a rotation has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    pub from: MasterId,
    pub to: MasterId,
    /// How many data keys are wrapped by the new master key now.
    pub rewrapped: u64,
    /// How many values of the catalogue and of the hub were sealed anew.
    pub resealed: u64,
}

/// Uses of a data key that a commit has reserved.
pub(crate) struct Reserved {
    key: WrappedKey,
    uses: u64,
    master: Arc<MasterKey>,
}

impl Reserved {
    /// After the commit: seals with the key from now on.
    pub(crate) fn admit(&self, vault: &Vault) -> Result<(), Failure> {
        let key = vault.learn(&self.master, &self.key);
        vault.admit(&key.map_err(|_| WRONG_KEY)?, self.uses);
        Ok(())
    }
}

/// The master key's row; `None` in a store that was never begun.
pub(crate) fn master(connection: &Connection) -> rusqlite::Result<Option<Master>> {
    let row = "SELECT master, canary, digest_key, since FROM vault";
    let read = |row: &Row<'_>| {
        Ok(Master {
            id: MasterId::from_bytes(row.get(0)?),
            canary: row.get(1)?,
            digest_key: row.get(2)?,
            since: Timestamp::from_millis(row.get(3)?),
        })
    };
    connection
        .prepare_cached(row)?
        .query_row([], read)
        .optional()
}

impl Master {
    /// The key itself, where it is at hand and opens the canary.
    pub(crate) fn key(&self, vault: &Vault) -> Option<Arc<MasterKey>> {
        let key = vault.master(self.id)?;
        key.opens(&self.canary).then_some(key)
    }
}

/// Refuses a store of another master key before anything is touched. Whatever else is wrong with the
/// file is left to its opening to say.
pub(crate) fn refuse_wrong_key(path: &Path, vault: &Vault) -> Result<(), OpenError> {
    let empty = path.metadata().is_ok_and(|about| about.len() == 0);
    if empty || !path.exists() {
        return Ok(());
    }
    let found = open::reader(path).and_then(|connection| master(&connection));
    match found {
        Ok(Some(master)) if master.key(vault).is_none() => Err(wrong_key(path, &master)),
        _ => Ok(()),
    }
}

fn wrong_key(path: &Path, master: &Master) -> OpenError {
    let (path, needs) = (path.to_owned(), master.id);
    OpenError::WrongKey { path, needs }
}

/// Makes the keys of a new store, or learns those of one that is there.
pub(crate) fn begin(
    connection: &mut Connection,
    path: &Path,
    vault: &Vault,
) -> Result<(), OpenError> {
    let unreadable = |source| OpenError::Open {
        path: path.to_owned(),
        source,
    };
    let found = master_or_new(connection, vault).map_err(unreadable)?;
    let Some(key) = found.key(vault) else {
        return Err(wrong_key(path, &found));
    };
    let learned = vault.learn_digest_key(&key, &found.digest_key);
    let learned = learned.map_err(|_| WRONG_KEY);
    let begun = learned
        .and_then(|()| learn(connection, vault))
        .and_then(|()| reserve_first(connection, vault));
    begun.map_err(|failure| match failure {
        Failure::Sqlite(source) => unreadable(source),
        other => OpenError::Vault {
            path: path.to_owned(),
            reason: other.to_string(),
        },
    })
}

fn master_or_new(connection: &mut Connection, vault: &Vault) -> rusqlite::Result<Master> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if let Some(found) = master(&transaction)? {
        return Ok(found);
    }
    let key = vault.first();
    let made = Master {
        id: key.id(),
        canary: vault.canary(&key),
        digest_key: vault.new_digest_key(&key),
        since: vault.now(),
    };
    let put = "INSERT INTO vault (master, canary, digest_key, since) VALUES (?1, ?2, ?3, ?4)";
    transaction.execute(
        put,
        params![
            made.id.as_bytes(),
            made.canary,
            made.digest_key,
            made.since.as_millis()
        ],
    )?;
    transaction.commit()?;
    Ok(made)
}

/// The master key that all keys are wrapped by at this moment.
fn standing(connection: &Connection, vault: &Vault) -> Result<Arc<MasterKey>, Failure> {
    let master = master(connection)?.ok_or(NO_MASTER)?;
    master.key(vault).ok_or(NO_MASTER)
}

/// Opens with every key of the file from now on.
pub(crate) fn learn(connection: &Connection, vault: &Vault) -> Result<(), Failure> {
    let master = standing(connection, vault)?;
    for key in wrapped(connection)? {
        if !vault.knows(key.id) {
            vault.learn(&master, &key).map_err(|_| WRONG_KEY)?;
        }
    }
    Ok(())
}

fn wrapped(connection: &Connection) -> rusqlite::Result<Vec<WrappedKey>> {
    let all = "SELECT id, project, generation, wrapped FROM data_keys ORDER BY id";
    let mut all = connection.prepare_cached(all)?;
    all.query_map([], wrapped_key)?.collect()
}

fn wrapped_key(row: &Row<'_>) -> rusqlite::Result<WrappedKey> {
    Ok(WrappedKey {
        id: row.get(0)?,
        project: ProjectId(row.get(1)?),
        generation: row.get(2)?,
        wrapped: row.get(3)?,
    })
}

/// Reserves a block of uses, of the key that seals for a project, or of a new one where that has
/// none left.
pub(crate) fn reserve(
    connection: &Connection,
    vault: &Vault,
    (project, uses): (ProjectId, u64),
) -> Result<Reserved, Failure> {
    let uses = uses.max(limits::USES);
    let master = standing(connection, vault)?;
    let add = "UPDATE data_keys SET reserved = reserved + ?2 WHERE project = ?1 AND closed = 0 \
               AND reserved + ?2 <= ?3 RETURNING id, project, generation, wrapped";
    let block = i64::try_from(uses).map_err(|_| Failure::Refused("too many values at once"))?;
    let mut add = connection.prepare_cached(add)?;
    let row = params![project.0, block, limits::USES_OF_A_KEY];
    let key = add.query_row(row, wrapped_key).optional()?;
    let key = match key {
        Some(key) => key,
        None => make(connection, vault, &master, (project, block))?,
    };
    Ok(Reserved { key, uses, master })
}

/// A new key for a project, in the place of the one that seals.
fn make(
    connection: &Connection,
    vault: &Vault,
    master: &MasterKey,
    (project, block): (ProjectId, i64),
) -> Result<WrappedKey, Failure> {
    let close = "UPDATE data_keys SET closed = 1 WHERE project = ?1 AND closed = 0";
    connection.prepare_cached(close)?.execute([project.0])?;
    let next = "SELECT 1 + coalesce(max(generation), 0) FROM data_keys WHERE project = ?1";
    let mut next = connection.prepare_cached(next)?;
    let generation = next.query_row([project.0], |row| row.get(0))?;
    let key = vault.new_key(master, project, generation);
    let put = "INSERT INTO data_keys (id, project, generation, reserved, made_at, wrapped) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    connection.prepare_cached(put)?.execute(params![
        key.id,
        project.0,
        generation,
        block,
        vault.now().as_millis(),
        key.wrapped,
    ])?;
    Ok(key)
}

pub(crate) fn status(connection: &Connection) -> Result<VaultStatus, Failure> {
    let master = master(connection)?.ok_or(NO_MASTER)?;
    let count = "SELECT count(*), coalesce(sum(closed), 0), \
                 min(made_at) FILTER (WHERE closed = 0), \
                 coalesce(sum(reserved) FILTER (WHERE closed = 0), 0) FROM data_keys";
    let status = connection.query_row(count, [], |row| {
        Ok(VaultStatus {
            master: master.id,
            since: master.since,
            data_keys: rows::count(row, 0)?,
            closed: rows::count(row, 1)?,
            sealing_since: rows::time(row, 2)?,
            sealed: rows::count(row, 3)?,
        })
    });
    Ok(status?)
}

/// Uses for those who certainly come, so that the first of them waits for no commit of its own.
fn reserve_first(connection: &mut Connection, vault: &Vault) -> Result<(), Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let projects = [HUB, ProjectId::DEFAULT];
    let reserved = projects.map(|project| reserve(&transaction, vault, (project, 0)));
    let reserved = reserved.into_iter().collect::<Result<Vec<_>, _>>()?;
    transaction.commit()?;
    reserved
        .iter()
        .try_for_each(|reserved| reserved.admit(vault))
}

#[cfg(test)]
mod tests;
