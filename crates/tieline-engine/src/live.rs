//! What is going on right now, for those who wait for it: callers in sync mode, streams, cancels.
//!
//! Nothing in here is true beyond this process. The store is; a waiter that missed a signal finds
//! the result there.

mod tape;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;
use tieline_model::{Run, RunId};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::tape::Tape;

pub use tape::{Follower, Said};

/// The runs that somebody waits for or that are in hand.
#[derive(Debug, Default)]
pub struct Live {
    runs: Mutex<HashMap<RunId, Entry>>,
    /// How many runs were ended by others than those who have them in hand.
    ended_from_outside: AtomicU64,
}

#[derive(Debug, Default)]
struct Entry {
    waiters: Vec<(Arc<Waiter>, usize)>,
    /// Set while an attempt is in hand.
    cancel: Option<CancellationToken>,
    /// Followers hold it too, so that they hear what was said before the end.
    tape: Arc<Tape>,
}

impl Entry {
    /// `holders` is how many besides the entry hold the tape and do not count.
    fn is_idle(&self, holders: usize) -> bool {
        self.waiters.is_empty()
            && self.cancel.is_none()
            && Arc::strong_count(&self.tape) <= 1 + holders
    }
}

#[derive(Debug)]
struct Waiter {
    /// In the order of the runs that were asked for.
    ended: Mutex<(Vec<Option<Arc<Run>>>, usize)>,
    done: Notify,
}

impl Live {
    /// Waits for runs from now on. Call it before the runs can end, then look whether they have.
    pub fn wait_for(self: &Arc<Self>, runs: Vec<RunId>) -> Waiting {
        let slots = vec![None; runs.len()];
        let waiter = Arc::new(Waiter {
            ended: Mutex::new((slots, runs.len())),
            done: Notify::new(),
        });
        let mut entries = self.runs.lock();
        let mut tapes = Vec::with_capacity(runs.len());
        for (index, run) in runs.iter().enumerate() {
            let entry = entries.entry(*run).or_default();
            entry.waiters.push((Arc::clone(&waiter), index));
            tapes.push(Arc::clone(&entry.tape));
        }
        drop(entries);
        Waiting {
            live: Arc::clone(self),
            runs,
            tapes,
            waiter,
        }
    }

    /// Follows a run's chunks from the one with number `from` (from 0).
    pub fn follow(self: &Arc<Self>, run: RunId, from: usize) -> Follower {
        let tape = Arc::clone(&self.runs.lock().entry(run).or_default().tape);
        Follower::new(Arc::clone(self), run, tape, from)
    }

    /// An attempt is in hand; the token ends it.
    pub(crate) fn begin(&self, run: RunId) -> CancellationToken {
        let token = CancellationToken::new();
        self.runs.lock().entry(run).or_default().cancel = Some(token.clone());
        token
    }

    /// A run was ended by somebody who does not have it in hand: call it before [`Self::ended`].
    pub(crate) fn ended_from_outside(&self) {
        self.ended_from_outside.fetch_add(1, Ordering::SeqCst);
    }

    /// Changes when a run is ended from outside. Where it is the same before a claim and after
    /// [`Self::begin`], what was claimed had not ended by then.
    pub(crate) fn ends_from_outside(&self) -> u64 {
        self.ended_from_outside.load(Ordering::SeqCst)
    }

    /// An attempt is no longer in hand, and its run has not ended.
    pub(crate) fn put_back(&self, run: RunId) {
        let mut entries = self.runs.lock();
        if let Some(entry) = entries.get_mut(&run) {
            entry.cancel = None;
            if entry.is_idle(0) {
                entries.remove(&run);
            }
        }
    }

    pub(crate) fn chunk(&self, run: RunId, chunk: Bytes) {
        let tape = self
            .runs
            .lock()
            .get(&run)
            .map(|entry| Arc::clone(&entry.tape));
        if let Some(tape) = tape {
            tape.push(chunk);
        }
    }

