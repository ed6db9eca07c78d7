//! Structured mode, and batches of it: JSON objects with attributes and data.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use tieline_contract::{Code, Problem};

use super::super::{json, shown};
use super::{Content, Limits, MediaType, data, finish, invalid};

/// Most events of one batch.
const LARGEST_BATCH: usize = 1000;
/// Most members of one event.
const MOST_MEMBERS: usize = 100;

/// Reads one event.
pub(in super::super) fn read(limits: &Limits, body: &Bytes) -> Result<Content, Problem> {
    read_event(limits, body, json::check(body)?)
}

/// Reads a batch: for each event, what it brought and its own bytes.
pub(in super::super) fn read_batch(
    limits: &Limits,
    body: &Bytes,
) -> Result<Vec<(Content, Bytes)>, Problem> {
    if !limits.batches {
        let detail = "A sync connector answers one event at a time: send them one by one.";
        return Err(Problem::new(Code::UnsupportedMediaType, detail));
    }
    let Elements(elements) = serde_json::from_str(json::check(body)?)
        .map_err(|_| invalid("A batch is a JSON array of events."))?;
    if elements.is_empty() {
        return Err(invalid("The batch is empty."));
    }
    if elements.len() > LARGEST_BATCH {
        let detail = format!("A batch may have {LARGEST_BATCH} events at most.");
        return Err(Problem::new(Code::TooManyParts, detail));
    }
    let event = |(at, element): (usize, &RawValue)| {
        let raw = element.get();
        let content = read_event(limits, body, raw).map_err(|problem| {
            let detail = format!(
                "Event {at} of the batch, counted from 0: {}",
                problem.detail
            );
            Problem { detail, ..problem }
        })?;
        Ok((content, body.slice_ref(raw.as_bytes())))
    };
    elements.into_iter().enumerate().map(event).collect()
}

/// `text` is the event's part of `body`, and has been checked to be JSON.
fn read_event(limits: &Limits, body: &Bytes, text: &str) -> Result<Content, Problem> {
    let Members(members) = serde_json::from_str(text)
        .map_err(|_| invalid("An event is a JSON object with attributes."))?;
    if members.len() > MOST_MEMBERS {
        return Err(invalid(&format!(
            "An event may have {MOST_MEMBERS} members at most."
        )));
    }
    let (mut attributes, mut data, mut base64) = (Map::new(), None, None);
    for (name, raw) in members {
        let twice = match name.as_str() {
            "data" => data.replace(raw).is_some(),
            "data_base64" => base64.replace(raw).is_some(),
            _ => {
                let value = attribute(&name, raw)?;
                attributes.insert(name.clone(), value).is_some()
            }
        };
        if twice {
            return Err(invalid(&format!("The member {} came twice.", shown(&name))));
        }
    }
    // An attribute that is null is one that is not set (JSON format, section 2.2).
    attributes.retain(|_, value| !value.is_null());
    let content = match (data, base64) {
        (Some(_), Some(_)) => return Err(invalid("There is both `data` and `data_base64`.")),
        (Some(raw), None) => Content::json(body.slice_ref(raw.get().as_bytes())),
        (None, Some(raw)) => {
            let media_type = attributes.get("datacontenttype").and_then(Value::as_str);
            let media_type = media_type.and_then(MediaType::parse);
            data::read(limits, &decode(raw)?, media_type.as_ref())?
        }
        (None, None) => Content::null(Vec::new()),
    };
    finish(attributes, content)
}

/// The value of an attribute: text, a number, a truth value, or null for none.
fn attribute(name: &str, raw: &RawValue) -> Result<Value, Problem> {
    let simple = !raw.get().starts_with(['{', '[']);
    let value = simple
        .then(|| serde_json::from_str(raw.get()).ok())
        .flatten();
    value.ok_or_else(|| {
        invalid(&format!(
            "The attribute {} is no simple value.",
            shown(name)
        ))
    })
}

fn decode(raw: &RawValue) -> Result<Bytes, Problem> {
    let text: Option<String> = serde_json::from_str(raw.get()).ok();
    text.and_then(|text| STANDARD.decode(text).ok())
        .map(Bytes::from)
        .ok_or_else(|| invalid("`data_base64` is not base64."))
}

/// The members of an object as they stand, with those that come twice. At most one more than may
/// be is kept.
struct Members<'a>(Vec<(String, &'a RawValue)>);

/// The elements of an array, likewise.
struct Elements<'a>(Vec<&'a RawValue>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;
        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while members.len() <= MOST_MEMBERS
                    && let Some(member) = map.next_entry()?
                {
                    members.push(member);
                }
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(MembersVisitor)
    }
}

impl<'de> Deserialize<'de> for Elements<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ElementsVisitor;
        impl<'de> Visitor<'de> for ElementsVisitor {
            type Value = Elements<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Elements<'de>, A::Error> {
                let mut elements = Vec::new();
                while elements.len() <= LARGEST_BATCH
                    && let Some(element) = list.next_element()?
                {
                    elements.push(element);
                }
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Elements(elements))
            }
        }
        deserializer.deserialize_seq(ElementsVisitor)
    }
}
