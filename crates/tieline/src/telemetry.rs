//! The log: text on a terminal, JSON otherwise, on standard error.
//!
//! There is no line per event at `info`, and never a payload or a secret at any level.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

/// The variable that says what is logged: `debug`, or `info,tieline_engine=debug`.
const VARIABLE: &str = "TIELINE_LOG";

/// Begins to log. A filter that cannot be read is said, and `default` used instead.
pub(crate) fn start(default: &str) {
    let wanted = crate::config::variable(VARIABLE).filter(|text| !text.trim().is_empty());
    let read = wanted.as_deref().map(EnvFilter::try_new);
    let (filter, problem) = match read {
        Some(Ok(filter)) => (filter, None),
        Some(Err(error)) => (EnvFilter::new(default), Some(error)),
        None => (EnvFilter::new(default), None),
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_span_events(FmtSpan::NONE)
        .with_writer(io::stderr);
    // A second start finds the first one in place, and that is as good.
    if io::stderr().is_terminal() {
        builder.with_target(false).try_init().ok();
    } else {
        builder.json().flatten_event(true).try_init().ok();
    }
    if let Some(error) = problem {
        tracing::warn!("`{VARIABLE}` cannot be read: {error}");
    }
}
