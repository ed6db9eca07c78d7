//! Connectors: what links agents to the outside.

pub(super) mod create;
pub(super) mod list;
pub(super) mod pause;
pub(super) mod remove;
pub(super) mod replace;
pub(super) mod rotate;
pub(super) mod show;
pub(super) mod trigger;

use serde_json::{Value, json};
use tieline_config::show_connector;
use tieline_model::{Connector, Mode};

use crate::address::Place;
use crate::api::Shared;
use crate::view::breaker;

/// A connector as it is shown: with its address where it has one, or with its breaker.
fn shown(shared: &Shared, row: &Connector) -> Value {
    let mut shown = show_connector(row, &shared.types());
    let live = shared
        .hub
        .catalog()
        .connector(row.project, &row.name)
        .cloned();
    let (Some(fields), Some(live)) = (shown.as_object_mut(), live) else {
        return shown;
    };
    if let Some(view) = live.breaker() {
        fields.insert("breaker".to_owned(), breaker(view));
    }
    if row.mode != Mode::Outbound
        && let Ok(place) = Place::of(&shared.hub, live)
    {
        fields.insert("address".to_owned(), json!(place.itself()));
    }
    shown
}
