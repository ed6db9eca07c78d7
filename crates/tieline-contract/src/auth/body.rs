//! The proof that needs the body: it streams by, and is believed only at the end.

use http::HeaderName;
use tieline_model::Trust;
use tieline_signature::digest::Sha256;
use tieline_signature::{asymmetric, hmac, standard_webhooks};

use super::{Admitted, Refused};

/// Takes the body of a request piece by piece and judges it at the end.
#[derive(Debug)]
pub struct BodyVerifier {
    verifier: Verifier,
    claimed: Claimed,
}

#[derive(Debug)]
pub(super) enum Verifier {
    StandardWebhooks(standard_webhooks::Verifier),
    Hmac(hmac::Verifier),
    Asymmetric(asymmetric::Verifier),
}

/// What a request says beside its body, which is true if its signature is.
#[derive(Debug)]
pub(super) struct Claimed {
    pub id: Option<String>,
    pub timestamp: Option<String>,
    /// The headers that the two were taken from.
    pub headers: Vec<HeaderName>,
}

/// What a signature vouches for, beside the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    pub identity: Identity,
    /// The headers that are signed, too. No other header is vouched for.
    pub headers: Vec<HeaderName>,
}

/// What makes a signed request the same when it comes again, however its signature is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// The message id that is signed.
    Id(String),
    /// Where none is: SHA-256 over the signed time and the body.
    Content([u8; 32]),
}

impl BodyVerifier {
    pub(super) fn new(verifier: Verifier, claimed: Claimed) -> Self {
        Self { verifier, claimed }
    }

    /// Adds the next piece of the raw body.
    pub fn update(&mut self, piece: &[u8]) {
        match &mut self.verifier {
            Verifier::StandardWebhooks(verifier) => verifier.update(piece),
            Verifier::Hmac(verifier) => verifier.update(piece),
            Verifier::Asymmetric(_) => {}
        }
    }

    /// Judges the request. Until this has returned `Ok`, nothing of it is to be believed.
    ///
    /// `body` is the whole of what was passed in pieces: some signatures cannot be judged by those.
    pub fn finish(self, body: &[u8]) -> Result<Admitted, Refused> {
        match self.verifier {
            Verifier::StandardWebhooks(verifier) => verifier.finish(body)?,
            Verifier::Hmac(verifier) => verifier.finish()?,
            Verifier::Asymmetric(verifier) => verifier.finish(body)?,
        }
        Ok(Admitted {
            trust: Trust::Verified,
            signed: Some(self.claimed.vouched(body)),
        })
    }
}

impl Claimed {
    fn vouched(self, body: &[u8]) -> Signed {
        let identity = if let Some(id) = self.id {
            Identity::Id(id)
        } else {
            let mut content = Sha256::default();
            // A time is digits: nothing can move from it into the body.
            content.update(self.timestamp.unwrap_or_default().as_bytes());
            content.update(b".");
            content.update(body);
            Identity::Content(content.finish())
        };
        Signed {
            identity,
            headers: self.headers,
        }
    }
}
