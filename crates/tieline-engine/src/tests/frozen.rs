//! Keeps the paused clock where it is.

use std::sync::mpsc;

/// While it lives, the paused clock does not jump to the next timer. It would do so while an
/// expression is evaluated, which another thread does: time would pass between two events that a
/// test means to send at once.
pub(super) struct Frozen {
    _held: mpsc::Sender<()>,
}

impl Frozen {
    pub(super) fn now() -> Self {
        let (held, let_go) = mpsc::channel();
        // The clock of a runtime with a blocking task does not jump.
        drop(tokio::task::spawn_blocking(move || let_go.recv().ok()));
        Self { _held: held }
    }
}
