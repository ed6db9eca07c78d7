//! All keys of one store, as far as this process knows them.
//!
//! It never decides which key is the right one: the store's file does, and this follows.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use parking_lot::RwLock;
use tieline_model::id::Entropy;
use tieline_model::{Clock, ProjectId, Timestamp};
use tieline_signature::tag::{TagKey, tag};
use zeroize::Zeroizing;

use crate::data::{DataKey, Place, key_id};
use crate::envelope::KEY;
use crate::master::{MasterId, MasterKey};
use crate::nonces::Nonces;

/// To whom belongs what is no project's: the hub itself.
pub const HUB: ProjectId = ProjectId(0);

/// For what the key of digests is wrapped.
const DIGESTS: &[u8] = b"digests";

/// A data key as the store keeps it.
#[derive(Clone, Debug)]
pub struct WrappedKey {
    pub id: u32,
    pub project: ProjectId,
    /// Counts the keys of a project.
    pub generation: u32,
    pub wrapped: Vec<u8>,
}

/// A wrapped key is not what was wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key of the store is not what the master key has wrapped")]
pub struct DoesNotOpen;

/// Seals and opens. A clone is another handle on the same keys.
#[derive(Clone)]
pub struct Vault(Arc<Inner>);

struct Inner {
    /// The first is the one that a new store gets.
    masters: RwLock<Vec<Arc<MasterKey>>>,
    entropy: Arc<dyn Entropy>,
    clock: Arc<dyn Clock>,
    nonces: Arc<Nonces>,
    ring: RwLock<Ring>,
    digests: OnceLock<TagKey>,
}

#[derive(Default)]
struct Ring {
    keys: HashMap<u32, Arc<DataKey>>,
    /// What seals now.
    current: HashMap<ProjectId, Arc<DataKey>>,
}

impl Vault {
    /// With `master` a store is made; it and `others` open one that is there.
    pub fn new(
        master: MasterKey,
        others: Vec<MasterKey>,
        entropy: Arc<dyn Entropy>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let masters = [master].into_iter().chain(others).map(Arc::new).collect();
        Self(Arc::new(Inner {
            masters: RwLock::new(masters),
            nonces: Arc::new(Nonces::new(Arc::clone(&entropy))),
            entropy,
            clock,
            ring: RwLock::default(),
            digests: OnceLock::new(),
        }))
    }

    /// The master key that a new store is made with.
    pub fn first(&self) -> Arc<MasterKey> {
        let masters = self.0.masters.read();
        Arc::clone(masters.first().expect("a vault is made with one"))
    }

    pub fn master(&self, id: MasterId) -> Option<Arc<MasterKey>> {
        let masters = self.0.masters.read();
        masters.iter().find(|master| master.id() == id).cloned()
    }

    /// The ids of all master keys that are at hand.
    pub fn masters(&self) -> Vec<MasterId> {
        let masters = self.0.masters.read();
        masters.iter().map(|master| master.id()).collect()
    }

    /// Has one more master key at hand.
    pub fn add_master(&self, master: MasterKey) {
        if self.master(master.id()).is_none() {
            self.0.masters.write().push(Arc::new(master));
        }
    }

    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Something that only this master key opens.
    pub fn canary(&self, master: &MasterKey) -> Vec<u8> {
        master.canary(&*self.0.entropy)
    }

    /// A new key for a project, with an id that no other key has: also not one that was made and
    /// then not stored.
    pub fn new_key(&self, master: &MasterKey, project: ProjectId, generation: u32) -> WrappedKey {
        let mut id = [0; 4];
        self.0.entropy.fill(&mut id);
        let id = u32::from_be_bytes(id);
        let key = self.random();
        let what = purpose(id, project, generation);
        WrappedKey {
            id,
            project,
            generation,
            wrapped: master.wrap(&what, key.as_slice(), &*self.0.entropy),
        }
    }

    /// Wraps a key by another master key.
    pub fn rewrap(
        &self,
        (from, to): (&MasterKey, &MasterKey),
        key: &WrappedKey,
    ) -> Result<Vec<u8>, DoesNotOpen> {
        let what = purpose(key.id, key.project, key.generation);
        let secret = from.unwrap(&what, &key.wrapped).ok_or(DoesNotOpen)?;
        Ok(to.wrap(&what, &secret, &*self.0.entropy))
    }

