//! Connectors: what links agents to the outside.

pub(super) mod create;
pub(super) mod list;
pub(super) mod pause;
pub(super) mod remove;
pub(super) mod replace;
pub(super) mod show;
pub(super) mod trigger;

use serde_json::{Value, json};
use tieline_config::show_connector;
use tieline_model::{Connector, Mode};

use crate::address::Place;
use crate::api::Shared;

/// A connector as it is shown, with its address where it has one.
fn shown(shared: &Shared, row: &Connector) -> Value {
    let mut shown = show_connector(row, &shared.types());
    let live = shared
        .hub
        .catalog()
        .connector(row.project, &row.name)
        .cloned();
    let place = live.and_then(|live| Place::of(&shared.hub, live).ok());
    if let (Some(fields), Some(place)) = (shown.as_object_mut(), place)
        && row.mode != Mode::Outbound
    {
        fields.insert("address".to_owned(), json!(place.itself()));
    }
    shown
}
