//! An event with its runs.

use serde::Serialize;
use tieline_model::{Event, EventId, Name, Run, Timestamp};
use utoipa::ToSchema;

use super::{RunView, Seen, damaged, erased};

/// What arrived, and what became of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub(crate) struct EventView<'a> {
    #[schema(value_type = uuid::Uuid)]
    event_id: EventId,
    connector: &'a str,
    #[schema(value_type = String, format = DateTime)]
    received_at: Timestamp,
    /// `verified`, `secret` or `open`.
    trust: &'static str,
    /// `open` until all its runs have ended, then `done`.
    status: &'static str,
    /// Every link's condition refused it.
    filtered: bool,
    /// Its input has been erased: its time of retention was over, or a person erased the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    erased: Option<bool>,
    /// Its input was changed by the disk, and not shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    damaged: Option<bool>,
    /// In link order, then replays.
    runs: Vec<RunView<'a>>,
}

impl<'a> Seen<'a> {
    /// `runs` may hold those of other events too.
    pub(crate) fn event(&self, event: &Event, runs: &'a [Run]) -> EventView<'a> {
        let of_this = event
            .runs
            .iter()
            .filter_map(|id| runs.iter().find(|run| run.id == *id));
        let own: Vec<_> = of_this.collect();
        let done = own.iter().all(|run| run.state.is_final());
        let connector = self.catalog.connector_name(event.connector);
        EventView {
            event_id: event.id,
            connector: connector.map_or("?", Name::as_str),
            received_at: event.received_at,
            trust: event.trust.as_str(),
            status: if done { "done" } else { "open" },
            filtered: event.filtered,
            erased: erased(event.kept),
            damaged: damaged(event.kept),
            runs: own.into_iter().map(|run| self.run(run)).collect(),
        }
    }
}
