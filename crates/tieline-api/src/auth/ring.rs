//! Every key that the hub knows, replaced at once when one comes or goes.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use arc_swap::ArcSwap;
use http::HeaderMap;
use tieline_model::Timestamp;
use tieline_model::key::ApiKey;
use tieline_signature::equal::SecretDigest;
use tieline_store::{Store, StoreError};

use super::bearer;
use crate::limits::KEY_USE;

/// The keys, as they are now. Clones are the same ring.
#[derive(Clone, Default)]
pub struct KeyRing(Arc<ArcSwap<Vec<Arc<KnownKey>>>>);

/// A key that the hub knows, for as long as anybody works with it.
pub(crate) struct KnownKey {
    pub(crate) row: ApiKey,
    digest: SecretDigest,
    /// It is in the ring no more.
    revoked: AtomicBool,
    /// In milliseconds since the Unix epoch; 0 for never.
    used_ms: AtomicI64,
    /// The last use that the store was told, likewise.
    told_ms: AtomicI64,
}

impl KeyRing {
    pub async fn load(store: &dyn Store) -> Result<Self, StoreError> {
        let ring = Self::default();
        ring.put(store.keys().await?);
        Ok(ring)
    }

    /// Makes the ring be what the store has. A key that is another than it was, or gone, is
    /// revoked: whoever works with it is stopped.
    pub(crate) fn put(&self, rows: Vec<ApiKey>) {
        let was = self.0.load_full();
        let now: Vec<_> = rows
            .into_iter()
            .map(|row| {
                let same = |known: &&Arc<KnownKey>| known.is(&row);
                let standing = was.iter().find(same).cloned();
                standing.unwrap_or_else(|| Arc::new(KnownKey::new(row)))
            })
            .collect();
        let gone = |known: &&Arc<KnownKey>| !now.iter().any(|other| Arc::ptr_eq(known, other));
        for known in was.iter().filter(gone) {
            known.revoked.store(true, Ordering::SeqCst);
        }
        self.0.store(Arc::new(now));
    }

    /// The key that a request carries as its Bearer token, where it is known and good. Each is
    /// compared with it, in constant time.
    pub(crate) fn find(&self, headers: &HeaderMap, now: Timestamp) -> Option<Arc<KnownKey>> {
        let presented = bearer(headers)?;
        let mut found = None;
        for known in self.0.load().iter() {
            if known.digest.matches(presented.as_bytes()) {
                found = Some(Arc::clone(known));
            }
        }
        let found = found.filter(|known| known.is_good(now))?;
        let now_ms = now.as_millis();
        found.used_ms.fetch_max(now_ms, Ordering::Relaxed);
        Some(found)
    }

    /// The last use of a key that was seen here; the store may know of an earlier one only.
    pub(crate) fn last_use(&self, row: &ApiKey) -> Option<Timestamp> {
        let known = self.0.load();
        let known = known.iter().find(|known| known.is(row));
        let used_ms = known.map_or(0, |known| known.used_ms.load(Ordering::Relaxed));
        let used = (used_ms > 0).then(|| Timestamp::from_millis(used_ms));
        used.max(row.last_used_at)
    }
}

impl KnownKey {
    fn new(row: ApiKey) -> Self {
        Self {
            digest: SecretDigest::from_stored(row.digest),
            row,
            revoked: AtomicBool::new(false),
            used_ms: AtomicI64::new(0),
            told_ms: AtomicI64::new(0),
        }
    }

    /// Whether it is the key of a row; when it was last used is not looked at.
    fn is(&self, row: &ApiKey) -> bool {
        let own = &self.row;
        (own.project, &own.name, own.digest) == (row.project, &row.name, row.digest)
            && (&own.scopes, own.expires_at) == (&row.scopes, row.expires_at)
    }

    /// Whether it may be used now.
    pub(crate) fn is_good(&self, now: Timestamp) -> bool {
        !self.revoked.load(Ordering::SeqCst) && self.row.is_good(now)
    }

    /// Tells the store of a use, at most once in [`KEY_USE`]. What the store does not take is told
    /// with a later one.
    pub(crate) async fn tell_use(&self, store: &dyn Store) {
        let used_ms = self.used_ms.load(Ordering::Relaxed);
        let told_ms = self.told_ms.load(Ordering::Relaxed);
        let (used, told) = [used_ms, told_ms].map(Timestamp::from_millis).into();
        if used.since(told) < KEY_USE {
            return;
        }
        let ours =
            self.told_ms
                .compare_exchange(told_ms, used_ms, Ordering::Relaxed, Ordering::Relaxed);
        if ours.is_err() {
            return;
        }
        let ApiKey { project, name, .. } = &self.row;
        if let Err(error) = store.touch_key(*project, name, used).await {
            tracing::debug!(%error, "the last use of key `{name}` was not stored");
        }
    }
}

/// Names, and no digests.
impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.load().iter()).finish()
    }
}

impl fmt::Debug for KnownKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownKey")
            .field("project", &self.row.project)
            .field("name", &self.row.name)
            .finish_non_exhaustive()
    }
}