    /// Opens with this key from now on, and returns it.
    pub fn learn(&self, master: &MasterKey, key: &WrappedKey) -> Result<Arc<DataKey>, DoesNotOpen> {
        let what = purpose(key.id, key.project, key.generation);
        let bytes = unwrapped(master, &what, &key.wrapped)?;
        let about = (key.id, key.project, key.generation);
        let nonces = Arc::clone(&self.0.nonces);
        let made = || Arc::new(DataKey::new(about, &bytes, nonces));
        let mut ring = self.0.ring.write();
        Ok(Arc::clone(ring.keys.entry(key.id).or_insert_with(made)))
    }

    pub fn knows(&self, id: u32) -> bool {
        self.0.ring.read().keys.contains_key(&id)
    }

    /// Seals with this key from now on, for so many values more.
    pub fn admit(&self, key: &Arc<DataKey>, uses: u64) {
        key.add(uses);
        let mut ring = self.0.ring.write();
        let current = ring.current.get(&key.project);
        if current.is_none_or(|current| current.generation <= key.generation) {
            ring.current.insert(key.project, Arc::clone(key));
        }
    }

    /// The key that seals for a project now, for so many values; `None` where none is admitted for
    /// that many.
    pub fn take(&self, project: ProjectId, uses: u64) -> Option<Arc<DataKey>> {
        let ring = self.0.ring.read();
        let current = ring.current.get(&project)?;
        current.take(uses).then(|| Arc::clone(current))
    }

    /// Seals with none of the keys that it has from now on; it still opens with them.
    pub fn retire(&self) {
        self.0.ring.write().current.clear();
    }

    /// Opens a value; `None` where it is not what was sealed for this place.
    pub fn open(&self, place: &Place<'_>, sealed: Vec<u8>) -> Option<Bytes> {
        let id = key_id(&sealed)?;
        let key = self.0.ring.read().keys.get(&id).cloned()?;
        if key.project != place.project {
            return None;
        }
        key.open(place, sealed)
    }

    /// A new key for digests.
    pub fn new_digest_key(&self, master: &MasterKey) -> Vec<u8> {
        master.wrap(DIGESTS, self.random().as_slice(), &*self.0.entropy)
    }

    /// Wraps the key for digests by another master key.
    pub fn rewrap_digest_key(
        &self,
        (from, to): (&MasterKey, &MasterKey),
        wrapped: &[u8],
    ) -> Result<Vec<u8>, DoesNotOpen> {
        let secret = from.unwrap(DIGESTS, wrapped).ok_or(DoesNotOpen)?;
        Ok(to.wrap(DIGESTS, &secret, &*self.0.entropy))
    }

    /// Makes digests with this key. The first stands: it never changes in the life of a store.
    pub fn learn_digest_key(&self, master: &MasterKey, wrapped: &[u8]) -> Result<(), DoesNotOpen> {
        let bytes = unwrapped(master, DIGESTS, wrapped)?;
        self.0.digests.get_or_init(|| TagKey::new(&bytes));
        Ok(())
    }

    /// A digest of the parts under the store's own key: the same parts give the same digest, and
    /// nobody without the key can try which parts gave one.
    ///
    /// Panics before the key for digests is known: that is the first thing that a store learns.
    pub fn digest(&self, parts: &[&[u8]]) -> [u8; 32] {
        let key = self.0.digests.get();
        let key = key.expect("a store knows its key for digests before it is used");
        let mut message = Vec::with_capacity(128);
        for part in parts {
            message.extend_from_slice(&(part.len() as u64).to_be_bytes());
            message.extend_from_slice(part);
        }
        tag(key, &message)
    }

    fn random(&self) -> Zeroizing<[u8; KEY]> {
        let mut key = Zeroizing::new([0; KEY]);
        self.0.entropy.fill(key.as_mut_slice());
        key
    }
}

/// What a data key is wrapped for, so that none can stand in for another.
fn purpose(id: u32, project: ProjectId, generation: u32) -> Vec<u8> {
    [
        b"data".as_slice(),
        &id.to_be_bytes(),
        &project.0.to_be_bytes(),
        &generation.to_be_bytes(),
    ]
    .concat()
}

fn unwrapped(
    master: &MasterKey,
    what: &[u8],
    wrapped: &[u8],
) -> Result<Zeroizing<[u8; KEY]>, DoesNotOpen> {
    let secret = master.unwrap(what, wrapped).ok_or(DoesNotOpen)?;
    let bytes: &[u8; KEY] = secret.as_slice().try_into().map_err(|_| DoesNotOpen)?;
    Ok(Zeroizing::new(*bytes))
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault({:?})", self.masters())
    }
}

#[cfg(test)]
mod tests;
