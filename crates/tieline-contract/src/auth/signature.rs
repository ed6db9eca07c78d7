//! The schemes that sign the body, ready to verify with.

mod content;

use http::{HeaderMap, HeaderName};
use tieline_model::{DatedSecret, Timestamp};
use tieline_signature::asymmetric::{self, Asymmetric};
use tieline_signature::hmac::{Algorithm, Claims, Hmac, Scheme};
use tieline_signature::standard_webhooks::{
    self, DEFAULT_TOLERANCE_S, HEADER_ID, HEADER_SIGNATURE, HEADER_TIMESTAMP, SECRET_PREFIX,
    SigningKey, VerifyingKey,
};
use tieline_signature::{Refusal, Window, ecdsa, ed25519};

use self::content::{Headers, Written};
use super::body::{BodyVerifier, Claimed, Verifier};
use super::credentials::{SECRET_HEADER, only};
use super::settings::{
    AuthScheme, EcdsaFormat, EcdsaSettings, Ed25519Settings, HmacAlgorithm, HmacSettings,
};
use super::{AuthRules, Dated, Refused};
use crate::Problems;

/// A scheme with its keys.
#[derive(Debug)]
pub(super) enum Signature {
    StandardWebhooks {
        header: HeaderName,
        keys: Vec<Dated<SigningKey>>,
        public_keys: Vec<ed25519::PublicKey>,
    },
    Hmac {
        headers: Headers,
        keys: Hmac,
        /// What the keys are, in their order, with the time of each.
        secrets: Vec<DatedSecret>,
    },
    Asymmetric {
        headers: Headers,
        keys: Asymmetric,
    },
}

/// The signature schemes of `rules` that there is a key for.
pub(super) fn build(
    rules: &AuthRules<'_>,
    secrets: &[DatedSecret],
    problems: &mut Problems,
) -> Vec<Signature> {
    let mut found = Vec::new();
    for scheme in rules.auth.schemes() {
        let signature = match scheme {
            AuthScheme::StandardWebhooks => standard_webhooks(rules, secrets, problems),
            AuthScheme::Hmac => rules.hmac.and_then(|one| hmac(one, secrets, problems)),
            AuthScheme::Ed25519 => rules.ed25519.and_then(|one| ed25519(one, problems)),
            AuthScheme::Ecdsa => rules.ecdsa.and_then(|one| ecdsa(one, problems)),
            AuthScheme::Secret
            | AuthScheme::Basic
            | AuthScheme::Bearer
            | AuthScheme::Jwt
            | AuthScheme::Mtls
            | AuthScheme::None => None,
        };
        found.extend(signature);
    }
    found
}

/// `None` where no secret is of the form that Standard Webhooks sign with: callers then present it.
fn standard_webhooks(
    rules: &AuthRules<'_>,
    secrets: &[DatedSecret],
    problems: &mut Problems,
) -> Option<Signature> {
    const FIX: &str = "write `whsec_` and base64 of 24 to 64 random bytes as the connector's \
                       `secret`, or leave it out to have one generated";
    let written = rules
        .standard_webhooks
        .map_or(&[][..], |one| &one.public_keys);
    if rules.standard_webhooks.is_some() && written.is_empty() {
        let fix = "write a key of the sender (`whpk_…`), or remove this";
        problems.add_with_fix("standard_webhooks.public_keys", "is an empty list", fix);
    }
    let parse = ed25519::PublicKey::parse;
    let public_keys = public_keys("standard_webhooks", written, parse, problems);
    let needed = rules.auth.schemes().len() == 1 && written.is_empty();
    let mut keys = Vec::new();
    for secret in secrets {
        match SigningKey::parse(secret.expose()) {
            Ok(key) => keys.push(Dated::of(secret, key)),
            Err(error) if needed || secret.expose().starts_with(SECRET_PREFIX) => {
                let message = format!("`standard-webhooks` cannot use the secret: {error}");
                problems.add_with_fix("auth", message, FIX);
            }
            Err(_) => {}
        }
    }
    let header = HeaderName::from_static(HEADER_SIGNATURE);
    let usable = !keys.is_empty() || !public_keys.is_empty();
    usable.then_some(Signature::StandardWebhooks {
        header,
        keys,
        public_keys,
    })
}

fn hmac(
    settings: &HmacSettings,
    secrets: &[DatedSecret],
    problems: &mut Problems,
) -> Option<Signature> {
    let written = Written::from(settings);
    let content = written.read(problems);
    let scheme = Scheme {
        algorithm: match settings.algorithm {
            HmacAlgorithm::Sha1 => Algorithm::Sha1,
            HmacAlgorithm::Sha256 => Algorithm::Sha256,
            HmacAlgorithm::Sha512 => Algorithm::Sha512,
        },
        encoding: content.encoding,
        prefix: written.prefix.to_owned(),
        content: content.parts,
        tolerance_s: content.tolerance_s,
    };
    if secrets.is_empty() {
        return None;
    }
    let exposed: Vec<&str> = secrets.iter().map(DatedSecret::expose).collect();
    match Hmac::new(scheme, &exposed) {
        Ok(keys) => content.headers.map(|headers| Signature::Hmac {
            headers,
            keys,
            secrets: secrets.to_vec(),
        }),
        Err(error) => {
            written.explain(&error, "auth", problems);
            None
        }
    }
}

fn ed25519(settings: &Ed25519Settings, problems: &mut Problems) -> Option<Signature> {
    let parse = |text: &str| ed25519::PublicKey::parse(text).map(asymmetric::PublicKey::Ed25519);
    let keys = public_keys("ed25519", &settings.public_keys, parse, problems);
    asymmetric(Written::from(settings), keys, problems)
}

