//! What the head of a request must hold before anything else is looked at.

use axum::body::Body;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Method};
use tieline_contract::{Code, EndpointRules};

use crate::body;
use crate::problem::Failure;

/// Checks the method, the encoding, the declared length, and that nothing is said twice.
pub(super) fn check(parts: &Parts, body: &Body, rules: &EndpointRules) -> Result<(), Failure> {
    if !rules.methods.contains(&parts.method) {
        let detail = "Use one of the methods that `Allow` names.";
        let failure = Failure::new(Code::MethodNotAllowed, detail);
        return Err(failure.allowing(allow(&rules.methods)));
    }
    for name in [CONTENT_TYPE, CONTENT_LENGTH] {
        once(&parts.headers, &name)?;
    }
    if !is_plain(&parts.headers) {
        let detail = "Send the body as it is, without `Content-Encoding`.";
        return Err(Failure::new(Code::UnsupportedEncoding, detail));
    }
    if parts.method != Method::GET {
        body::check_declared(body, rules.max_body)
            .map_err(|problem| Failure::from(problem).closing(parts.version))?;
    }
    Ok(())
}

/// A header that came twice could be read in two ways.
pub(crate) fn once(headers: &HeaderMap, name: &HeaderName) -> Result<(), Failure> {
    if headers.get_all(name).iter().nth(1).is_some() {
        let detail = format!("The header `{name}` came more than once.");
        return Err(Failure::new(Code::BadRequest, detail));
    }
    Ok(())
}

/// Whether the body stands for itself: what is compressed could be far larger than it looks.
pub(crate) fn is_plain(headers: &HeaderMap) -> bool {
    let plain = |value: &HeaderValue| {
        let value = value.as_bytes().trim_ascii();
        value.is_empty() || value.eq_ignore_ascii_case(b"identity")
    };
    headers.get_all(CONTENT_ENCODING).iter().all(plain)
}

fn allow(methods: &[Method]) -> HeaderValue {
    let names: Vec<_> = methods.iter().map(Method::as_str).collect();
    HeaderValue::try_from(names.join(", ")).expect("methods are tokens")
}
