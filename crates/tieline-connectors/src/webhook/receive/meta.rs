//! What agents see beside the input: the request's headers and a CloudEvent's attributes.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, header};
use serde::Serialize;
use serde_json::{Map, Value};
use tieline_contract::auth::Authenticator;

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

/// The headers that may be kept: none that carries a credential, or a URL with one.
pub(super) fn headers(headers: &HeaderMap, auth: &Authenticator) -> Headers {
    let mut kept = Headers::new();
    for name in headers.keys() {
        let hop = HOP_BY_HOP.contains(name) || name == "keep-alive" || name == "proxy-connection";
        if hop || auth.is_credential(name) {
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

pub(super) fn document(headers: &Headers, cloudevent: Option<&CloudEvent>) -> Bytes {
    #[derive(Serialize)]
    struct Document<'a> {
        headers: &'a Headers,
        #[serde(skip_serializing_if = "Option::is_none")]
        cloudevent: Option<&'a Map<String, Value>>,
    }
    let document = Document {
        headers,
        cloudevent: cloudevent.map(|one| &one.attributes),
    };
    let text = serde_json::to_vec(&document).expect("strings and JSON values can be written");
    Bytes::from(text)
}
