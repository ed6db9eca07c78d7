//! CloudEvents: every one that is read has an identity, and a batch has as many as it says.
//!
//! Lines: headers, as `name: value`; then the body.

use serde_json::Value;
use tieline_contract::Incoming;

use crate::message::Message;
use crate::webhook::{receive, request};

pub(crate) fn check(data: &[u8]) {
    let Some(message) = Message::read(data) else {
        return;
    };
    let request = request(message.headers(0), message.body);
    let Some(incoming) = receive(&request) else {
        return;
    };
    if incoming.batch {
        let elements = serde_json::from_slice::<Vec<Value>>(message.body);
        let elements = elements.expect("a batch is a list");
        assert_eq!(elements.len(), incoming.events.len());
    }
    identified(&incoming);
}

fn identified(incoming: &Incoming) {
    for event in &incoming.events {
        let meta = serde_json::from_slice::<Value>(&event.meta).expect("it was checked");
        let Some(attributes) = meta.get("cloudevent") else {
            assert!(!incoming.batch, "an element that is no CloudEvent");
            continue;
        };
        for required in ["id", "source", "type", "specversion"] {
            let text = attributes.get(required).and_then(Value::as_str);
            let there = text.is_some_and(|text| !text.is_empty());
            assert!(there, "a CloudEvent without {required}");
        }
        assert!(event.dedupe.is_some(), "a CloudEvent without identity");
    }
}
