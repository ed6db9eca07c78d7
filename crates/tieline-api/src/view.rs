//! Runs, events and deliveries as they are shown.
//!
//! Outputs and usage are passed on as the text that was stored, never written anew.

mod breaker;
mod delivery;
mod event;
mod run;

use serde::Serialize;
use serde_json::value::RawValue;
use tieline_contract::endpoint::ErrorDetail;
use tieline_engine::LiveCatalog;
use tieline_model::{Attempt, Kept, Name, Run, RunError};
use utoipa::ToSchema;

pub(crate) use breaker::breaker;
pub(crate) use delivery::{DeliveryDetail, DeliveryView};
pub(crate) use event::EventView;
pub(crate) use run::{ResultView, RunDetail, RunView};

/// Who looks: names are looked up here, and errors told as far as is allowed.
#[derive(Clone, Copy)]
pub(crate) struct Seen<'a> {
    pub(crate) catalog: &'a LiveCatalog,
    pub(crate) errors: ErrorDetail,
}

impl<'a> Seen<'a> {
    /// As holders of an API key see it.
    pub(crate) const fn whole(catalog: &'a LiveCatalog) -> Self {
        Self {
            catalog,
            errors: ErrorDetail::Full,
        }
    }

    fn agent_name(&self, run: &Run) -> &'a str {
        self.catalog.agent_name(run.agent).map_or("?", Name::as_str)
    }

    fn error<'b>(&self, error: &'b RunError) -> ErrorView<'b> {
        let full = self.errors == ErrorDetail::Full;
        ErrorView {
            code: &error.code,
            message: full.then_some(error.message.as_str()),
        }
    }
}

/// What went wrong.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RunError)]
pub(crate) struct ErrorView<'a> {
    /// Stable and in kebab-case.
    code: &'a str,
    /// Left out where the connector's `settings.errors` is `code`.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

/// One try of a run or of a delivery.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Attempt)]
pub(crate) struct AttemptView<'a> {
    /// From 1.
    number: u32,
    #[schema(value_type = String, format = DateTime)]
    started_at: tieline_model::Timestamp,
    #[schema(value_type = String, format = DateTime)]
    ended_at: tieline_model::Timestamp,
    /// The HTTP status that the other side answered with.
    status: Option<u16>,
    error: Option<ErrorView<'a>>,
    /// The first bytes of the answer, as text.
    response: Option<&'a str>,
}

impl Seen<'_> {
    pub(crate) fn attempt<'b>(&self, attempt: &'b Attempt) -> AttemptView<'b> {
        AttemptView {
            number: attempt.number,
            started_at: attempt.started_at,
            ended_at: attempt.ended_at,
            status: attempt.status,
            error: attempt.error.as_ref().map(|error| self.error(error)),
            response: attempt.response.as_deref(),
        }
    }
}

/// `true` where a body has been erased, and nothing else.
fn erased(kept: Kept) -> Option<bool> {
    (kept == Kept::Erased).then_some(true)
}

/// `true` where the disk has changed a body, and nothing else.
fn damaged(kept: Kept) -> Option<bool> {
    (kept == Kept::Damaged).then_some(true)
}

/// JSON text as it was stored; what is none is shown as `null`, and said in the log.
pub(crate) fn raw(text: Option<&bytes::Bytes>) -> Option<&RawValue> {
    let read = serde_json::from_slice(text?);
    if let Err(error) = &read {
        tracing::error!(%error, "a stored text is no JSON");
    }
    read.ok()
}
