//! A webhook connector as the hub opens it, and what holds for everything that it reads.

use std::sync::LazyLock;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use tieline_contract::connector_type::Inbound;
use tieline_contract::erased::DynEndpoint;
use tieline_contract::{EndpointContext, Incoming, NESTING_MAX, Verified, nesting};
use tieline_model::{Mode, Name, Secret, Timestamp, Trust};
use tieline_signature::digest::sha256;

/// What `max_parts` says by itself.
const MOST_PARTS: usize = 100;

static ENDPOINT: LazyLock<Box<dyn DynEndpoint>> = LazyLock::new(|| {
    let webhook = tieline_connectors::find("webhook").expect("there are webhooks");
    let Some(Inbound::Endpoint(role)) = &webhook.inbound else {
        unreachable!("webhooks come in");
    };
    let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    let context = EndpointContext {
        connector: Name::new("orders").expect("it is a name"),
        mode: Mode::Inbound,
        secrets: vec![secret.expect("it is a secret").into()],
    };
    (role.open)(&Map::new(), &context).expect("the default settings are good")
});

/// A verified request with these headers; those that HTTP forbids are left out.
pub(crate) fn request<'a>(
    headers: impl Iterator<Item = (&'a str, &'a str)>,
    body: &[u8],
) -> Verified {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            map.append(name, value);
        }
    }
    Verified {
        method: Method::POST,
        query: String::new(),
        headers: map,
        body: Bytes::copy_from_slice(body),
        received_at: Timestamp::default(),
        trust: Trust::Secret,
        signed: None,
    }
}

/// Reads a request; what comes of it is within its bounds, is JSON, and is the same every time.
pub(crate) fn receive(request: &Verified) -> Option<Incoming> {
    let again = ENDPOINT.receive(request);
    let Ok(incoming) = ENDPOINT.receive(request) else {
        assert!(again.is_err(), "once it is read and once it is not");
        return None;
    };
    let again = again.expect("it was read a moment later");
    assert_eq!(incoming.events.len(), again.events.len());
    assert!(incoming.batch || incoming.events.len() == 1);
    for (event, same) in incoming.events.iter().zip(&again.events) {
        assert_eq!(event.input, same.input);
        assert_eq!((&event.dedupe, event.digest), (&same.dedupe, same.digest));
        let input = str::from_utf8(&event.input).expect("JSON is UTF-8");
        assert!(nesting(input) <= NESTING_MAX, "too deep an input");
        let value = serde_json::from_str::<&RawValue>(input);
        assert!(value.is_ok(), "an input that is no JSON");
        let meta = serde_json::from_slice::<Value>(&event.meta);
        assert!(meta.is_ok_and(|meta| meta.is_object()), "meta is no object");
        assert!(incoming.batch || event.digest == sha256(&request.body));
        files(
            event.files.iter().map(|file| (&file.name, &file.content)),
            &request.body,
        );
    }
    Some(incoming)
}

/// Files are pieces of the body, and what they are called is no path.
fn files<'a>(files: impl Iterator<Item = (&'a Option<String>, &'a Bytes)>, body: &Bytes) {
    let (mut count, mut bytes) = (0, 0);
    for (name, content) in files {
        count += 1;
        bytes += content.len();
        let name = name.as_deref().unwrap_or("file");
        let path = name.contains(['/', '\\', '\0']) || name == ".." || name == ".";
        assert!(!path, "a file's name is a path: {name:?}");
        assert!(!name.chars().any(char::is_control), "{name:?}");
        assert!(name.len() <= 1024, "a name of {} bytes", name.len());
    }
    assert!(count <= MOST_PARTS, "{count} files");
    assert!(bytes <= body.len(), "more came out than came in");
}