    /// The run has ended, and the store knows. An attempt that is still in hand ends with it.
    pub(crate) fn ended(&self, run: &Arc<Run>) {
        let Some(entry) = self.runs.lock().remove(&run.id) else {
            return;
        };
        if let Some(cancel) = entry.cancel {
            cancel.cancel();
        }
        entry.tape.end();
        for (waiter, index) in entry.waiters {
            waiter.set(index, run);
        }
    }

    /// How many runs somebody waits for or has in hand.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.runs.lock().len()
    }

    /// A holder of a run's tape lets go of it; the tape is still counted for it.
    fn let_go(&self, run: RunId) {
        let mut entries = self.runs.lock();
        if entries.get(&run).is_some_and(|entry| entry.is_idle(1)) {
            entries.remove(&run);
        }
    }
}

impl Waiter {
    fn set(&self, index: usize, run: &Arc<Run>) {
        let mut guard = self.ended.lock();
        let (slots, missing) = &mut *guard;
        let Some(slot @ None) = slots.get_mut(index) else {
            return;
        };
        *slot = Some(Arc::clone(run));
        *missing -= 1;
        let done = *missing == 0;
        drop(guard);
        if done {
            self.done.notify_one();
        }
    }
}

/// A caller that waits for runs to end. Dropping it is hanging up: the runs go on.
#[derive(Debug)]
pub struct Waiting {
    live: Arc<Live>,
    runs: Vec<RunId>,
    /// In the order of `runs`.
    tapes: Vec<Arc<Tape>>,
    waiter: Arc<Waiter>,
}

impl Waiting {
    /// The runs that are waited for, in the order asked for.
    #[must_use]
    pub fn runs(&self) -> &[RunId] {
        &self.runs
    }

    /// Follows the chunks of the run at `index` of those waited for, from the one with number
    /// `from` (from 0). It hears all that was said since the wait began, whenever it is made.
    #[must_use]
    pub fn follow(&self, index: usize, from: usize) -> Option<Follower> {
        let tape = Arc::clone(self.tapes.get(index)?);
        let live = Arc::clone(&self.live);
        Some(Follower::new(live, *self.runs.get(index)?, tape, from))
    }

    /// What has ended so far; `None` for what has not.
    #[must_use]
    pub fn ended(&self) -> Vec<Option<Arc<Run>>> {
        self.waiter.ended.lock().0.clone()
    }

    /// Tells what the store already knew.
    pub fn found(&self, run: &Arc<Run>) {
        for (index, id) in self.runs.iter().enumerate() {
            if *id == run.id {
                self.waiter.set(index, run);
            }
        }
    }

    /// Waits until all have ended or the time is over; `None` for those that have not.
    pub async fn until(self, deadline: Instant) -> Vec<Option<Arc<Run>>> {
        if tokio::time::timeout_at(deadline, self.all()).await.is_err() {
            tracing::debug!(runs = self.runs.len(), "a caller's wait passed");
        }
        std::mem::take(&mut self.waiter.ended.lock().0)
    }

    /// As [`Waiting::until`], and no longer than until `stop`.
    pub async fn until_or(
        self,
        deadline: Instant,
        stop: &CancellationToken,
    ) -> Vec<Option<Arc<Run>>> {
        tokio::select! {
            biased;
            () = self.all() => {}
            () = tokio::time::sleep_until(deadline) => {}
            () = stop.cancelled() => {}
        }
        std::mem::take(&mut self.waiter.ended.lock().0)
    }

    async fn all(&self) {
        if self.waiter.ended.lock().1 > 0 {
            self.waiter.done.notified().await;
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.tapes.clear();
        let mut entries = self.live.runs.lock();
        for run in &self.runs {
            if let Some(entry) = entries.get_mut(run) {
                entry
                    .waiters
                    .retain(|(waiter, _)| !Arc::ptr_eq(waiter, &self.waiter));
                if entry.is_idle(0) {
                    entries.remove(run);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
