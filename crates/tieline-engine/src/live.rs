//! What is going on right now, for those who wait for it: callers in sync mode, streams, cancels.
//!
//! Nothing in here is true beyond this process. The store is; a waiter that missed a signal finds
//! the result there.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use tieline_model::{Run, RunId};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::limits::CHUNK_BYTES_KEPT;

/// The runs that somebody waits for or that are in hand.
#[derive(Debug, Default)]
pub struct Live {
    runs: Mutex<HashMap<RunId, Entry>>,
}

#[derive(Debug, Default)]
struct Entry {
    waiters: Vec<(Arc<Waiter>, usize)>,
    /// Set while an attempt is in hand.
    cancel: Option<CancellationToken>,
    chunks: Vec<Bytes>,
    chunk_bytes: usize,
    /// Chunks that were dropped from the front to stay within the limit.
    chunks_dropped: usize,
    /// Woken at every chunk and at the end; made when the first follower comes.
    changed: Option<Arc<Notify>>,
}

impl Entry {
    const fn is_idle(&self) -> bool {
        self.waiters.is_empty() && self.cancel.is_none() && self.changed.is_none()
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
        for (index, run) in runs.iter().enumerate() {
            entries
                .entry(*run)
                .or_default()
                .waiters
                .push((Arc::clone(&waiter), index));
        }
        drop(entries);
        Waiting {
            live: Arc::clone(self),
            runs,
            waiter,
        }
    }

    /// Follows a run's chunks from the one with number `from` (from 0).
    pub fn follow(self: &Arc<Self>, run: RunId, from: usize) -> Follower {
        let mut entries = self.runs.lock();
        let entry = entries.entry(run).or_default();
        let changed = Arc::clone(entry.changed.get_or_insert_default());
        drop(entries);
        Follower {
            live: Arc::clone(self),
            run,
            next: from,
            changed,
        }
    }

    /// An attempt is in hand; the token ends it.
    pub(crate) fn begin(&self, run: RunId) -> CancellationToken {
        let token = CancellationToken::new();
        self.runs.lock().entry(run).or_default().cancel = Some(token.clone());
        token
    }

    /// An attempt is no longer in hand, and its run has not ended.
    pub(crate) fn put_back(&self, run: RunId) {
        let mut entries = self.runs.lock();
        if let Some(entry) = entries.get_mut(&run) {
            entry.cancel = None;
            if entry.is_idle() {
                entries.remove(&run);
            }
        }
    }

    /// Ends the attempt that is in hand, if any.
    pub(crate) fn cancel(&self, run: RunId) {
        if let Some(token) = self
            .runs
            .lock()
            .get(&run)
            .and_then(|entry| entry.cancel.as_ref())
        {
            token.cancel();
        }
    }

    pub(crate) fn chunk(&self, run: RunId, chunk: Bytes) {
        let mut entries = self.runs.lock();
        let Some(entry) = entries.get_mut(&run) else {
            return;
        };
        entry.chunk_bytes += chunk.len();
        entry.chunks.push(chunk);
        while entry.chunk_bytes > CHUNK_BYTES_KEPT && entry.chunks.len() > 1 {
            entry.chunk_bytes -= entry.chunks.remove(0).len();
            entry.chunks_dropped += 1;
        }
        if let Some(changed) = &entry.changed {
            changed.notify_waiters();
        }
    }

    /// The run has ended, and the store knows.
    pub(crate) fn ended(&self, run: &Arc<Run>) {
        let Some(entry) = self.runs.lock().remove(&run.id) else {
            return;
        };
        for (waiter, index) in entry.waiters {
            waiter.set(index, run);
        }
        if let Some(changed) = entry.changed {
            changed.notify_waiters();
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
    waiter: Arc<Waiter>,
}

impl Waiting {
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
        let all_done = self.waiter.ended.lock().1 == 0;
        if !all_done
            && tokio::time::timeout_at(deadline, self.waiter.done.notified())
                .await
                .is_err()
        {
            tracing::debug!(runs = self.runs.len(), "a caller's wait passed");
        }
        std::mem::take(&mut self.waiter.ended.lock().0)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut entries = self.live.runs.lock();
        for run in &self.runs {
            if let Some(entry) = entries.get_mut(run) {
                entry
                    .waiters
                    .retain(|(waiter, _)| !Arc::ptr_eq(waiter, &self.waiter));
                if entry.is_idle() {
                    entries.remove(run);
                }
            }
        }
    }
}

/// Somebody who reads a run's chunks as they come.
#[derive(Debug)]
pub struct Follower {
    live: Arc<Live>,
    run: RunId,
    next: usize,
    changed: Arc<Notify>,
}

/// What a follower heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// A chunk and its number.
    Chunk(usize, Bytes),
    /// The run is not in hand any more: read its state from the store.
    Over,
}

impl Follower {
    /// The next chunk, or the end.
    pub async fn next(&mut self) -> Said {
        loop {
            let changed = Arc::clone(&self.changed);
            let notified = changed.notified();
            if let Some(said) = self.ready() {
                return said;
            }
            notified.await;
        }
    }

    fn ready(&mut self) -> Option<Said> {
        let entries = self.live.runs.lock();
        let Some(entry) = entries.get(&self.run) else {
            return Some(Said::Over);
        };
        self.next = self.next.max(entry.chunks_dropped);
        let chunk = entry.chunks.get(self.next - entry.chunks_dropped)?.clone();
        self.next += 1;
        Some(Said::Chunk(self.next - 1, chunk))
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let mut entries = self.live.runs.lock();
        if let Some(entry) = entries.get_mut(&self.run) {
            // The entry and this follower hold one each; nobody else does.
            if Arc::strong_count(&self.changed) <= 2 {
                entry.changed = None;
            }
            if entry.is_idle() {
                entries.remove(&self.run);
            }
        }
    }
}

#[cfg(test)]
mod tests;
