//! The schemes that sign the body, ready to verify with.

use http::{HeaderMap, HeaderName};
use tieline_model::{DatedSecret, Timestamp};
use tieline_signature::hmac::{Algorithm, Claims, Encoding, Hmac, Part, Scheme, SchemeError};
use tieline_signature::standard_webhooks::{
    self, DEFAULT_TOLERANCE_S, HEADER_ID, HEADER_SIGNATURE, HEADER_TIMESTAMP, SECRET_PREFIX,
    SigningKey,
};
use tieline_signature::{Refusal, Window};

use super::body::{BodyVerifier, Verifier};
use super::credentials::{SECRET_HEADER, only};
use super::settings::{AuthScheme, HmacAlgorithm, HmacEncoding, HmacSettings};
use super::{AuthRules, Refused};
use crate::Problems;

/// A scheme with its keys.
#[derive(Debug)]
pub(super) enum Signature {
    StandardWebhooks {
        header: HeaderName,
        keys: Vec<SigningKey>,
    },
    Hmac {
        header: HeaderName,
        timestamp: Option<HeaderName>,
        id: Option<HeaderName>,
        hmac: Hmac,
    },
}

/// The signature schemes of `rules` that there is a key for.
pub(super) fn build(
    rules: AuthRules<'_>,
    secrets: &[DatedSecret],
    problems: &mut Problems,
) -> Vec<Signature> {
    let mut found = Vec::new();
    for scheme in rules.auth.schemes() {
        match (scheme, rules.hmac) {
            (AuthScheme::StandardWebhooks, _) => {
                let alone = rules.auth.schemes().len() == 1;
                found.extend(standard_webhooks(secrets, alone, problems));
            }
            (AuthScheme::Hmac, Some(settings)) => found.extend(hmac(settings, secrets, problems)),
            (AuthScheme::Hmac, None) => {
                let fix = "add `hmac` with the `header` that carries the signature";
                problems.add_with_fix("hmac", "is missing, and `auth` names it", fix);
            }
            (AuthScheme::Secret | AuthScheme::None, _) => {}
        }
    }
    if rules.hmac.is_some() && !rules.auth.schemes().contains(&AuthScheme::Hmac) {
        let fix = "write `auth: hmac`, or remove this";
        problems.add_with_fix(
            "hmac",
            "has no effect, because `auth` does not name it",
            fix,
        );
    }
    found
}

/// `None` where no secret is of the form that Standard Webhooks sign with: callers then present it.
fn standard_webhooks(
    secrets: &[DatedSecret],
    alone: bool,
    problems: &mut Problems,
) -> Option<Signature> {
    const FIX: &str = "write `whsec_` and base64 of 24 to 64 random bytes as the connector's \
                       `secret`, or leave it out to have one generated";
    let mut keys = Vec::new();
    for secret in secrets.iter().map(DatedSecret::expose) {
        match SigningKey::parse(secret) {
            Ok(key) => keys.push(key),
            Err(error) if alone || secret.starts_with(SECRET_PREFIX) => {
                let message = format!("`standard-webhooks` cannot use the secret: {error}");
                problems.add_with_fix("auth", message, FIX);
            }
            Err(_) => {}
        }
    }
    let header = HeaderName::from_static(HEADER_SIGNATURE);
    (!keys.is_empty()).then_some(Signature::StandardWebhooks { header, keys })
}

fn hmac(
    settings: &HmacSettings,
    secrets: &[DatedSecret],
    problems: &mut Problems,
) -> Option<Signature> {
    let content = parse_content(&settings.signed_content, problems);
    let (timed, identified) = (
        content.contains(&Part::Timestamp),
        content.contains(&Part::Id),
    );
    let header = header_name("hmac.header", &settings.header, problems);
    let timestamp = claim_header(
        ("timestamp_header", "{timestamp}"),
        settings.timestamp_header.as_deref(),
        timed,
        problems,
    );
    let id = claim_header(
        ("id_header", "{id}"),
        settings.id_header.as_deref(),
        identified,
        problems,
    );
    let tolerance = settings.tolerance.map(|span| {
        // A tolerance that no clock can reach is as good as the largest one.
        i64::try_from(span.0.as_secs()).unwrap_or(i64::MAX)
    });
    let scheme = Scheme {
        algorithm: match settings.algorithm {
            HmacAlgorithm::Sha1 => Algorithm::Sha1,
            HmacAlgorithm::Sha256 => Algorithm::Sha256,
            HmacAlgorithm::Sha512 => Algorithm::Sha512,
        },
        encoding: match settings.encoding {
            HmacEncoding::Hex => Encoding::Hex,
            HmacEncoding::Base64 => Encoding::Base64,
        },
        prefix: settings.prefix.clone(),
        content,
        tolerance_s: tolerance.or_else(|| timed.then_some(DEFAULT_TOLERANCE_S)),
    };
    let keys: Vec<_> = secrets.iter().map(DatedSecret::expose).collect();
    if keys.is_empty() {
        return None;
    }
    match Hmac::new(scheme, &keys) {
        Ok(hmac) => Some(Signature::Hmac {
            header: header?,
            timestamp,
            id,
            hmac,
        }),
        Err(error) => {
            let path = match error {
                SchemeError::Key(_) => "auth",
                SchemeError::Tolerance => "hmac.tolerance",
                SchemeError::Body | SchemeError::Parts | SchemeError::Separator => {
                    "hmac.signed_content"
                }
            };
            problems.add(path, error.to_string());
            None
        }
    }
}

