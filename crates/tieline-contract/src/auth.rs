//! How an endpoint's callers prove who they are.
//!
//! An [`Authenticator`] is built once from an endpoint's settings and the connector's secrets. It
//! judges the head of a request before any body is read, and hands out a [`BodyVerifier`] where the
//! body is part of the proof. It must never compare a secret other than in constant time, admit
//! what it cannot judge, or tell a caller why it was refused.

mod body;
mod credentials;
mod dated;
mod jwt;
mod keys;
mod mtls;
mod network;
mod peer;
mod proof;
mod rules;
mod settings;
mod signature;

use std::sync::Arc;

use http::{HeaderMap, HeaderName, Method, header};
use tieline_model::{DatedSecret, Timestamp, Trust};
use tieline_signature::equal::SecretDigest;
use tieline_signature::{Refusal, standard_webhooks};

use self::network::AllowFrom;
use self::proof::{Proof, Unproven};
use self::signature::Signature;
use crate::Problems;

pub use body::{BodyVerifier, Identity, Signed};
pub use credentials::{SECRET_HEADER, SECRET_PARAMETER, query_without_secret};
pub use dated::Dated;
pub use keys::{KeySource, KeysUnavailable};
pub use peer::{ClientCertificate, Peer};
pub use rules::AuthRules;
pub use settings::{
    AuthScheme, AuthSettings, BasicSettings, EcdsaFormat, EcdsaSettings, Ed25519Settings,
    HmacAlgorithm, HmacSettings, JwtAlgorithm, JwtSettings, MtlsSettings, SignatureEncoding,
    StandardWebhooksSettings,
};

/// Judges the requests to one connector's address.
#[derive(Debug)]
pub struct Authenticator {
    open: bool,
    allow_from: AllowFrom,
    secret_in_query: bool,
    /// In the order of the settings; only schemes that there is a key for.
    signatures: Vec<Signature>,
    /// In the order of the settings.
    proofs: Vec<Proof>,
    secrets: Vec<Dated<SecretDigest>>,
}

/// The head of a request, as far as it is judged.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    pub method: &'a Method,
    pub headers: &'a HeaderMap,
    /// As it arrived, without the `?`; empty where there is none.
    pub query: &'a str,
    /// `None` where the hub does not know: rules that need it then refuse.
    pub peer: Option<&'a Peer>,
}

/// What the head of a request allows.
#[derive(Debug)]
pub enum Decision {
    /// The head alone is proof enough.
    Admit(Trust),
    /// The body must be passed through this before it is believed.
    Verify(BodyVerifier),
    /// It cannot be told without newer keys: they are to be fetched, and the head judged again. Who
    /// needs keys then as well is not let in.
    NeedsKeys(Needed),
    /// The body need not be read.
    Refuse(Refused),
}

/// Keys without which a head is not judged.
#[derive(Clone, Debug)]
pub struct Needed {
    pub source: Arc<KeySource>,
    /// Those that are here would let it in, and are only due for another look.
    pub lets_in: bool,
}

/// Whose request it is, and how sure that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    pub trust: Trust,
    /// What a signature vouches for, where there is one.
    pub signed: Option<Signed>,
}

/// Why a request was refused: for logs and tests. The caller is told nothing but 401.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("there is neither a secret nor a signature")]
    Missing,
    #[error("the secret is wrong")]
    Wrong,
    #[error("a header or parameter that carries a credential came twice")]
    Repeated,
    #[error("a signature does not cover the query of a GET")]
    Unsigned,
    #[error("the certificate is of another client")]
    Certificate,
    #[error("callers may not come from this address")]
    Network,
    #[error("what vouched for the request was taken back while it was read")]
    Withdrawn,
    #[error(transparent)]
    Signature(#[from] Refusal),
}

impl Authenticator {
    /// `secrets` are the connector's own, newest first, each with the time in which it is good.
    ///
    /// Fails where a scheme could not judge: nothing is left out because it has no key.
    pub fn new(rules: AuthRules<'_>, secrets: &[DatedSecret]) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        rules.check(!secrets.is_empty(), &mut problems);
        let allow_from = AllowFrom::read(rules.allow_from, &mut problems);
        let signatures = signature::build(&rules, secrets, &mut problems);
        let proofs = proof::build(&rules, &mut problems);
        let digest = |one: &DatedSecret| Dated::of(one, SecretDigest::of(one.expose().as_bytes()));
        problems.into_result(Self {
            open: rules.auth.schemes() == [AuthScheme::None],
            allow_from,
            secret_in_query: rules.secret_in_query,
            signatures,
            proofs,
            secrets: secrets.iter().map(digest).collect(),
        })
    }

    /// Whether anyone may call.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Judges the head of a request.
    ///
    /// A request that carries the signature header of an enabled scheme is judged by it alone; with
    /// several, by the first of the settings' list. Of the schemes that judge the head alone, any
    /// one suffices. Whoever comes from where nobody may is refused, whatever else they have.
    pub fn begin(&self, head: &Head<'_>, now: Timestamp) -> Decision {
        if !self.allow_from.admits(head.peer) {
            return Decision::Refuse(Refused::Network);
        }
        if self.open {
            return Decision::Admit(Trust::Open);
        }
        let carried = |one: &&Signature| head.headers.contains_key(one.header());
        if let Some(signature) = self.signatures.iter().find(carried) {
            // What a GET brings is its query, which no scheme here covers.
            if head.method == Method::GET {
                return Decision::Refuse(Refused::Unsigned);
            }
            return match signature.begin(head.headers, now) {
                Ok(verifier) => Decision::Verify(verifier),
                Err(refused) => Decision::Refuse(refused),
            };
        }
        let mut refused = Refused::Missing;
        let mut needed = None;
        for proof in &self.proofs {
            match proof.judge(head, &self.secrets, now) {
                Ok(trust) => return Decision::Admit(trust),
                Err(Unproven::NeedsKeys(keys)) => needed = needed.or(Some(keys)),
                Err(Unproven::Refused(Refused::Missing)) => {}
                Err(Unproven::Refused(reason)) => refused = reason,
            }
        }
        needed.map_or(Decision::Refuse(refused), Decision::NeedsKeys)
    }

    /// Whether the request presents one of the connector's secrets: for reading results, which is
    /// never signed. Holds with every scheme; always `false` for a connector without a secret.
    pub fn knows_secret(&self, head: &Head<'_>, now: Timestamp) -> bool {
        let query = if self.secret_in_query { head.query } else { "" };
        let presented = credentials::presented(head.headers, query);
        let judge = |found: Vec<_>| proof::judge_secret(&found, &self.secrets, now);
        self.allow_from.admits(head.peer) && presented.and_then(judge).is_ok()
    }

    /// Whether the request may read results by the connector's own rules: anyone from where callers
    /// may come where the connector is open, else whoever knows a secret.
    pub fn may_read(&self, head: &Head<'_>, now: Timestamp) -> bool {
        if self.open {
            self.allow_from.admits(head.peer)
        } else {
            self.knows_secret(head, now)
        }
    }

    /// Whether a header carries a credential or a signature, and so is never stored or passed on.
    pub fn is_credential(&self, name: &HeaderName) -> bool {
        const ALWAYS: [HeaderName; 3] = [
            header::AUTHORIZATION,
            header::PROXY_AUTHORIZATION,
            header::COOKIE,
        ];
        ALWAYS.contains(name)
            || name == SECRET_HEADER
            || name == standard_webhooks::HEADER_SIGNATURE
            || self.signatures.iter().any(|one| one.header() == name)
    }
}

#[cfg(test)]
mod tests;
