//! A failure outside the hub, with its author's verdict on whether to try again.

use std::time::Duration;

use tieline_model::RunError;

/// Whether trying again can help. Only who met the failure can tell; nobody else guesses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It will fail again: the run or delivery ends as failed.
    Never,
    /// The destination is gone for good: as `Never`, and the connector is paused.
    Gone,
    /// Try again after the usual back-off.
    Later,
    /// Try again, not sooner than this.
    After(Duration),
    /// It broke off in the middle, and nobody said why: its process was killed, or its connection
    /// broke. Tried again as `Later`, and counted apart from the errors that somebody reported.
    Crashed,
    /// The work did not start: queued again without using up an attempt, not sooner than this.
    NotStarted(Option<Duration>),
}

/// Something outside failed.
#[derive(Clone, Debug)]
pub struct Fault {
    pub verdict: Verdict,
    pub error: RunError,
    /// The status that the other side answered with, where it speaks HTTP.
    pub status: Option<u16>,
    /// The first bytes of the answer, as text, for the journal.
    pub response: Option<String>,
}

impl Fault {
    pub fn new(verdict: Verdict, code: &str, message: impl Into<String>) -> Self {
        Self {
            verdict,
            error: RunError::new(code, message),
            status: None,
            response: None,
        }
    }

    pub fn never(code: &str, message: impl Into<String>) -> Self {
        Self::new(Verdict::Never, code, message)
    }

    pub fn later(code: &str, message: impl Into<String>) -> Self {
        Self::new(Verdict::Later, code, message)
    }

    pub fn crashed(code: &str, message: impl Into<String>) -> Self {
        Self::new(Verdict::Crashed, code, message)
    }

    pub fn not_started(code: &str, message: impl Into<String>) -> Self {
        Self::new(Verdict::NotStarted(None), code, message)
    }

    #[must_use]
    pub fn with_answer(mut self, status: u16, response: Option<String>) -> Self {
        self.status = Some(status);
        self.response = response;
        self
    }
}
