//! Judges the headers at once, the MACs while the body streams by, and the rest at its end.

use std::cell::LazyCell;
use std::fmt;

use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{Headers, VerifyingKey, head};
use crate::digest::SHA256_LEN;
use crate::ed25519::{self, SIGNATURE_LEN};
use crate::{Refusal, Window, window};

/// Most bytes of a message id that is looked at.
const MOST_ID_BYTES: usize = 256;
/// Most signatures in one header. A sender that rotates keys sends two of a version.
const MOST_SIGNATURES: usize = 16;
/// Most bytes of a signature header that are looked at.
const MOST_HEADER_BYTES: usize = 4096;

/// Verifies a message while its body streams by.
pub struct Verifier {
    /// One for each key of version `v1`.
    contexts: Vec<hmac::Context>,
    /// The keys of version `v1a`.
    public: Vec<ed25519::PublicKey>,
    head: Vec<u8>,
    presented: Presented,
}

/// The signatures of a header whose version is known.
#[derive(Default)]
struct Presented {
    macs: Vec<[u8; SHA256_LEN]>,
    signatures: Vec<[u8; SIGNATURE_LEN]>,
}

impl Verifier {
    /// Judges the headers alone and gets ready for the body. One key of `keys` must have signed.
    pub fn begin<'k>(
        keys: impl IntoIterator<Item: Into<VerifyingKey<'k>>>,
        headers: Headers<'_>,
        window: Window,
    ) -> Result<Self, Refusal> {
        let (mut shared, mut public) = (Vec::new(), Vec::new());
        for key in keys {
            match key.into() {
                VerifyingKey::Shared(key) => shared.push(&key.0),
                VerifyingKey::Public(key) => public.push(key.clone()),
            }
        }
        if shared.is_empty() && public.is_empty() {
            return Err(Refusal::NoKey);
        }
        if !id_is_sound(headers.id) {
            return Err(Refusal::Id);
        }
        window.check(window::parse(headers.timestamp)?)?;
        let presented = Presented::read(headers.signature)?;
        let head = head(headers.id, headers.timestamp);
        let start = |key| {
            let mut context = hmac::Context::with_key(key);
            context.update(&head);
            context
        };
        Ok(Self {
            contexts: shared.into_iter().map(start).collect(),
            public,
            head,
            presented,
        })
    }

    /// Adds the next piece of the body.
    pub fn update(&mut self, piece: &[u8]) {
        for context in &mut self.contexts {
            context.update(piece);
        }
    }

    /// Judges the message. Until this has returned `Ok`, the body is not to be believed.
    ///
    /// `body` is the whole body, the same bytes as its pieces: Ed25519 needs it at one time.
    pub fn finish(self, body: &[u8]) -> Result<(), Refusal> {
        let mut matched = false;
        for context in self.contexts {
            let expected = context.sign();
            for presented in &self.presented.macs {
                matched |= verify_slices_are_equal(expected.as_ref(), presented).is_ok();
            }
        }
        // Only where there is something to judge it by is the body copied.
        let message = LazyCell::new(|| [&self.head, body].concat());
        for key in &self.public {
            for signature in &self.presented.signatures {
                matched |= key.verify(&message, signature).is_ok();
            }
        }
        if matched {
            Ok(())
        } else {
            Err(Refusal::Mismatch)
        }
    }
}

impl Presented {
    /// The signatures of the versions `v1` and `v1a` in a header. Those that are not base64 of
    /// exactly the length of their version are left out, so that what is judged later always has it.
    fn read(header: &str) -> Result<Self, Refusal> {
        if header.len() > MOST_HEADER_BYTES {
            return Err(Refusal::Signature);
        }
        let mut found = Self::default();
        let mut count = 0;
        for (version, text) in header.split(' ').filter_map(|one| one.split_once(',')) {
            match version {
                "v1" => found.macs.extend(decode::<SHA256_LEN>(text)),
                "v1a" => found.signatures.extend(decode::<SIGNATURE_LEN>(text)),
                _ => continue,
            }
            count += 1;
        }
        let none = found.macs.is_empty() && found.signatures.is_empty();
        if none || count > MOST_SIGNATURES {
            return Err(Refusal::Signature);
        }
        Ok(found)
    }
}

/// Exactly `LENGTH` bytes in base64.
fn decode<const LENGTH: usize>(text: &str) -> Option<[u8; LENGTH]> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

fn id_is_sound(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= MOST_ID_BYTES
        && id.bytes().all(|b| b.is_ascii_graphic() && b != b'.')
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("shared", &self.contexts.len())
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}
