//! The breaker of an agent or of an outbound connector.

use serde_json::{Value, json};
use tieline_engine::BreakerView;

/// `state` is `closed`, `open` or `half_open`.
pub(crate) fn breaker(view: BreakerView) -> Value {
    json!({
        "state": view.state.as_str(),
        "since": view.since,
        "next_probe_at": view.next_probe,
    })
}
