//! Tokens that an issuer signed: checked against its keys, or not believed.

use std::sync::Arc;

use http::HeaderMap;
use tieline_egress::Target;
use tieline_model::{Timestamp, Trust};
use tieline_signature::Refusal;
use tieline_signature::jwt::{self, Algorithm, Expectations, Jwks};

use super::credentials::bearer;
use super::keys::KeySource;
use super::proof::Unproven;
use super::settings::{JwtAlgorithm, JwtSettings};
use super::{Needed, Refused};
use crate::Problems;

/// How far the clocks of an issuer and the hub may differ, in seconds.
const LEEWAY_S: u32 = 60;

/// Which tokens are good, and with whose keys.
#[derive(Debug)]
pub(super) struct Jwt {
    expectations: Expectations,
    keys: Keys,
}

#[derive(Debug)]
enum Keys {
    Fixed(Jwks),
    Fetched(Arc<KeySource>),
}

impl Jwt {
    /// `None` where there can be no keys, which is a problem.
    pub(super) fn new(settings: &JwtSettings, problems: &mut Problems) -> Option<Self> {
        for (path, text) in [
            ("jwt.issuer", &settings.issuer),
            ("jwt.audience", &settings.audience),
        ] {
            if text.trim().is_empty() {
                problems.add_with_fix(path, "is empty", "write what tokens must say there");
            }
        }
        if settings.algorithms.is_empty() {
            let fix = "name an algorithm, or leave this out";
            problems.add_with_fix("jwt.algorithms", "is an empty list", fix);
        }
        let required = settings.claims.iter();
        let expectations = Expectations {
            issuer: settings.issuer.clone(),
            audiences: vec![settings.audience.clone()],
            algorithms: settings
                .algorithms
                .iter()
                .copied()
                .map(Algorithm::from)
                .collect(),
            leeway_s: LEEWAY_S,
            required: required
                .map(|(name, text)| (name.clone(), text.clone()))
                .collect(),
        };
        let keys = Keys::read(settings, problems)?;
        Some(Self { expectations, keys })
    }

    /// Judges the token of a request. Whoever has no token is not asked for keys.
    pub(super) fn judge(&self, headers: &HeaderMap, now: Timestamp) -> Result<Trust, Unproven> {
        let token = bearer(headers)?.ok_or(Refused::Missing)?;
        let token = std::str::from_utf8(token)
            .ok()
            .filter(|token| is_token(token));
        let token = token.ok_or(Refused::Signature(Refusal::Token))?;
        let verify = |keys: &Jwks| jwt::verify(token, keys, &self.expectations, now.as_seconds());
        let source = match &self.keys {
            Keys::Fixed(keys) => {
                return match verify(keys) {
                    Ok(_) => Ok(Trust::Verified),
                    Err(refusal) => Err(Refused::Signature(refusal).into()),
                };
            }
            Keys::Fetched(source) => source,
        };
        let needs_keys = |lets_in| {
            let source = Arc::clone(source);
            Unproven::NeedsKeys(Needed { source, lets_in })
        };
        let keys = source.keys(now).ok_or_else(|| needs_keys(false))?;
        match verify(&keys) {
            // A key that the issuer withdrew is to be forgotten in time.
            Ok(_) if source.is_due(now) => Err(needs_keys(true)),
            Ok(_) => Ok(Trust::Verified),
            Err(Refusal::UnknownKey) if source.may_know_more(now) => Err(needs_keys(false)),
            Err(refusal) => Err(Refused::Signature(refusal).into()),
        }
    }
}

impl Keys {
    fn read(settings: &JwtSettings, problems: &mut Problems) -> Option<Self> {
        match (&settings.jwks_url, &settings.jwks) {
            (Some(url), None) => match Target::parse(url) {
                Ok(target) => Some(Self::Fetched(Arc::new(KeySource::new(target)))),
                Err(error) => {
                    let fix = "write an absolute address, such as \
                               `https://id.example.com/.well-known/jwks.json`";
                    problems.add_with_fix("jwt.jwks_url", error.to_string(), fix);
                    None
                }
            },
            (None, Some(set)) => {
                let json = serde_json::to_vec(set).expect("JSON values can be written");
                match Jwks::parse(&json) {
                    Ok(keys) => Some(Self::Fixed(keys)),
                    Err(error) => {
                        let fix = "write a JWK set with a public key to verify with";
                        problems.add_with_fix("jwt.jwks", error.to_string(), fix);
                        None
                    }
                }
            }
            (None, None) => {
                let fix = "write the address of the issuer's keys, or the keys in `jwks`";
                problems.add_with_fix("jwt.jwks_url", "is missing", fix);
                None
            }
            (Some(_), Some(_)) => {
                let fix = "keep one of the two";
                problems.add_with_fix("jwt.jwks", "does not go with `jwks_url`", fix);
                None
            }
        }
    }
}

/// Whether it looks like a token at all: for anything else no keys are fetched.
fn is_token(text: &str) -> bool {
    let part = |part: &str| {
        let ok = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        !part.is_empty() && part.bytes().all(ok)
    };
    text.split('.').count() == 3 && text.split('.').all(part)
}

impl From<JwtAlgorithm> for Algorithm {
    fn from(algorithm: JwtAlgorithm) -> Self {
        match algorithm {
            JwtAlgorithm::RS256 => Self::Rs256,
            JwtAlgorithm::RS384 => Self::Rs384,
            JwtAlgorithm::RS512 => Self::Rs512,
            JwtAlgorithm::PS256 => Self::Ps256,
            JwtAlgorithm::PS384 => Self::Ps384,
            JwtAlgorithm::PS512 => Self::Ps512,
            JwtAlgorithm::ES256 => Self::Es256,
            JwtAlgorithm::ES384 => Self::Es384,
            JwtAlgorithm::EdDSA => Self::EdDsa,
        }
    }
}
