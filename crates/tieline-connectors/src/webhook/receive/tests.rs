mod cloudevents;
mod dedupe;
mod hostile;
mod json;
mod meta;
mod multipart;
mod simple;

use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;
use serde_json::{Value, json};
use tieline_contract::auth::{Identity, Signed};
use tieline_contract::erased::DynEndpoint;
use tieline_model::{Mode, Timestamp, Trust};

use super::*;
use crate::webhook::tests::endpoint;

fn inbound(settings: &Value) -> Box<dyn DynEndpoint> {
    endpoint(Mode::Inbound, settings).unwrap()
}

fn request(headers: &[(&str, &str)], body: impl Into<Bytes>) -> Verified {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let name: HeaderName = name.parse().unwrap();
        map.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    Verified {
        method: Method::POST,
        query: String::new(),
        headers: map,
        body: body.into(),
        received_at: Timestamp::default(),
        trust: Trust::Secret,
        signed: None,
    }
}

fn signed(identity: Identity, headers: &[&'static str]) -> Signed {
    let headers = headers.iter().map(|name| HeaderName::from_static(name));
    Signed {
        identity,
        headers: headers.collect(),
    }
}

fn get(query: &str) -> Verified {
    Verified {
        method: Method::GET,
        query: query.to_owned(),
        ..request(&[], "")
    }
}

fn typed(content_type: &str, body: impl Into<Bytes>) -> Verified {
    request(&[("content-type", content_type)], body)
}

/// The only event of a request, with the default settings.
fn event(request: &Verified) -> IncomingEvent {
    let mut incoming = inbound(&json!({})).receive(request).unwrap();
    assert!(!incoming.batch);
    assert_eq!(incoming.events.len(), 1);
    incoming.events.remove(0)
}

fn input(event: &IncomingEvent) -> Value {
    serde_json::from_slice(&event.input).unwrap()
}

fn meta_of(event: &IncomingEvent) -> Value {
    serde_json::from_slice(&event.meta).unwrap()
}

/// What a request is refused with, with the default settings.
fn problem(request: &Verified) -> Problem {
    inbound(&json!({})).receive(request).unwrap_err()
}

const TYPES: [&str; 11] = [
    "application/json",
    "application/problem+json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=b",
    "text/plain",
    "application/cloudevents+json",
    "application/cloudevents-batch+json",
    "application/cloudevents+avro",
    "application/pdf",
    "text/plain; charset=latin1",
    "not a type",
];

proptest! {
    #[test]
    fn nothing_makes_it_panic(
        content_type in proptest::sample::select(&TYPES),
        header in "(ce-[a-z]{1,12}|idempotency-key|content-encoding)",
        value in proptest::collection::vec(0x20_u8..=0xff, 0..20),
        body in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..200),
            r#"[\[\]{}":,a\\0 ]{0,80}"#.prop_map(String::into_bytes),
            r"(--b|\r\n|Content-Disposition: form-data; name=a|; filename=|x|--){0,30}"
                .prop_map(String::into_bytes),
        ],
        query in ".{0,40}",
    ) {
        let mut request = typed(content_type, body);
        let value = HeaderValue::from_bytes(&value);
        if let (Ok(name), Ok(value)) = (header.parse::<HeaderName>(), value) {
            request.headers.append(name, value);
        }
        for mode in [Mode::Inbound, Mode::Sync] {
            let endpoint = endpoint(mode, &json!({})).unwrap();
            for event in endpoint.receive(&request).map(|one| one.events).unwrap_or_default() {
                prop_assert!(serde_json::from_slice::<Value>(&event.meta).is_ok());
                prop_assert!(json::check_is_json(&event.input));
            }
        }
        let get = get(&query);
        if let Ok(incoming) = inbound(&json!({})).receive(&get) {
            prop_assert!(serde_json::from_slice::<Value>(&incoming.events[0].input).is_ok());
        }
    }

    #[test]
    fn any_object_arrives_byte_for_byte(
        object in proptest::collection::btree_map(".{0,10}", any::<i64>(), 0..10),
    ) {
        let text = serde_json::to_string_pretty(&object).unwrap();
        let event = event(&typed("application/json", text.clone()));
        prop_assert_eq!(event.input, text.as_bytes());
    }
}
