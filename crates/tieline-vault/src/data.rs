//! Keys that seal what is kept, each for one project.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::aead::LessSafeKey;
use bytes::Bytes;
use tieline_model::ProjectId;

use crate::envelope::{self, KEY, NONCE, TAG};
use crate::nonces::Nonces;

/// What a sealed value begins with: this, and the id of its key.
const VERSION: u8 = 1;
const HEAD: usize = 1 + 4;

/// By how many bytes a sealed value is longer than what was sealed.
pub const SEALED_EXTRA: usize = HEAD + NONCE + TAG;

/// Where a value stands. What is sealed for one place opens in no other.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    pub project: ProjectId,
    pub table: &'static str,
    /// What the row is known by, for as long as it is there.
    pub row: &'a [u8],
    pub column: &'static str,
}

/// A key that seals values of one project.
pub struct DataKey {
    pub(crate) id: u32,
    pub(crate) project: ProjectId,
    pub(crate) generation: u32,
    key: LessSafeKey,
    nonces: Arc<Nonces>,
    /// How many values it may still seal until more of its uses are reserved.
    left: AtomicU64,
}

impl DataKey {
    pub(crate) fn new(
        (id, project, generation): (u32, ProjectId, u32),
        bytes: &[u8; KEY],
        nonces: Arc<Nonces>,
    ) -> Self {
        Self {
            id,
            project,
            generation,
            key: envelope::key(bytes),
            nonces,
            left: AtomicU64::new(0),
        }
    }

    /// Seals the parts as one value: a version, this key's id, a nonce, the ciphertext, the tag.
    pub fn seal(&self, place: &Place<'_>, parts: &[&[u8]]) -> Vec<u8> {
        let head = self.head();
        let nonce = self.nonces.next();
        envelope::seal(&self.key, &head, nonce, &aad(head, place), parts)
    }

    pub(crate) fn open(&self, place: &Place<'_>, mut sealed: Vec<u8>) -> Option<Bytes> {
        let aad = aad(self.head(), place);
        let range = envelope::open(&self.key, HEAD, &aad, &mut sealed)?;
        Some(Bytes::from(sealed).slice(range))
    }

    /// Whether it may seal so many more values, which it then has.
    pub(crate) fn take(&self, uses: u64) -> bool {
        let take = |left: u64| left.checked_sub(uses);
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .is_ok()
    }

    pub(crate) fn add(&self, uses: u64) {
        self.left.fetch_add(uses, Ordering::Relaxed);
    }

    fn head(&self) -> [u8; HEAD] {
        let [a, b, c, d] = self.id.to_be_bytes();
        [VERSION, a, b, c, d]
    }
}

/// The id of the key that a value says it is sealed by; `None` where it is no sealed value.
pub fn key_id(sealed: &[u8]) -> Option<u32> {
    match sealed.first_chunk::<HEAD>()? {
        [VERSION, id @ ..] => Some(u32::from_be_bytes(*id)),
        _ => None,
    }
}

/// Every part with its length, so that no two places are the same bytes.
fn aad(head: [u8; HEAD], place: &Place<'_>) -> Vec<u8> {
    let Place {
        project,
        table,
        row,
        column,
    } = place;
    let mut aad = Vec::with_capacity(96);
    aad.extend_from_slice(&head);
    aad.extend_from_slice(&project.0.to_be_bytes());
    for part in [table.as_bytes(), row, column.as_bytes()] {
        aad.extend_from_slice(&(part.len() as u64).to_be_bytes());
        aad.extend_from_slice(part);
    }
    aad
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataKey({:08x})", self.id)
    }
}
