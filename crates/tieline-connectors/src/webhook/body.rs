//! What is delivered: the result as JSON, its outline, or a template's text.
//!
//! Made once, when the delivery is created; every attempt sends the same bytes.

mod template;

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;
use tieline_contract::{Fault, Problems, RunResult};
use tieline_model::{EventId, Name, RunError, RunId, RunState, Timestamp};

use self::template::BodyTemplate;
use super::settings::BodySettings;

/// How the body is made.
#[derive(Debug)]
pub(super) enum BodyFormat {
    Full,
    Thin,
    Template(Box<BodyTemplate>),
}

/// The whole result. The order of the fields is the contract's.
#[derive(Debug, Serialize)]
struct Full<'a> {
    run_id: RunId,
    agent_name: &'a Name,
    status: RunState,
    output: Option<&'a RawValue>,
    #[serde(rename = "type")]
    kind: &'static str,
    error: Option<&'a RunError>,
    event_id: EventId,
    connector: &'a Name,
    started_at: Option<Timestamp>,
    ended_at: Timestamp,
    attempt: u32,
    usage: Option<&'a RawValue>,
}

/// Ids and status alone.
#[derive(Debug, Serialize)]
struct Thin<'a> {
    run_id: RunId,
    agent_name: &'a Name,
    status: RunState,
    #[serde(rename = "type")]
    kind: &'static str,
    event_id: EventId,
    connector: &'a Name,
}

impl BodyFormat {
    pub(super) fn new(settings: BodySettings, problems: &mut Problems) -> Self {
        match settings {
            BodySettings::Full => Self::Full,
            BodySettings::Thin => Self::Thin,
            BodySettings::Template(source) => {
                Self::Template(Box::new(BodyTemplate::new(source, problems)))
            }
        }
    }

    pub(super) fn render(&self, result: &RunResult) -> Result<Bytes, Fault> {
        match self {
            Self::Full => write(&full(result)?),
            Self::Thin => write(&Thin {
                run_id: result.run_id,
                agent_name: &result.agent_name,
                status: result.status,
                kind: kind(result.status),
                event_id: result.event_id,
                connector: &result.connector,
            }),
            Self::Template(template) => template.render(&write(&full(result)?)?),
        }
    }
}

fn full(result: &RunResult) -> Result<Full<'_>, Fault> {
    Ok(Full {
        run_id: result.run_id,
        agent_name: &result.agent_name,
        status: result.status,
        output: raw(result.output.as_ref())?,
        kind: kind(result.status),
        error: result.error.as_ref(),
        event_id: result.event_id,
        connector: &result.connector,
        started_at: result.started_at,
        ended_at: result.ended_at,
        attempt: result.attempt,
        usage: raw(result.usage.as_ref())?,
    })
}

fn kind(status: RunState) -> &'static str {
    match status {
        RunState::Failed => "run.failed",
        RunState::Cancelled => "run.cancelled",
        RunState::Completed | RunState::Queued | RunState::Running | RunState::Waiting => {
            "run.completed"
        }
    }
}

/// JSON text goes into the body as it is.
fn raw(text: Option<&Bytes>) -> Result<Option<&RawValue>, Fault> {
    text.map(|text| serde_json::from_slice(text))
        .transpose()
        .map_err(|error| Fault::never("output-invalid", format!("the output is not JSON: {error}")))
}

fn write(body: &impl Serialize) -> Result<Bytes, Fault> {
    serde_json::to_vec(body)
        .map(Bytes::from)
        .map_err(|error| Fault::never("output-invalid", error.to_string()))
}

#[cfg(test)]
mod tests;
