//! The proof that needs the body: it streams by, and is believed only at the end.

use tieline_model::Trust;
use tieline_signature::{hmac, standard_webhooks};

use super::{Admitted, Refused};

/// Takes the body of a request piece by piece and judges it at the end.
#[derive(Debug)]
pub struct BodyVerifier {
    verifier: Verifier,
    signed_id: Option<String>,
}

#[derive(Debug)]
pub(super) enum Verifier {
    StandardWebhooks(standard_webhooks::Verifier),
    Hmac(hmac::Verifier),
}

impl BodyVerifier {
    pub(super) fn new(verifier: Verifier, signed_id: Option<String>) -> Self {
        Self {
            verifier,
            signed_id,
        }
    }

    /// Adds the next piece of the raw body.
    pub fn update(&mut self, piece: &[u8]) {
        match &mut self.verifier {
            Verifier::StandardWebhooks(verifier) => verifier.update(piece),
            Verifier::Hmac(verifier) => verifier.update(piece),
        }
    }

    /// Judges the request. Until this has returned `Ok`, nothing of it is to be believed.
    pub fn finish(self) -> Result<Admitted, Refused> {
        match self.verifier {
            Verifier::StandardWebhooks(verifier) => verifier.finish()?,
            Verifier::Hmac(verifier) => verifier.finish()?,
        }
        Ok(Admitted {
            trust: Trust::Verified,
            signed_id: self.signed_id,
        })
    }
}
