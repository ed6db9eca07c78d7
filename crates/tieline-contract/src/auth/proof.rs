//! The schemes whose proof is whole before the body: any one of them suffices.

use tieline_model::{Timestamp, Trust};
use tieline_signature::equal::SecretDigest;

use super::jwt::Jwt;
use super::mtls::Mtls;
use super::settings::AuthScheme;
use super::{AuthRules, Dated, Head, Needed, Refused, credentials};
use crate::Problems;

/// A scheme, ready to judge with.
#[derive(Debug)]
pub(super) enum Proof {
    /// Wherever a secret may stand; in the query where the settings allow it.
    Secret {
        in_query: bool,
    },
    Bearer,
    /// The user is compared like the password, so that the time tells nothing of either.
    Basic {
        user: SecretDigest,
    },
    Jwt(Box<Jwt>),
    Mtls(Mtls),
}

/// Why a scheme does not admit.
#[derive(Debug)]
pub(super) enum Unproven {
    Refused(Refused),
    /// It cannot tell without them.
    NeedsKeys(Needed),
}

impl From<Refused> for Unproven {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

/// The schemes of `rules` that judge the head alone, in the order of the settings.
pub(super) fn build(rules: &AuthRules<'_>, problems: &mut Problems) -> Vec<Proof> {
    let mut found = Vec::new();
    for scheme in rules.auth.schemes() {
        let proof = match scheme {
            AuthScheme::Secret => Some(Proof::Secret {
                in_query: rules.secret_in_query,
            }),
            AuthScheme::Bearer => Some(Proof::Bearer),
            AuthScheme::Basic => rules.basic.and_then(|settings| {
                let user = &settings.user;
                let plain = user.chars().all(|c| !c.is_control() && c != ':');
                if user.is_empty() || !plain {
                    let fix = "write a name without `:`";
                    problems.add_with_fix("basic.user", "is no user name", fix);
                    return None;
                }
                let user = SecretDigest::of(user.as_bytes());
                Some(Proof::Basic { user })
            }),
            AuthScheme::Jwt => rules.jwt.and_then(|settings| {
                let jwt = Jwt::new(settings, problems)?;
                Some(Proof::Jwt(Box::new(jwt)))
            }),
            AuthScheme::Mtls => rules
                .mtls
                .map(|settings| Proof::Mtls(Mtls::new(settings, problems))),
            AuthScheme::StandardWebhooks
            | AuthScheme::Hmac
            | AuthScheme::Ed25519
            | AuthScheme::Ecdsa
            | AuthScheme::None => None,
        };
        found.extend(proof);
    }
    found
}

impl Proof {
    pub(super) fn judge(
        &self,
        head: &Head<'_>,
        secrets: &[Dated<SecretDigest>],
        now: Timestamp,
    ) -> Result<Trust, Unproven> {
        match self {
            Self::Secret { in_query } => {
                let query = if *in_query { head.query } else { "" };
                let presented = credentials::presented(head.headers, query)?;
                Ok(judge_secret(&presented, secrets, now)?)
            }
            Self::Bearer => {
                let presented = credentials::bearer(head.headers)?;
                Ok(judge_secret(presented.as_slice(), secrets, now)?)
            }
            Self::Basic { user } => {
                let (name, password) = credentials::basic(head.headers)?.ok_or(Refused::Missing)?;
                let named = user.matches(&name);
                let proven = judge_secret(&[password], secrets, now);
                if named {
                    Ok(proven?)
                } else {
                    Err(Refused::Wrong.into())
                }
            }
            Self::Jwt(jwt) => jwt.judge(head.headers, now),
            Self::Mtls(mtls) => Ok(mtls.judge(head.peer)?),
        }
    }
}

/// Compares all that was presented with all that is good, without stopping at a match.
pub(super) fn judge_secret(
    presented: &[impl AsRef<[u8]>],
    secrets: &[Dated<SecretDigest>],
    now: Timestamp,
) -> Result<Trust, Refused> {
    let mut known = false;
    for one in presented {
        for secret in Dated::good(secrets, now) {
            known |= secret.matches(one.as_ref());
        }
    }
    match (known, presented.is_empty()) {
        (true, _) => Ok(Trust::Secret),
        (false, true) => Err(Refused::Missing),
        (false, false) => Err(Refused::Wrong),
    }
}
