//! One sealed value: a head, a nonce, the ciphertext, and its tag. AES-256-GCM (NIST SP 800-38D).

use std::ops::Range;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

/// Bytes of a key.
pub(crate) const KEY: usize = 32;
/// Bytes of a nonce, and of a tag.
pub(crate) const NONCE: usize = NONCE_LEN;
pub(crate) const TAG: usize = 16;

/// A key with its schedule computed; AWS-LC wipes it when it is dropped.
pub(crate) fn key(bytes: &[u8; KEY]) -> LessSafeKey {
    let unbound = UnboundKey::new(&AES_256_GCM, bytes).expect("a key has 32 bytes");
    LessSafeKey::new(unbound)
}

/// Seals the parts as one text. `aad` is not in what comes out, and has to be given to open it.
pub(crate) fn seal(
    key: &LessSafeKey,
    head: &[u8],
    nonce: [u8; NONCE],
    aad: &[u8],
    parts: &[&[u8]],
) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut sealed = Vec::with_capacity(head.len() + NONCE + length + TAG);
    sealed.extend_from_slice(head);
    sealed.extend_from_slice(&nonce);
    for part in parts {
        sealed.extend_from_slice(part);
    }
    let (_, text) = sealed.split_at_mut(head.len() + NONCE);
    let nonce = Nonce::assume_unique_for_key(nonce);
    let tag = key.seal_in_place_separate_tag(nonce, Aad::from(aad), text);
    // GCM takes 64 GiB; SQLite's largest value is far below that.
    let tag = tag.expect("no value is as long as what GCM cannot seal");
    sealed.extend_from_slice(tag.as_ref());
    sealed
}

/// Opens in place what stands behind a head, and says where in `sealed` the text is then.
pub(crate) fn open(
    key: &LessSafeKey,
    head: usize,
    aad: &[u8],
    sealed: &mut [u8],
) -> Option<Range<usize>> {
    let (nonce, text) = sealed.get_mut(head..)?.split_at_mut_checked(NONCE)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let length = key.open_in_place(nonce, Aad::from(aad), text).ok()?.len();
    let from = head + NONCE;
    Some(from..from + length)
}
