//! The store in one SQLite file: durable before it answers, and fast because it commits together.
//!
//! One thread writes (`writer`), a few connections read beside it (`readers`). Bodies, secrets and what
//! quotes them are sealed before the writer hears of them (`seal`, `sealed`). Nothing in here decides what happens to a run or a delivery, and no SQL is written outside of this crate.

mod access;
mod backup;
mod catalog;
mod examine;
mod failure;
mod health;
mod journal;
mod limits;
mod migrate;
mod open;
mod payload;
mod queue;
mod readers;
mod retain;
mod rows;
mod seal;
mod sealed;
mod sealing;
mod store;
mod vault;
mod writer;

use std::path::Path;

use tieline_vault::Vault;

pub use self::backup::BackupError;
pub use self::examine::{Depth, Examination, Finding, Open, Severity};
pub use self::open::OpenError;
pub use self::vault::{Rotation, VaultStatus};
use crate::failure::Failure;
use crate::health::Health;
use crate::readers::Readers;
use crate::writer::Writer;

/// A handle on one file. Several may be open on the same file, in one process or in many.
#[derive(Debug)]
pub struct SqliteStore {
    writer: Writer,
    readers: Readers,
    health: Health,
    vault: Vault,
    /// Held while uses of a data key are reserved.
    reserving: tokio::sync::Mutex<()>,
}

impl SqliteStore {
    /// Opens the file, or makes one that only its owner can read, with the newest schema.
    ///
    /// Waits for the disk; the folder has to be there, and to be on a local file system. A new file
    /// gets the vault's first master key; one that has another than those of the vault is refused
    /// before anything of it is touched.
    pub fn open(path: impl AsRef<Path>, vault: Vault) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let connection = open::writer(path, &vault)?;
        let health = Health::default();
        let writer = Writer::start(connection, health.clone()).map_err(OpenError::Thread)?;
        Ok(Self {
            writer,
            readers: Readers::new(path.to_owned()),
            health,
            vault,
            reserving: tokio::sync::Mutex::default(),
        })
    }

    /// Waits until the store is broken, and says why; for ever where it never is.
    ///
    /// Every call answers `Broken` from then on, and the process has to end: what a failed sync
    /// has left on the disk can only be known by reading the file anew.
    pub async fn broken(&self) -> String {
        self.health.broken().await
    }

    async fn read<T, Work>(&self, work: Work) -> Result<T, tieline_store::StoreError>
    where
        T: Send + 'static,
        Work: FnOnce(&rusqlite::Connection) -> Result<T, Failure> + Send + 'static,
    {
        self.health.check()?;
        self.readers.read(work).await
    }

    async fn write<T, Work>(&self, work: Work) -> Result<T, tieline_store::StoreError>
    where
        T: Send + 'static,
        Work: FnMut(&rusqlite::Connection) -> Result<T, Failure> + Send + 'static,
    {
        self.writer.write(work).await
    }
}

#[cfg(test)]
mod tests;
