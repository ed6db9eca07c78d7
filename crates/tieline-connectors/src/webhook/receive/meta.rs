//! What agents see beside the input: the request's headers, which of them are signed, and a
//! CloudEvent's attributes.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, header};
use serde::Serialize;
use serde_json::{Map, Value};
use tieline_contract::auth::{Authenticator, Signed};

use super::CloudEvent;

/// Headers by name, in lower case; values of one name joined.
pub(super) type Headers = BTreeMap<String, String>;

/// Headers that concern one connection only (RFC 9110, section 7.6.1).
const HOP_BY_HOP: [HeaderName; 6] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// By which proxies, gateways and the hub itself vouch for a request. Whoever sends one from
/// outside can write what they like, and an agent that reads it would believe it.
const VOUCHING: [&str; 14] = [
    "cf-connecting-ip",
    "fastly-client-ip",
    "forwarded",
    "remote-user",
    "true-client-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-http-method-override",
    "x-method-override",
    "x-real-ip",
    "x-remote-user",
    "x-request-from",
    "x-rewrite-url",
    "x-user",
];

/// How the names of others of them begin.
const VOUCHING_PREFIXES: [&str; 7] = [
    "x-auth-request-",
    "x-envoy-",
    "x-forwarded-",
    "x-goog-authenticated-user-",
    "x-internal-",
    "x-original-",
    "x-tieline-",
];

/// The headers that may be kept: none that carries a credential, or a URL with one, and none that
/// vouches for anything.
pub(super) fn headers(headers: &HeaderMap, auth: &Authenticator) -> Headers {
    let mut kept = Headers::new();
    for name in headers.keys() {
        let hop = HOP_BY_HOP.contains(name) || name == "keep-alive" || name == "proxy-connection";
        if hop || auth.is_credential(name) || vouches(name.as_str()) {
            continue;
        }
        let values: Vec<_> = headers
            .get_all(name)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()))
            .collect();
        let value = values.join(", ");
        // Proxies copy the address of the request into headers of their own.
        if !value.contains("?secret=") && !value.contains("&secret=") {
            kept.insert(name.as_str().to_owned(), value);
        }
    }
    kept
}

fn vouches(name: &str) -> bool {
    VOUCHING.contains(&name) || VOUCHING_PREFIXES.iter().any(|one| name.starts_with(one))
}

/// `signed_headers` are the only ones that a signature vouches for; they are named where there is a
/// signature, so that an agent can tell them from the others.
pub(super) fn document(
    headers: &Headers,
    cloudevent: Option<&CloudEvent>,
    signed: Option<&Signed>,
) -> Bytes {
    #[derive(Serialize)]
    struct Document<'a> {
        headers: &'a Headers,
        #[serde(skip_serializing_if = "Option::is_none")]
        signed_headers: Option<Vec<&'a str>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cloudevent: Option<&'a Map<String, Value>>,
    }
    let document = Document {
        headers,
        signed_headers: signed.map(|one| one.headers.iter().map(HeaderName::as_str).collect()),
        cloudevent: cloudevent.map(|one| &one.attributes),
    };
    let text = serde_json::to_vec(&document).expect("strings and JSON values can be written");
    Bytes::from(text)
}
