//! CloudEvents 1.0, in the three encodings of its HTTP binding.
//!
//! Sources: CloudEvents 1.0.2, its JSON format and its HTTP protocol binding. The data is the input,
//! the attributes stand beside it, and `source` with `id` is the event's identity.

mod binary;
mod data;
mod structured;

use http::{HeaderMap, HeaderName};
use serde_json::{Map, Value};
use tieline_contract::{Code, Problem};

use super::media_type::MediaType;
use super::{CloudEvent, Content, Limits};

pub(super) use binary::read as read_binary;
pub(super) use structured::{read as read_structured, read_batch};

/// What every CloudEvent must have.
const REQUIRED: [&str; 4] = ["specversion", "id", "source", "type"];
/// Most bytes of `id` and of `source`, which are kept as the event's identity.
const LONGEST_IDENTITY: usize = 1024;

/// How a request says that it is a CloudEvent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// Attributes in `ce-` headers, data in the body.
    Binary,
    /// One JSON object with everything.
    Structured,
    /// A JSON array of such objects.
    Batch,
}

/// Which encoding a request has; `None` where it is no CloudEvent.
pub(super) fn mark(
    headers: &HeaderMap,
    media_type: Option<&MediaType>,
) -> Result<Option<Mark>, Problem> {
    let essence = media_type.map_or("", MediaType::essence);
    match essence {
        "application/cloudevents+json" => Ok(Some(Mark::Structured)),
        "application/cloudevents-batch+json" => Ok(Some(Mark::Batch)),
        _ if essence.starts_with("application/cloudevents") => {
            let detail = "CloudEvents are read in their JSON format and in binary mode only.";
            Err(Problem::new(Code::UnsupportedMediaType, detail))
        }
        _ => {
            // Any of them is enough: a CloudEvent that lacks one must not pass as something else.
            let mut names = headers.keys().map(HeaderName::as_str);
            let is_one = |name: &str| {
                name.strip_prefix("ce-")
                    .is_some_and(|name| REQUIRED.contains(&name))
            };
            Ok(names.any(is_one).then_some(Mark::Binary))
        }
    }
}

/// Checks the attributes of one event and joins them with its data.
fn finish(attributes: Map<String, Value>, content: Content) -> Result<Content, Problem> {
    for name in REQUIRED {
        match attributes.get(name) {
            Some(Value::String(text)) if !text.is_empty() => {}
            Some(_) => {
                return Err(invalid(&format!(
                    "`{name}` must be a text that is not empty."
                )));
            }
            None => return Err(invalid(&format!("The attribute `{name}` is missing."))),
        }
    }
    let text = |name: &str| {
        attributes
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    if text("specversion") != "1.0" {
        return Err(invalid("`specversion` must be `1.0`."));
    }
    let (source, id) = (text("source"), text("id"));
    for (name, value) in [("source", source), ("id", id)] {
        if value.len() > LONGEST_IDENTITY {
            let detail = format!("`{name}` is longer than {LONGEST_IDENTITY} bytes.");
            return Err(invalid(&detail));
        }
    }
    // The length tells where the source ends, whatever is in it.
    let identity = format!("ce:{}:{source}{id}", source.len());
    Ok(Content {
        cloudevent: Some(CloudEvent {
            attributes,
            identity,
        }),
        ..content
    })
}

fn invalid(detail: &str) -> Problem {
    Problem::new(Code::InvalidCloudEvent, detail)
}