/// Splits `{timestamp}.{body}` into its parts.
fn parse_content(template: &str, problems: &mut Problems) -> Vec<Part> {
    const PATH: &str = "hmac.signed_content";
    const FIX: &str = "write `{body}`, `{timestamp}`, `{id}` and plain text without braces";
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some((text, after)) = rest.split_once('{') {
        if !text.is_empty() {
            parts.push(Part::Literal(text.to_owned()));
        }
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        match name {
            "body" => parts.push(Part::Body),
            "timestamp" => parts.push(Part::Timestamp),
            "id" => parts.push(Part::Id),
            _ => problems.add_with_fix(PATH, format!("there is no `{{{name}}}`"), FIX),
        }
        rest = after;
    }
    if rest.contains('}') {
        problems.add_with_fix(PATH, "a `}` closes nothing", FIX);
    }
    if !rest.is_empty() {
        parts.push(Part::Literal(rest.to_owned()));
    }
    parts
}

/// The header of a signed claim: there if, and only if, the content names the claim.
///
/// A claim that is read but not signed would look as if the sender vouched for it.
fn claim_header(
    (field, placeholder): (&str, &str),
    name: Option<&str>,
    signed: bool,
    problems: &mut Problems,
) -> Option<HeaderName> {
    let path = format!("hmac.{field}");
    match (name, signed) {
        (Some(name), true) => header_name(&path, name, problems),
        (None, false) => None,
        (Some(_), false) => {
            let fix = format!("add `{placeholder}` to `signed_content`, or remove this");
            problems.add_with_fix(&path, "is not signed", fix);
            None
        }
        (None, true) => {
            let message = format!("is missing, and `signed_content` has `{placeholder}`");
            problems.add_with_fix(&path, message, "name the header that carries it");
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
            Self::StandardWebhooks { header, .. } | Self::Hmac { header, .. } => header,
        }
    }

    /// Judges the headers alone and gets ready for the body.
    pub(super) fn begin(
        &self,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<BodyVerifier, Refused> {
        let now_s = now.as_seconds();
        let signature = text(headers, self.header().as_str())?.ok_or(Refusal::Signature)?;
        match self {
            Self::StandardWebhooks { keys, .. } => {
                let id = text(headers, HEADER_ID)?.ok_or(Refusal::Id)?;
                let window = Window {
                    now_s,
                    tolerance_s: DEFAULT_TOLERANCE_S,
                };
                let headers = standard_webhooks::Headers {
                    id,
                    timestamp: text(headers, HEADER_TIMESTAMP)?.ok_or(Refusal::Timestamp)?,
                    signature,
                };
                let verifier = standard_webhooks::Verifier::begin(keys, headers, window)?;
                let verifier = Verifier::StandardWebhooks(verifier);
                Ok(BodyVerifier::new(verifier, Some(id.to_owned())))
            }
            Self::Hmac {
                timestamp,
                id,
                hmac,
                ..
            } => {
                let claim = |name: &Option<HeaderName>| match name {
                    Some(name) => text(headers, name.as_str()),
                    None => Ok(None),
                };
                let claims = Claims {
                    id: claim(id)?,
                    timestamp: claim(timestamp)?,
                };
                let verifier = Verifier::Hmac(hmac.verifier(claims, signature, now_s)?);
                Ok(BodyVerifier::new(verifier, claims.id.map(str::to_owned)))
            }
        }
    }
}

/// A header that must not come twice, as text.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Refused> {
    only(headers, name)?
        .map(|value| std::str::from_utf8(value).map_err(|_| Refused::Signature(Refusal::Signature)))
        .transpose()
}
