//! A run, whole or as the result that a caller in sync mode gets.

use serde::Serialize;
use serde_json::value::RawValue;
use tieline_model::{EventId, Run, RunId, Timestamp};
use utoipa::ToSchema;

use super::{AttemptView, ErrorView, Seen, damaged, erased, raw};

/// One agent handling one event.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Run)]
pub(crate) struct RunView<'a> {
    #[schema(value_type = uuid::Uuid)]
    run_id: RunId,
    agent_name: &'a str,
    /// `queued`, `running`, `waiting`, `completed`, `failed` or `cancelled`.
    status: &'static str,
    /// While it waits: `retry`, `outage`, `paused`, `held`, `answer` or `debounce`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    waiting_since: Option<Timestamp>,
    /// Whatever JSON the agent gave.
    #[schema(value_type = Value)]
    output: Option<&'a RawValue>,
    error: Option<ErrorView<'a>>,
    #[schema(value_type = uuid::Uuid)]
    event_id: EventId,
    /// Attempts begun so far.
    attempt: u32,
    #[schema(value_type = String, format = DateTime)]
    queued_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
    /// As the agent reported it.
    #[schema(value_type = Value)]
    usage: Option<&'a RawValue>,
    /// It failed because its attempts were used up.
    #[serde(skip_serializing_if = "Option::is_none")]
    dead_letter: Option<bool>,
    /// The run that took its place: this one is cancelled, or will be.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<uuid::Uuid>)]
    into: Option<RunId>,
    /// Its output has been erased: its time of retention was over, or a person erased the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    erased: Option<bool>,
    /// Its output was changed by the disk, and not shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    damaged: Option<bool>,
}

/// A run with the attempts that did not complete it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RunDetail)]
pub(crate) struct RunDetail<'a> {
    #[schema(value_type = uuid::Uuid)]
    run_id: RunId,
    agent_name: &'a str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    waiting_since: Option<Timestamp>,
    #[schema(value_type = Value)]
    output: Option<&'a RawValue>,
    error: Option<ErrorView<'a>>,
    #[schema(value_type = uuid::Uuid)]
    event_id: EventId,
    attempt: u32,
    #[schema(value_type = String, format = DateTime)]
    queued_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
    #[schema(value_type = Value)]
    usage: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dead_letter: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<uuid::Uuid>)]
    into: Option<RunId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    erased: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    damaged: Option<bool>,
    /// Oldest first.
    attempts: Vec<AttemptView<'a>>,
}

/// What a caller in sync mode gets of a run that has ended.
#[derive(Debug, Serialize)]
pub(crate) struct ResultView<'a> {
    run_id: RunId,
    agent_name: &'a str,
    status: &'static str,
    output: Option<&'a RawValue>,
    error: Option<ErrorView<'a>>,
}

/// What a stream says of a run at its beginning.
#[derive(Debug, Serialize)]
pub(crate) struct HeadingView<'a> {
    run_id: RunId,
    agent_name: &'a str,
    status: &'static str,
    event_id: EventId,
}

impl<'a> Seen<'a> {
    pub(crate) fn run(&self, run: &'a Run) -> RunView<'a> {
        RunView {
            run_id: run.id,
            agent_name: self.agent_name(run),
            status: run.state.as_str(),
            reason: run.reason.map(tieline_model::Reason::as_str),
            waiting_since: run.waiting_since,
            output: raw(run.output.as_ref()),
            error: run.error.as_ref().map(|error| self.error(error)),
            event_id: run.event,
            attempt: run.attempt,
            queued_at: run.queued_at,
            started_at: run.started_at,
            ended_at: run.ended_at,
            usage: raw(run.usage.as_ref()),
            dead_letter: run.dead_letter.then_some(true),
            into: run.into,
            erased: erased(run.kept),
            damaged: damaged(run.kept),
        }
    }

    pub(crate) fn run_detail(
        &self,
        run: &'a Run,
        attempts: &'a [tieline_model::Attempt],
    ) -> RunDetail<'a> {
        let RunView {
            run_id,
            agent_name,
            status,
            reason,
            waiting_since,
            output,
            error,
            event_id,
            attempt,
            queued_at,
            started_at,
            ended_at,
            usage,
            dead_letter,
            into,
            erased,
            damaged,
        } = self.run(run);
        RunDetail {
            run_id,
            agent_name,
            status,
            reason,
            waiting_since,
            output,
            error,
            event_id,
            attempt,
            queued_at,
            started_at,
            ended_at,
            usage,
            dead_letter,
            into,
            erased,
            damaged,
            attempts: attempts.iter().map(|one| self.attempt(one)).collect(),
        }
    }

    pub(crate) fn result(&self, run: &'a Run) -> ResultView<'a> {
        ResultView {
            run_id: run.id,
            agent_name: self.agent_name(run),
            status: run.state.as_str(),
            output: raw(run.output.as_ref()),
            error: run.error.as_ref().map(|error| self.error(error)),
        }
    }

    pub(crate) fn heading(&self, run: &Run) -> HeadingView<'a> {
        HeadingView {
            run_id: run.id,
            agent_name: self.agent_name(run),
            status: run.state.as_str(),
            event_id: run.event,
        }
    }
}
