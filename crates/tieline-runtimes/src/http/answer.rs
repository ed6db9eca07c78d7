//! Reads a whole answer: what it claims to be, and what it says.
//!
//! A JSON object with the field `output` answers in full: beside it stand `usage`, and `error`,
//! which ends the run as failed unless it is null. So does an object of nothing but `error` and
//! `usage`. Any other JSON is the output itself, and so is text, as a JSON string.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use tieline_contract::Outcome;
use tieline_model::RunError;

use crate::json::{self, BadJson};
use crate::limits::DEPTH;
use crate::redact::Redactor;

/// The code of an agent's own error where it names none.
const ERROR_CODE: &str = "agent-error";
/// Most bytes of a code that an agent names.
const MOST_CODE_BYTES: usize = 64;

/// What an answer claims to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Text,
    Events,
    /// Nothing is said: JSON if it is valid, else text.
    Unsaid,
}

/// Why an answer cannot be taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum BadAnswer {
    #[error("its content type `{0}` is neither JSON nor text")]
    Binary(String),
    #[error("it claims to be JSON, but {0}")]
    Json(BadJson),
    #[error("it claims to be text, but it is not UTF-8")]
    Text,
}

impl Form {
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, BadAnswer> {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let Some(stated) = headers.get(header::CONTENT_TYPE).map(text) else {
            return Ok(Self::Unsaid);
        };
        let essence = stated.split(';').next().unwrap_or_default().trim();
        let essence = essence.to_ascii_lowercase();
        match essence.as_str() {
            "" => Ok(Self::Unsaid),
            "text/event-stream" => Ok(Self::Events),
            "application/json" | "text/json" => Ok(Self::Json),
            _ if essence.ends_with("+json") => Ok(Self::Json),
            _ if is_text(&essence) => Ok(Self::Text),
            _ => Err(BadAnswer::Binary(essence.chars().take(80).collect())),
        }
    }
}

fn is_text(essence: &str) -> bool {
    const APPLICATION: [&str; 8] = [
        "application/javascript",
        "application/jsonl",
        "application/toml",
        "application/x-ndjson",
        "application/x-www-form-urlencoded",
        "application/x-yaml",
        "application/xml",
        "application/yaml",
    ];
    essence.starts_with("text/")
        || essence.ends_with("+xml")
        || essence.ends_with("+yaml")
        || APPLICATION.contains(&essence)
}

/// What a whole answer says. An empty one is the output `null`.
pub(super) fn read(form: Form, body: &Bytes, secrets: &Redactor<'_>) -> Result<Outcome, BadAnswer> {
    if body.is_empty() {
        return Ok(nothing());
    }
    match form {
        Form::Json => read_json(body, secrets).map_err(BadAnswer::Json),
        Form::Text | Form::Events => read_text(body),
        Form::Unsaid => read_json(body, secrets).or_else(|_| read_text(body)),
    }
}

/// What an answer without content says.
pub(super) fn nothing() -> Outcome {
    output(Bytes::from_static(b"null"))
}

fn output(output: Bytes) -> Outcome {
    Outcome::Completed {
        output,
        usage: None,
    }
}

fn read_text(body: &[u8]) -> Result<Outcome, BadAnswer> {
    let text = std::str::from_utf8(body).map_err(|_| BadAnswer::Text)?;
    Ok(output(json::string(text)))
}

fn read_json(body: &Bytes, secrets: &Redactor<'_>) -> Result<Outcome, BadJson> {
    let text = json::text(body)?;
    if text.is_empty() {
        return Ok(nothing());
    }
    if !text.starts_with('{') {
        let value = json::value(text)?;
        return Ok(output(body.slice_ref(value.as_bytes())));
    }
    // The members of a full answer lie one level deeper than the output.
    json::check_depth(text, DEPTH + 1)?;
    let members: Members<'_> = serde_json::from_str(text).map_err(BadJson::Syntax)?;
    let keep = |raw: &RawValue| body.slice_ref(raw.get().as_bytes());
    let usage = members.usage.map(keep);
    if let Some(error) = members.failure() {
        let error = failure(error, secrets);
        return Ok(Outcome::Failed { error, usage });
    }
    let Some(raw) = members.output else {
        json::check_depth(text, DEPTH)?;
        return Ok(output(body.slice_ref(text.as_bytes())));
    };
    json::check_depth(raw.get(), DEPTH)?;
    let output = keep(raw);
    Ok(Outcome::Completed { output, usage })
}

/// What an agent says of its own failure: a text, or an object of `code` and `message`.
pub(super) fn failure(error: &str, secrets: &Redactor<'_>) -> RunError {
    let (code, message) = match serde_json::from_str::<Words>(error) {
        Ok(Words::Message(message)) => (None, Some(message)),
        Ok(Words::Error { code, message }) => (code, message),
        Err(_) => (None, None),
    };
    let sound = |code: &String| {
        (1..=MOST_CODE_BYTES).contains(&code.len())
            && code
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    let code = code.filter(sound).unwrap_or_else(|| ERROR_CODE.to_owned());
    let shown = secrets.start(message.as_deref().unwrap_or(error).as_bytes());
    let message = if shown.is_empty() {
        "the agent reported an error without a message".to_owned()
    } else {
        shown
    };
    RunError::new(code, message)
}

/// The members of an answer that mean something to the hub.
#[derive(Default)]
struct Members<'a> {
    output: Option<&'a RawValue>,
    error: Option<&'a RawValue>,
    usage: Option<&'a RawValue>,
    /// Whether there are members beside these.
    others: bool,
}

impl<'a> Members<'a> {
    /// The error, where the answer is one of a failure.
    fn failure(&self) -> Option<&'a str> {
        let error = self.error.map(RawValue::get).filter(|raw| *raw != "null");
        error.filter(|_| self.output.is_some() || !self.others)
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

/// By hand, because a derived `Option` cannot tell `null` from what is not there.
struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Members::default();
        while let Some(name) = map.next_key::<String>()? {
            let (place, name) = match name.as_str() {
                "output" => (&mut members.output, "output"),
                "error" => (&mut members.error, "error"),
                "usage" => (&mut members.usage, "usage"),
                _ => {
                    members.others = true;
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            if place.replace(map.next_value()?).is_some() {
                return Err(de::Error::duplicate_field(name));
            }
        }
        members.usage = members.usage.filter(|raw| raw.get() != "null");
        Ok(members)
    }
}

/// An agent's error. Members of another type than text count as not there.
enum Words {
    Message(String),
    Error {
        code: Option<String>,
        message: Option<String>,
    },
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordsVisitor)
    }
}

struct WordsVisitor;

impl<'de> Visitor<'de> for WordsVisitor {
    type Value = Words;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, or an object of `code` and `message`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Words, E> {
        Ok(Words::Message(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Words, A::Error> {
        let (mut code, mut message) = (None, None);
        while let Some(name) = map.next_key::<String>()? {
            let raw: &RawValue = map.next_value()?;
            let text = serde_json::from_str(raw.get()).ok();
            match name.as_str() {
                "code" => code = text,
                "message" => message = text,
                _ => {}
            }
        }
        Ok(Words::Error { code, message })
    }
}
