//! Agents: what executes runs.

pub(super) mod create;
pub(super) mod list;
pub(super) mod pause;
pub(super) mod remove;
pub(super) mod replace;
pub(super) mod show;

use serde_json::Value;
use tieline_config::show_agent;
use tieline_model::Agent;

use crate::api::Shared;
use crate::view::breaker;

/// An agent as it is shown, with its breaker where it is at work.
fn shown(shared: &Shared, row: &Agent) -> Value {
    let mut shown = show_agent(row, &shared.types());
    let catalog = shared.hub.catalog();
    let live = catalog.agent(row.project, &row.name);
    if let (Some(fields), Some(live)) = (shown.as_object_mut(), live) {
        fields.insert("breaker".to_owned(), breaker(live.breaker()));
    }
    shown
}
