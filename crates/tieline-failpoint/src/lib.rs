//! Steps at which a fault test can end the process, as a kill or a power cut would.
//!
//! Without the feature `armed`, which nothing that is shipped has, [`pass`] is nothing at all. With
//! it, the binary arms one step from its environment, and the process aborts when that step has
//! been passed so many times: no destructor runs and no buffer is flushed.

/// A step of the way from an event to its delivery, in the order in which they are passed. A claim
/// that is made in the commit of what it claims is written before that commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// An event is judged; the store has not heard of it.
    AcceptDrafted,
    /// Its rows are written, and not committed.
    AcceptWritten,
    /// It is committed; nobody was answered.
    AcceptCommitted,
    /// Runs are claimed, and not committed.
    ClaimWritten,
    /// A claim is committed; no agent was called.
    ClaimCommitted,
    /// The agent has answered; nothing is recorded.
    RunEnded,
    /// An outcome and its deliveries are written, and not committed.
    SettleWritten,
    /// An outcome is committed; nobody was told.
    SettleCommitted,
    /// A delivery is claimed and committed; nothing was sent.
    DeliverClaimed,
    /// The destination has answered; nothing is recorded.
    DeliverSent,
    /// The end of a delivery is written, and not committed.
    DeliverWritten,
    /// The end of a delivery is committed.
    DeliverCommitted,
    /// A transaction has begun; none of its work is done.
    CommitBegun,
    /// All of a transaction's work is done, and not committed.
    CommitApplied,
    /// A transaction is synced; none of its callers was answered.
    CommitDone,
}

impl Step {
    /// Every step.
    pub const ALL: [Self; 15] = [
        Self::AcceptDrafted,
        Self::AcceptWritten,
        Self::AcceptCommitted,
        Self::ClaimWritten,
        Self::ClaimCommitted,
        Self::RunEnded,
        Self::SettleWritten,
        Self::SettleCommitted,
        Self::DeliverClaimed,
        Self::DeliverSent,
        Self::DeliverWritten,
        Self::DeliverCommitted,
        Self::CommitBegun,
        Self::CommitApplied,
        Self::CommitDone,
    ];

    /// Its name, as in `accept-drafted`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AcceptDrafted => "accept-drafted",
            Self::AcceptWritten => "accept-written",
            Self::AcceptCommitted => "accept-committed",
            Self::ClaimWritten => "claim-written",
            Self::ClaimCommitted => "claim-committed",
            Self::RunEnded => "run-ended",
            Self::SettleWritten => "settle-written",
            Self::SettleCommitted => "settle-committed",
            Self::DeliverClaimed => "deliver-claimed",
            Self::DeliverSent => "deliver-sent",
            Self::DeliverWritten => "deliver-written",
            Self::DeliverCommitted => "deliver-committed",
            Self::CommitBegun => "commit-begun",
            Self::CommitApplied => "commit-applied",
            Self::CommitDone => "commit-done",
        }
    }
}

/// Passes a step. Does nothing unless the step was armed.
#[inline]
pub fn pass(step: Step) {
    #[cfg(feature = "armed")]
    armed::pass(step);
    #[cfg(not(feature = "armed"))]
    let _ = step;
}

#[cfg(feature = "armed")]
pub use armed::{Unknown, arm};

#[cfg(feature = "armed")]
mod armed {
    use std::io::{self, Write as _};
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::Step;

    static ARMED: OnceLock<(Step, AtomicU32)> = OnceLock::new();

    /// What was to be armed is no step, or has no count.
    #[derive(Debug)]
    pub struct Unknown;

    /// Arms one step for the life of the process: `accept-written:3` aborts at its third time.
    pub fn arm(text: &str) -> Result<(), Unknown> {
        let (name, count) = text.split_once(':').ok_or(Unknown)?;
        let step = Step::ALL.into_iter().find(|step| step.name() == name);
        let count = count.parse().ok().filter(|count| *count > 0);
        let (step, count) = step.zip(count).ok_or(Unknown)?;
        ARMED
            .set((step, AtomicU32::new(count)))
            .map_err(|_| Unknown)
    }

    pub(super) fn pass(step: Step) {
        let Some((armed, left)) = ARMED.get() else {
            return;
        };
        if *armed == step && left.fetch_sub(1, Ordering::Relaxed) == 1 {
            // The harness reads here that it was this step. A failed write changes nothing.
            writeln!(io::stderr(), "failpoint {}", step.name()).ok();
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_has_a_name_of_its_own() {
        let mut names = Step::ALL.map(Step::name);
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
