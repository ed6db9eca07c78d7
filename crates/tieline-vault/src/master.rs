//! The key that wraps all others. It comes from outside of the store, and never stands in it.

use std::fmt;

use aws_lc_rs::aead::LessSafeKey;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tieline_model::Secret;
use tieline_model::id::Entropy;
use tieline_signature::digest::Sha256;
use zeroize::Zeroizing;

use crate::envelope::{self, KEY, NONCE};

/// What a wrapped key begins with: this, and the master key's id.
const VERSION: u8 = 1;
const HEAD: usize = 1 + ID;
const ID: usize = 8;

/// What every master key seals, so that it can be recognised.
const CANARY: &[u8] = b"tieline vault canary";

/// What a master key is called: the first 8 bytes of a labelled SHA-256 of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct MasterId([u8; ID]);

/// Why a text is no master key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a master key is the base64 of 32 bytes")]
pub struct BadMasterKey;

/// A key that wraps data keys.
pub struct MasterKey {
    id: MasterId,
    key: LessSafeKey,
}

impl MasterKey {
    fn new(bytes: &[u8; KEY]) -> Self {
        let mut digest = Sha256::default();
        digest.update(b"tieline master key id\0");
        digest.update(bytes);
        let digest = digest.finish();
        let id = digest.first_chunk().expect("a digest has 32 bytes");
        Self {
            id: MasterId(*id),
            key: envelope::key(bytes),
        }
    }

    /// Reads a key: standard base64 with its padding, of 32 bytes; white space around it is ignored.
    /// `openssl rand -base64 32` makes one.
    pub fn parse(text: &str) -> Result<Self, BadMasterKey> {
        let bytes = STANDARD.decode(text.trim()).map(Zeroizing::new);
        let bytes = bytes.map_err(|_| BadMasterKey)?;
        let bytes = bytes.as_slice().try_into().map_err(|_| BadMasterKey)?;
        Ok(Self::new(bytes))
    }

    /// A new key, and the text that [`Self::parse`] reads.
    pub fn generate(entropy: &dyn Entropy) -> (Self, Secret) {
        let mut bytes = Zeroizing::new([0; KEY]);
        entropy.fill(bytes.as_mut_slice());
        let text = Secret::new(STANDARD.encode(bytes.as_slice()));
        (
            Self::new(&bytes),
            text.expect("32 bytes are some characters"),
        )
    }

    pub fn id(&self) -> MasterId {
        self.id
    }

    /// Something that only this key opens.
    pub fn canary(&self, entropy: &dyn Entropy) -> Vec<u8> {
        self.wrap(b"canary", CANARY, entropy)
    }

    /// Whether a canary is of this key.
    pub fn opens(&self, canary: &[u8]) -> bool {
        let text = self.unwrap(b"canary", canary);
        text.is_some_and(|text| text.as_slice() == CANARY)
    }

    /// Wraps `secret` for the one purpose that `what` names.
    pub(crate) fn wrap(&self, what: &[u8], secret: &[u8], entropy: &dyn Entropy) -> Vec<u8> {
        let mut nonce = [0; NONCE];
        entropy.fill(&mut nonce);
        let head = self.head();
        envelope::seal(&self.key, &head, nonce, &aad(&head, what), &[secret])
    }

    /// What was wrapped by this key for this purpose; `None` for everything else.
    pub(crate) fn unwrap(&self, what: &[u8], wrapped: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let head = self.head();
        if !wrapped.starts_with(&head) {
            return None;
        }
        let mut text = Zeroizing::new(wrapped.to_vec());
        let range = envelope::open(&self.key, HEAD, &aad(&head, what), &mut text)?;
        Some(Zeroizing::new(text.get(range)?.to_vec()))
    }

    fn head(&self) -> [u8; HEAD] {
        let mut head = [VERSION; HEAD];
        let (_, id) = head.split_at_mut(1);
        id.copy_from_slice(&self.id.0);
        head
    }
}

fn aad(head: &[u8], what: &[u8]) -> Vec<u8> {
    [head, b"tieline master\0".as_slice(), what].concat()
}

impl MasterId {
    pub const fn from_bytes(bytes: [u8; ID]) -> Self {
        Self(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; ID] {
        &self.0
    }
}

impl fmt::Display for MasterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for MasterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemEntropy;

    #[test]
    fn a_key_is_read_from_its_text_and_nothing_else_is_one() {
        let (key, text) = MasterKey::generate(&SystemEntropy);
        let read = MasterKey::parse(&format!(" {}\n", text.expose())).unwrap();
        assert_eq!(read.id(), key.id());
        assert_eq!(key.id().to_string().len(), 16);
        for bad in ["", "canary", "AAAA", &"A".repeat(43), &"A".repeat(44)] {
            let refused = MasterKey::parse(bad).unwrap_err();
            assert!(!refused.to_string().contains("canary"), "{bad}");
        }
    }

    #[test]
    fn a_canary_is_opened_by_its_own_key_alone() {
        let (one, _) = MasterKey::generate(&SystemEntropy);
        let (other, _) = MasterKey::generate(&SystemEntropy);
        let canary = one.canary(&SystemEntropy);
        assert!(one.opens(&canary) && !other.opens(&canary));
        for length in 0..canary.len() {
            assert!(!one.opens(&canary[..length]), "{length}");
        }
    }

    #[test]
    fn what_is_wrapped_is_opened_for_its_purpose_alone() {
        let (key, _) = MasterKey::generate(&SystemEntropy);
        let wrapped = key.wrap(b"one", b"secret", &SystemEntropy);
        assert_eq!(key.unwrap(b"one", &wrapped).unwrap().as_slice(), b"secret");
        assert!(key.unwrap(b"two", &wrapped).is_none());
        for at in 0..wrapped.len() {
            let mut changed = wrapped.clone();
            changed[at] ^= 1;
            assert!(key.unwrap(b"one", &changed).is_none(), "{at}");
        }
    }
}
