//! Where a request may carry a connector's secret: two headers, and the query where it is allowed.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::{HeaderMap, header};

use super::Refused;

/// Carries the whole secret.
pub const SECRET_HEADER: &str = "x-tieline-secret";
/// The query parameter that carries the whole secret, where the settings allow it.
pub const SECRET_PARAMETER: &str = "secret";

/// Most bytes of a credential that are looked at: more than the longest secret with a user name.
const MOST_BYTES: usize = 2048;

/// Clients write the credentials of Basic with and without padding.
const BASIC_BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Every secret that the request presents: by `Authorization` (Bearer, or the password of Basic
/// with any user name, RFC 7617), by `X-Tieline-Secret`, and by `?secret=` in `query`.
pub(super) fn presented<'a>(
    headers: &'a HeaderMap,
    query: &'a str,
) -> Result<Vec<Cow<'a, [u8]>>, Refused> {
    let mut found = Vec::new();
    if let Some(value) = only(headers, header::AUTHORIZATION.as_str())? {
        found.extend(from_authorization(value));
    }
    if let Some(value) = only(headers, SECRET_HEADER)? {
        found.push(Cow::Borrowed(value));
    }
    let mut parameters =
        form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == SECRET_PARAMETER);
    if let Some((_, value)) = parameters.next() {
        found.push(Cow::Owned(value.into_owned().into_bytes()));
    }
    if parameters.next().is_some() {
        return Err(Refused::Repeated);
    }
    found.retain(|one| !one.is_empty() && one.len() <= MOST_BYTES);
    Ok(found)
}

/// The value of a header that must not come twice: two readers could take different ones.
pub(super) fn only<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a [u8]>, Refused> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    match values.next() {
        None => Ok(first.map(http::HeaderValue::as_bytes)),
        Some(_) => Err(Refused::Repeated),
    }
}

/// `query` without its `secret` parameters; the others stay as they were written.
pub fn query_without_secret(query: &str) -> String {
    let kept: Vec<_> = query
        .split('&')
        .filter(|pair| {
            form_urlencoded::parse(pair.as_bytes()).all(|(name, _)| name != SECRET_PARAMETER)
        })
        .collect();
    kept.join("&")
}

fn from_authorization(value: &[u8]) -> Option<Cow<'_, [u8]>> {
    let space = value.iter().position(|b| *b == b' ')?;
    let (scheme, rest) = value.split_at(space);
    let credentials = rest.trim_ascii();
    if scheme.eq_ignore_ascii_case(b"bearer") {
        return Some(Cow::Borrowed(credentials));
    }
    if !scheme.eq_ignore_ascii_case(b"basic") || credentials.len() > MOST_BYTES {
        return None;
    }
    let decoded = BASIC_BASE64.decode(credentials).ok()?;
    let colon = decoded.iter().position(|b| *b == b':')?;
    Some(Cow::Owned(decoded.get(colon + 1..)?.to_vec()))
}
