//! Where values are sealed and opened: by who asks, never by the thread that writes.

use std::sync::Arc;

use tieline_model::ProjectId;
use tieline_store::{NewEvent, StoreError};
use tieline_vault::{DataKey, MasterKey};

use crate::failure::Failure;
use crate::seal::{self, SealedNewEvent};
use crate::sealed::{Sealed, Source};
use crate::vault::{Rotation, VaultStatus};
use crate::{SqliteStore, limits, vault};

impl SqliteStore {
    /// The key that seals so many values of a project. Waits for a commit where more of its uses
    /// have to be reserved, which is once in a million values.
    pub(crate) async fn key(
        &self,
        project: ProjectId,
        values: u64,
    ) -> Result<Arc<DataKey>, StoreError> {
        if let Some(key) = self.vault.take(project, values) {
            return Ok(key);
        }
        // One at a time: all that wait here need the same block.
        let _one = self.reserving.lock().await;
        loop {
            if let Some(key) = self.vault.take(project, values) {
                return Ok(key);
            }
            let vault = self.vault.clone();
            let reserve = move |c: &_| vault::reserve(c, &vault, (project, values));
            let reserved = self.write(reserve).await?;
            reserved.admit(&self.vault)?;
        }
    }

    pub(crate) async fn seal_events(
        &self,
        events: Vec<NewEvent>,
    ) -> Result<Vec<SealedNewEvent>, StoreError> {
        let mut keyed = Vec::with_capacity(events.len());
        for new in events {
            let key = self.key(new.project, seal::values_of_event(&new)).await?;
            keyed.push((key, new));
        }
        let bytes = keyed.iter().map(|(_, new)| seal::bytes_of_event(new)).sum();
        let vault = self.vault.clone();
        let seal = move |(key, new): (Arc<DataKey>, _)| seal::event(&vault, &key, new);
        aside(bytes, move || keyed.into_iter().map(seal).collect()).await
    }

    pub(crate) async fn read_sealed<T, Work>(&self, work: Work) -> Result<T::Open, StoreError>
    where
        T: Sealed,
        Work: FnOnce(&Source<'_>) -> Result<T, Failure> + Send + 'static,
    {
        let vault = self.vault.clone();
        let read = move |c: &_| Ok(work(&Source::new(c, &vault))?.open(&vault));
        self.read(read).await
    }

    pub(crate) async fn write_sealed<T, Work>(&self, mut work: Work) -> Result<T::Open, StoreError>
    where
        T: Sealed,
        Work: FnMut(&Source<'_>) -> Result<T, Failure> + Send + 'static,
    {
        let vault = self.vault.clone();
        let sealed = self.write(move |c| work(&Source::new(c, &vault))).await?;
        let vault = self.vault.clone();
        aside(sealed.bytes(), move || sealed.open(&vault)).await
    }

    /// The keys of the store, without the keys themselves.
    pub async fn vault_status(&self) -> Result<VaultStatus, StoreError> {
        self.read(vault::status).await
    }

    /// Has another master key wrap every data key, seals the catalogue anew, and has new data keys
    /// seal all that is written from now on: in one commit, which happened or did not. With the
    /// store's own master key, only the data keys are new.
    ///
    /// Who calls this keeps the new master key where the next start finds it before this is called.
    pub async fn rotate_vault(&self, to: MasterKey) -> Result<Rotation, StoreError> {
        let id = to.id();
        // Before the commit: whoever comes after it has to know the key by which all is wrapped.
        self.vault.add_master(to);
        // Whoever needs a key meanwhile waits here, and then gets a new one.
        let _one = self.reserving.lock().await;
        self.vault.retire();
        let vault = self.vault.clone();
        self.write(move |c| vault::rotate(c, &vault, id)).await
    }
}

/// Does what takes long where it keeps nobody waiting.
pub(crate) async fn aside<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StoreError> {
    if bytes <= limits::SEALED_HERE {
        return Ok(work());
    }
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| StoreError::unavailable("a body could not be sealed or opened"))
}
