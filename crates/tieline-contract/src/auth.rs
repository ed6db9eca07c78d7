//! How an endpoint's callers prove who they are.
//!
//! An [`Authenticator`] is built once from an endpoint's settings and the connector's secrets. It
//! judges the head of a request before any body is read, and hands out a [`BodyVerifier`] where the
//! body is part of the proof. It must never compare a secret other than in constant time, admit
//! what it cannot judge, or tell a caller why it was refused.

mod body;
mod credentials;
mod peer;
mod settings;
mod signature;

use http::{HeaderMap, HeaderName, Method, header};
use tieline_model::{DatedSecret, Timestamp, Trust};
use tieline_signature::equal::SecretDigest;
use tieline_signature::{Refusal, standard_webhooks};

use self::signature::Signature;
use crate::Problems;

pub use body::BodyVerifier;
pub use credentials::{SECRET_HEADER, SECRET_PARAMETER, query_without_secret};
pub use peer::{ClientCertificate, Peer};
pub use settings::{AuthScheme, AuthSettings, HmacAlgorithm, HmacEncoding, HmacSettings};

/// The part of an endpoint's settings that says who may call it.
#[derive(Clone, Copy, Debug)]
pub struct AuthRules<'a> {
    pub auth: &'a AuthSettings,
    pub hmac: Option<&'a HmacSettings>,
    pub secret_in_query: bool,
}

/// Judges the requests to one connector's address.
#[derive(Debug)]
pub struct Authenticator {
    open: bool,
    by_secret: bool,
    secret_in_query: bool,
    /// In the order of the settings; only schemes that there is a key for.
    signatures: Vec<Signature>,
    secrets: Vec<SecretDigest>,
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
    /// The body need not be read.
    Refuse(Refused),
}

/// Whose request it is, and how sure that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    pub trust: Trust,
    /// The message id that the signature covers.
    pub signed_id: Option<String>,
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
    #[error(transparent)]
    Signature(#[from] Refusal),
}

impl Authenticator {
    /// `secrets` are the connector's own, newest first; all of them are good.
    pub fn new(rules: AuthRules<'_>, secrets: &[DatedSecret]) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let schemes = rules.auth.schemes();
        rules.auth.check(&mut problems);
        let open = schemes.contains(&AuthScheme::None);
        if !open && secrets.is_empty() {
            problems.add_with_fix(
                "auth",
                "needs a secret, and the connector has none",
                "set the connector's `secret`",
            );
        }
        let by_secret = schemes.contains(&AuthScheme::Secret);
        if rules.secret_in_query && !by_secret {
            problems.add_with_fix(
                "secret_in_query",
                "has no effect without the scheme `secret`",
                "add `secret` to `auth`, or remove this",
            );
        }
        let signatures = signature::build(rules, secrets, &mut problems);
        problems.into_result(Self {
            open,
            by_secret,
            secret_in_query: rules.secret_in_query,
            signatures,
            secrets: secrets
                .iter()
                .map(|secret| SecretDigest::of(secret.expose().as_bytes()))
                .collect(),
        })
    }

    /// Whether anyone may call.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Judges the head of a request.
    ///
    /// A request that carries the signature header of an enabled scheme is judged by it alone; with
    /// several, by the first of the settings' list.
    pub fn begin(&self, head: &Head<'_>, now: Timestamp) -> Decision {
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
        if !self.by_secret {
            return Decision::Refuse(Refused::Missing);
        }
        match self.judge_secret(head.headers, head.query) {
            Ok(()) => Decision::Admit(Trust::Secret),
            Err(refused) => Decision::Refuse(refused),
        }
    }

    /// Whether the request presents one of the connector's secrets: for reading results, which is
    /// never signed. Holds with every scheme; always `false` for a connector without a secret.
    pub fn knows_secret(&self, headers: &HeaderMap, query: &str) -> bool {
        self.judge_secret(headers, query).is_ok()
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

    /// Compares all that was presented with all that is known, without stopping at a match.
    fn judge_secret(&self, headers: &HeaderMap, query: &str) -> Result<(), Refused> {
        let query = if self.secret_in_query { query } else { "" };
        let presented = credentials::presented(headers, query)?;
        let mut known = false;
        for one in &presented {
            for secret in &self.secrets {
                known |= secret.matches(one);
            }
        }
        match (known, presented.is_empty()) {
            (true, _) => Ok(()),
            (false, true) => Err(Refused::Missing),
            (false, false) => Err(Refused::Wrong),
        }
    }
}

#[cfg(test)]
mod tests;
