//! What an agent is handed: the run object.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;
use tieline_model::{EventFile, EventId, FileId, Mode, Name, RunId, Timestamp, Trust};

/// One attempt of one run, ready for a runtime.
#[derive(Clone, Debug)]
pub struct Assignment {
    pub run_id: RunId,
    /// From 1.
    pub attempt: u32,
    pub agent: Name,
    pub connector: Name,
    pub connector_type: String,
    pub mode: Mode,
    pub event_id: EventId,
    pub received_at: Timestamp,
    pub trust: Trust,
    /// A JSON object that is merged into the run object's `event` (`headers`, `cloudevent`).
    pub event_meta: Bytes,
    pub session: Option<String>,
    /// JSON text.
    pub input: Bytes,
    pub files: Vec<FileLink>,
    /// When this attempt began.
    pub now: Timestamp,
    /// How much time this attempt has.
    pub timeout: Duration,
    pub callback: Option<Callback>,
    /// W3C Trace Context, for the `traceparent` header.
    pub traceparent: String,
}

/// An uploaded file and where its content is to be had.
#[derive(Clone, Debug, Serialize)]
pub struct FileLink {
    pub id: FileId,
    pub field: Option<String>,
    pub name: Option<String>,
    pub content_type: String,
    pub size: u64,
    pub sha256: String,
    /// Carries its own token.
    pub url: String,
}

impl FileLink {
    pub fn new(file: EventFile, url: String) -> Self {
        let EventFile {
            id,
            field,
            name,
            content_type,
            size,
            sha256,
        } = file;
        Self {
            id,
            field,
            name,
            content_type,
            size,
            sha256,
            url,
        }
    }
}

/// Where an agent may settle its run later, and the token that lets it.
#[derive(Clone, Serialize)]
pub struct Callback {
    pub url: String,
    pub token: String,
}

/// Whoever has the token settles the run: no log has it.
impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callback")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl Assignment {
    /// When this attempt's time is over.
    pub fn deadline(&self) -> Timestamp {
        self.now.plus(self.timeout)
    }

    /// The run object of the outside contract, as JSON text.
    pub fn document(&self) -> Result<Bytes, serde_json::Error> {
        let event = EventPart {
            id: self.event_id,
            received_at: self.received_at,
            trust: self.trust,
            meta: serde_json::from_slice(&self.event_meta)?,
        };
        let document = Document {
            run_id: self.run_id,
            attempt: self.attempt,
            agent: AgentPart { name: &self.agent },
            connector: ConnectorPart {
                name: &self.connector,
                kind: &self.connector_type,
                mode: self.mode,
            },
            event,
            session: self.session.as_deref(),
            input: serde_json::from_slice(&self.input)?,
            files: &self.files,
            deadline: self.deadline(),
            callback: self.callback.as_ref(),
        };
        let mut text = Vec::with_capacity(self.input.len() + self.event_meta.len() + 640);
        serde_json::to_writer(&mut text, &document)?;
        Ok(text.into())
    }
}

#[derive(Serialize)]
struct Document<'a> {
    run_id: RunId,
    attempt: u32,
    agent: AgentPart<'a>,
    connector: ConnectorPart<'a>,
    event: EventPart<'a>,
    session: Option<&'a str>,
    input: &'a RawValue,
    files: &'a [FileLink],
    deadline: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    callback: Option<&'a Callback>,
}

#[derive(Serialize)]
struct AgentPart<'a> {
    name: &'a Name,
}

#[derive(Serialize)]
struct ConnectorPart<'a> {
    name: &'a Name,
    #[serde(rename = "type")]
    kind: &'a str,
    mode: Mode,
}

struct EventPart<'a> {
    id: EventId,
    received_at: Timestamp,
    trust: Trust,
    meta: std::collections::BTreeMap<&'a str, &'a RawValue>,
}

impl Serialize for EventPart<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap as _;
        let mut map = serializer.serialize_map(Some(3 + self.meta.len()))?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("received_at", &self.received_at)?;
        map.serialize_entry("trust", &self.trust)?;
        for (name, value) in &self.meta {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
