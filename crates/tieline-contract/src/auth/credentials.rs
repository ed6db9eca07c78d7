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
/// Most bytes of a token: issuers put the groups of a user into them.
const MOST_TOKEN_BYTES: usize = 16 * 1024;

/// Clients write the credentials of Basic with and without padding.
const BASIC_BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What HTTP Basic carries, decoded.
pub(super) type UserAndPassword = (Vec<u8>, Vec<u8>);

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

/// The token of `Authorization: Bearer` (RFC 6750).
pub(super) fn bearer(headers: &HeaderMap) -> Result<Option<&[u8]>, Refused> {
    let value = only(headers, header::AUTHORIZATION.as_str())?;
    let token = value.and_then(|value| credentials(value, b"bearer"));
    Ok(token.filter(|token| !token.is_empty() && token.len() <= MOST_TOKEN_BYTES))
}

/// The user name and the password of `Authorization: Basic` (RFC 7617).
pub(super) fn basic(headers: &HeaderMap) -> Result<Option<UserAndPassword>, Refused> {
    let value = only(headers, header::AUTHORIZATION.as_str())?;
    Ok(value.and_then(user_and_password))
}

fn from_authorization(value: &[u8]) -> Option<Cow<'_, [u8]>> {
    match credentials(value, b"bearer") {
        Some(token) => Some(Cow::Borrowed(token)),
        None => user_and_password(value).map(|(_, password)| Cow::Owned(password)),
    }
}

fn user_and_password(value: &[u8]) -> Option<UserAndPassword> {
    let written = credentials(value, b"basic").filter(|text| text.len() <= MOST_BYTES)?;
    let decoded = BASIC_BASE64.decode(written).ok()?;
    let colon = decoded.iter().position(|b| *b == b':')?;
    let (user, password) = decoded.split_at(colon);
    Some((user.to_vec(), password.get(1..)?.to_vec()))
}

/// What stands behind the name of a scheme, whose case does not matter (RFC 9110, section 11.1).
fn credentials<'a>(value: &'a [u8], scheme: &[u8]) -> Option<&'a [u8]> {
    let space = value.iter().position(|b| *b == b' ')?;
    let (name, rest) = value.split_at(space);
    name.eq_ignore_ascii_case(scheme).then(|| rest.trim_ascii())
}
