//! How far something is, for a person who waits for it.

use std::io::{self, Write as _};

use super::has_reader;

/// One line that is written over; nothing at all where nobody reads it.
pub(crate) struct Progress {
    what: &'static str,
    /// The percentage that is shown.
    shown: Option<u64>,
}

impl Progress {
    /// `what` is being done.
    pub(crate) const fn of(what: &'static str) -> Self {
        Self { what, shown: None }
    }

    /// So much is done, of so much.
    pub(crate) fn tell(&mut self, done: u64, of: u64) {
        let percent = done.saturating_mul(100) / of.max(1);
        if !has_reader() || self.shown == Some(percent) {
            return;
        }
        self.shown = Some(percent);
        let what = self.what;
        // There is nobody left to tell where even this cannot be written.
        write!(io::stderr().lock(), "\r{what}: {percent} %").ok();
    }
}

impl Drop for Progress {
    /// Leaves an empty line to whoever writes next.
    fn drop(&mut self) {
        if self.shown.is_some() {
            write!(io::stderr().lock(), "\r\x1b[K").ok();
        }
    }
}