fn ecdsa(settings: &EcdsaSettings, problems: &mut Problems) -> Option<Signature> {
    let form = match settings.format {
        EcdsaFormat::Der => ecdsa::Form::Der,
        EcdsaFormat::Fixed => ecdsa::Form::Fixed,
    };
    let parse = |text: &str| {
        let key = ecdsa::PublicKey::parse(text)?;
        Ok(asymmetric::PublicKey::Ecdsa(key, form))
    };
    let keys = public_keys("ecdsa", &settings.public_keys, parse, problems);
    asymmetric(Written::from(settings), keys, problems)
}

/// All the keys that can be read. One that cannot is a problem: nobody would miss it until the
/// sender signs with it.
fn public_keys<K>(
    field: &str,
    written: &[String],
    parse: impl Fn(&str) -> Result<K, tieline_signature::KeyError>,
    problems: &mut Problems,
) -> Vec<K> {
    let mut keys = Vec::with_capacity(written.len());
    for (at, text) in written.iter().enumerate() {
        match parse(text) {
            Ok(key) => keys.push(key),
            Err(error) => {
                let path = format!("{field}.public_keys[{at}]");
                problems.add(&path, format!("is no public key: {error}"));
            }
        }
    }
    keys
}

fn asymmetric(
    written: Written<'_>,
    keys: Vec<asymmetric::PublicKey>,
    problems: &mut Problems,
) -> Option<Signature> {
    let before = problems.iter().len();
    let content = written.read(problems);
    let scheme = asymmetric::Scheme {
        encoding: content.encoding,
        prefix: written.prefix.to_owned(),
        content: content.parts,
        tolerance_s: content.tolerance_s,
    };
    match Asymmetric::new(scheme, keys) {
        Ok(keys) => content
            .headers
            .map(|headers| Signature::Asymmetric { headers, keys }),
        Err(error) => {
            // A mistake in the settings is told once.
            if problems.iter().len() == before {
                written.explain(&error, &written.path("public_keys"), problems);
            }
            None
        }
    }
}

fn header_name(path: &str, name: &str, problems: &mut Problems) -> Option<HeaderName> {
    let Ok(header) = name.parse::<HeaderName>() else {
        problems.add(path, "is not the name of a header");
        return None;
    };
    if header == http::header::AUTHORIZATION || header == SECRET_HEADER {
        problems.add(path, format!("`{header}` carries the secret itself"));
        return None;
    }
    Some(header)
}

impl Signature {
    /// The header whose presence says that a request is signed this way.
    pub(super) fn header(&self) -> &HeaderName {
        match self {
            Self::StandardWebhooks { header, .. } => header,
            Self::Hmac { headers, .. } | Self::Asymmetric { headers, .. } => &headers.signature,
        }
    }

    /// Judges the headers alone and gets ready for the body.
    pub(super) fn begin(
        &self,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<BodyVerifier, Refused> {
        let now_s = now.as_seconds();
        let signature = text(headers, self.header())?.ok_or(Refusal::Signature)?;
        let (verifier, claimed) = match self {
            Self::StandardWebhooks {
                keys, public_keys, ..
            } => {
                let (id, timestamp) = [HEADER_ID, HEADER_TIMESTAMP]
                    .map(HeaderName::from_static)
                    .into();
                let (claims, claimed) = claims(headers, Some(&id), Some(&timestamp))?;
                let window = Window {
                    now_s,
                    tolerance_s: DEFAULT_TOLERANCE_S,
                };
                let presented = standard_webhooks::Headers {
                    id: claims.id.ok_or(Refusal::Id)?,
                    timestamp: claims.timestamp.ok_or(Refusal::Timestamp)?,
                    signature,
                };
                let shared = Dated::good(keys, now).map(VerifyingKey::from);
                let keys = shared.chain(public_keys.iter().map(VerifyingKey::from));
                let verifier = standard_webhooks::Verifier::begin(keys, presented, window)?;
                (Verifier::StandardWebhooks(verifier), claimed)
            }
            Self::Hmac {
                headers: own,
                keys,
                secrets,
            } => {
                let (claims, claimed) = claims(headers, own.id.as_ref(), own.timestamp.as_ref())?;
                let is_good = |at: usize| secrets.get(at).is_some_and(|one| one.is_good(now));
                let verifier = keys.verifier_where(is_good, claims, signature, now_s)?;
                (Verifier::Hmac(verifier), claimed)
            }
            Self::Asymmetric { headers: own, keys } => {
                let (claims, claimed) = claims(headers, own.id.as_ref(), own.timestamp.as_ref())?;
                let verifier = keys.verifier(claims, signature, now_s)?;
                (Verifier::Asymmetric(verifier), claimed)
            }
        };
        Ok(BodyVerifier::new(verifier, claimed))
    }
}

/// What a request says under the names that are signed.
fn claims<'a>(
    headers: &'a HeaderMap,
    id: Option<&HeaderName>,
    timestamp: Option<&HeaderName>,
) -> Result<(Claims<'a>, Claimed), Refused> {
    let read = |name: Option<&HeaderName>| match name {
        Some(name) => text(headers, name),
        None => Ok(None),
    };
    let claims = Claims {
        id: read(id)?,
        timestamp: read(timestamp)?,
    };
    let claimed = Claimed {
        id: claims.id.map(str::to_owned),
        timestamp: claims.timestamp.map(str::to_owned),
        headers: id.into_iter().chain(timestamp).cloned().collect(),
    };
    Ok((claims, claimed))
}

/// A header that must not come twice, as text.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Refused> {
    only(headers, name.as_str())?
        .map(|value| std::str::from_utf8(value).map_err(|_| Refused::Signature(Refusal::Signature)))
        .transpose()
}
