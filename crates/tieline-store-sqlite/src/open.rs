//! Opening a file: made private before SQLite sees it, brought to the newest schema, given its keys.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use tieline_vault::{MasterId, Vault};

use crate::{limits, migrate, vault};

/// Why a file could not be opened as a store.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("create the store's file `{path}`")]
    Create {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("open the store's file `{path}`")]
    Open {
        path: PathBuf,
        #[source]
        source: rusqlite::Error,
    },
    #[error("keep a write-ahead log beside `{path}`: its file system cannot, use a local one")]
    NoLog { path: PathBuf },
    #[error("read `{path}`: it is a database, but not one of the hub")]
    Foreign { path: PathBuf },
    #[error("read `{path}`: it has schema version {found}, this binary knows {known} and older")]
    Newer {
        path: PathBuf,
        found: i64,
        known: i64,
    },
    #[error("bring `{path}` to schema version {version}")]
    Migrate {
        path: PathBuf,
        version: i64,
        #[source]
        source: rusqlite::Error,
    },
    #[error("open `{path}`: it is sealed by the master key {needs}, which is not at hand")]
    WrongKey { path: PathBuf, needs: MasterId },
    #[error("begin the keys of `{path}`: {reason}")]
    Vault { path: PathBuf, reason: String },
    #[error("start the thread that writes to the store")]
    Thread(#[source] io::Error),
}

/// Opens the connection that writes, with the schema at its newest version.
pub(crate) fn writer(path: &Path, vault: &Vault) -> Result<Connection, OpenError> {
    vault::refuse_wrong_key(path, vault)?;
    create(path).map_err(|source| OpenError::Create {
        path: path.to_owned(),
        source,
    })?;
    let in_file = |source| OpenError::Open {
        path: path.to_owned(),
        source,
    };
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(in_file)?;
    if !set_up_writer(&connection).map_err(in_file)? {
        let path = path.to_owned();
        return Err(OpenError::NoLog { path });
    }
    migrate::to_newest(&mut connection, path)?;
    vault::begin(&mut connection, path, vault)?;
    Ok(connection)
}

/// Opens a connection that cannot write.
pub(crate) fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.pragma_update(None, "cache_size", -limits::READER_CACHE_KIB)?;
    Ok(connection)
}

/// Makes the file for its owner alone; SQLite gives the log beside it the same mode.
fn create(path: &Path) -> io::Result<()> {
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    match made {
        Ok(_) => sync_folder(path),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Syncs the folder of a new file: its name has to survive a power loss as its content does.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

fn connect(path: &Path, access: OpenFlags) -> rusqlite::Result<Connection> {
    // Each connection is used by one thread at a time.
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(limits::BUSY)?;
    connection.set_prepared_statement_cache_capacity(limits::STATEMENTS);
    connection.pragma_update(None, "temp_store", "memory")?;
    // A plan never depends on the values bound to it; else statements are compiled again and
    // again, where the planner looks at a value to see whether a partial index will do.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    Ok(connection)
}

/// Whether the file can have a write-ahead log.
fn set_up_writer(connection: &Connection) -> rusqlite::Result<bool> {
    connection.pragma_update(None, "page_size", limits::PAGE_BYTES)?;
    let mode: String = connection.query_row("PRAGMA journal_mode = wal", [], |row| row.get(0))?;
    // Every commit is synced before it is answered.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "cache_size", -limits::WRITER_CACHE_KIB)?;
    connection.pragma_update(None, "journal_size_limit", limits::LOG_BYTES)?;
    // What is erased is overwritten in the file, and not only forgotten.
    connection.pragma_update(None, "secure_delete", true)?;
    // The writer copies the log back itself, see there.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    Ok(mode == "wal")
}

#[cfg(test)]
mod tests;
