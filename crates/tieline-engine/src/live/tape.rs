//! What an agent says before it has finished, for whoever follows it.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use tieline_model::RunId;
use tokio::sync::Notify;

use super::Live;
use crate::limits::CHUNK_BYTES_KEPT;

/// The chunks of one run that are still kept.
#[derive(Debug, Default)]
pub(super) struct Tape {
    kept: Mutex<Kept>,
    /// Woken at every chunk and at the end.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Kept {
    chunks: VecDeque<Bytes>,
    bytes: usize,
    /// Chunks that were dropped from the front to stay within the limit.
    dropped: usize,
    /// The run has ended: nothing comes after what is here.
    over: bool,
}

impl Tape {
    pub(super) fn push(&self, chunk: Bytes) {
        let mut kept = self.kept.lock();
        kept.bytes += chunk.len();
        kept.chunks.push_back(chunk);
        while kept.bytes > CHUNK_BYTES_KEPT && kept.chunks.len() > 1 {
            let first = kept.chunks.pop_front().map_or(0, |chunk| chunk.len());
            kept.bytes -= first;
            kept.dropped += 1;
        }
        drop(kept);
        self.changed.notify_waiters();
    }

    pub(super) fn end(&self) {
        self.kept.lock().over = true;
        self.changed.notify_waiters();
    }
}

/// Somebody who reads a run's chunks as they come.
#[derive(Debug)]
pub struct Follower {
    live: Arc<Live>,
    run: RunId,
    next: usize,
    tape: Arc<Tape>,
}

/// What a follower heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// A chunk and its number.
    Chunk(usize, Bytes),
    /// The run has ended, and nothing was said after what came before this: read its state from
    /// the store.
    Over,
}

impl Follower {
    pub(super) fn new(live: Arc<Live>, run: RunId, tape: Arc<Tape>, from: usize) -> Self {
        Self {
            live,
            run,
            next: from,
            tape,
        }
    }

    #[must_use]
    pub const fn run(&self) -> RunId {
        self.run
    }

    /// The next chunk, or the end. Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Said {
        let tape = Arc::clone(&self.tape);
        loop {
            let notified = tape.changed.notified();
            if let Some(said) = self.ready() {
                return said;
            }
            notified.await;
        }
    }

    fn ready(&mut self) -> Option<Said> {
        let kept = self.tape.kept.lock();
        self.next = self.next.max(kept.dropped);
        match kept.chunks.get(self.next - kept.dropped) {
            Some(chunk) => {
                self.next += 1;
                Some(Said::Chunk(self.next - 1, chunk.clone()))
            }
            None => kept.over.then_some(Said::Over),
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.live.let_go(self.run);
    }
}
