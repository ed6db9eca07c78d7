//! Bringing a file to the newest schema, one transaction per version.
//!
//! A file that a newer binary has written is refused: what it means is not known here.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior};

use crate::open::OpenError;

/// Each one brings the schema from the version of its index to the next.
const MIGRATIONS: &[&str] = &[include_str!("../migrations/0001_first.sql")];

/// The schema version that this binary writes.
pub(crate) fn known() -> i64 {
    i64::try_from(MIGRATIONS.len()).expect("migrations are few")
}

/// Applies what is missing, also where another process does the same at this moment.
pub(crate) fn to_newest(connection: &mut Connection, path: &Path) -> Result<(), OpenError> {
    while step(connection, path)? {}
    Ok(())
}

/// Applies the next migration; `false` where there is none.
fn step(connection: &mut Connection, path: &Path) -> Result<bool, OpenError> {
    let unreadable = |source| OpenError::Open {
        path: path.to_owned(),
        source,
    };
    let immediate = TransactionBehavior::Immediate;
    let transaction = connection
        .transaction_with_behavior(immediate)
        .map_err(unreadable)?;
    let found = version(&transaction).map_err(unreadable)?;
    let path = path.to_owned();
    let Some(found) = found else {
        return Err(OpenError::Foreign { path });
    };
    let known = known();
    if found > known {
        return Err(OpenError::Newer { path, found, known });
    }
    let next = usize::try_from(found)
        .ok()
        .and_then(|at| MIGRATIONS.get(at));
    let Some(next) = next else {
        return Ok(false);
    };
    let version = found + 1;
    let apply = |transaction: Transaction<'_>| {
        transaction.execute_batch(next)?;
        transaction.execute("UPDATE schema_version SET version = ?1", [version])?;
        transaction.commit()
    };
    let applied = apply(transaction);
    applied.map_err(|source| OpenError::Migrate {
        path,
        version,
        source,
    })?;
    Ok(true)
}

/// Zero for an empty file, `None` for a database of something else.
pub(crate) fn version(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables == 0 {
        return Ok(Some(0));
    }
    let marked = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schema_version'";
    let marked = connection.query_row(marked, [], |_| Ok(())).optional()?;
    if marked.is_none() {
        return Ok(None);
    }
    let version = "SELECT version FROM schema_version";
    connection
        .query_row(version, [], |row| row.get(0))
        .optional()
}
