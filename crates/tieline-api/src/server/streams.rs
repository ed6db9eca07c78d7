//! What the streams of one HTTP/2 connection do, as far as the library does not watch it: requests
//! that are reset while they are worked on, and answers for which the client makes no room.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::limits::{CANCELLED_REQUESTS, STREAMLESS, WRITE_STALL};

#[derive(Debug, Default)]
pub(super) struct Streams {
    seen: Mutex<Seen>,
    /// The requests in hand are the last.
    last: CancellationToken,
    /// More was reset than anyone needs to.
    reset: CancellationToken,
}

#[derive(Debug, Default)]
struct Seen {
    /// Requests reset before their answer, less those answered.
    resets: usize,
    /// Counts requests and answers.
    next: u64,
    /// Requests that have not been answered to the end.
    open: usize,
    /// When each answer that is being sent was last asked for more.
    answers: HashMap<u64, Instant>,
}

/// A request without an answer yet.
pub(super) struct Unanswered {
    streams: Option<Arc<Streams>>,
}

/// An answer on its way.
#[derive(Debug)]
pub(super) struct Watched {
    streams: Arc<Streams>,
    number: u64,
}

impl Streams {
    pub(super) fn unanswered(self: &Arc<Self>) -> Unanswered {
        let mut seen = self.seen.lock();
        seen.open += 1;
        seen.next += 1;
        drop(seen);
        let streams = Some(Arc::clone(self));
        Unanswered { streams }
    }

    /// Ends the connection once the requests in hand are answered.
    pub(super) fn call_last(&self) {
        self.last.cancel();
    }

    pub(super) async fn last_called(&self) {
        self.last.cancelled().await;
    }

    /// Waits until the connection is good for nothing, and says why.
    pub(super) async fn abused(&self) -> &'static str {
        tokio::select! {
            () = self.reset.cancelled() => "too many requests were reset",
            () = self.stalled() => "the client made no room for an answer",
        }
    }

    /// Waits until there has been no request for [`STREAMLESS`]. Else a client that answers pings,
    /// and asks for nothing, would have its place for ever.
    pub(super) async fn idle(&self) {
        let (mut since, mut last) = (Instant::now(), 0);
        while since.elapsed() < STREAMLESS {
            sleep(STREAMLESS / 8).await;
            let seen = self.seen.lock();
            if seen.open > 0 || seen.next != last {
                (since, last) = (Instant::now(), seen.next);
            }
        }
    }

    async fn stalled(&self) {
        loop {
            sleep(WRITE_STALL / 4).await;
            let seen = self.seen.lock();
            if seen.answers.values().any(|at| at.elapsed() >= WRITE_STALL) {
                return;
            }
        }
    }
}

impl Unanswered {
    pub(super) fn answered(mut self) -> Watched {
        let streams = self
            .streams
            .take()
            .expect("taken here and at the drop only");
        let mut seen = streams.seen.lock();
        seen.resets = seen.resets.saturating_sub(1);
        let number = seen.next;
        seen.next += 1;
        seen.answers.insert(number, Instant::now());
        drop(seen);
        Watched { streams, number }
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        let Some(streams) = self.streams.take() else {
            return;
        };
        let mut seen = streams.seen.lock();
        seen.open -= 1;
        seen.resets += 1;
        if seen.resets > CANCELLED_REQUESTS {
            streams.reset.cancel();
        }
    }
}

impl Watched {
    /// The library asks for the next piece only where the client has room for it.
    pub(super) fn goes_on(&self) {
        let mut seen = self.streams.seen.lock();
        seen.answers.insert(self.number, Instant::now());
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let mut seen = self.streams.seen.lock();
        seen.open -= 1;
        seen.answers.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_resets_more_than_it_takes_answers_for_is_cut() {
        let streams = Arc::new(Streams::default());
        for _ in 0..CANCELLED_REQUESTS * 4 {
            drop(streams.unanswered());
            drop(streams.unanswered().answered());
        }
        assert!(!streams.reset.is_cancelled());
        for _ in 0..=CANCELLED_REQUESTS {
            drop(streams.unanswered());
        }
        assert_eq!(streams.abused().await, "too many requests were reset");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_may_be_slow_and_not_stand_still() {
        let streams = Arc::new(Streams::default());
        let slow = streams.unanswered().answered();
        let begun = Instant::now();
        let abused = streams.abused();
        tokio::pin!(abused);
        for _ in 0..10 {
            let on = timeout(WRITE_STALL / 2, abused.as_mut()).await;
            assert!(on.is_err());
            slow.goes_on();
        }
        let stood = Instant::now();
        assert!(abused.await.contains("no room"));
        assert!(stood.elapsed() >= WRITE_STALL && begun.elapsed() < WRITE_STALL * 7);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_requests_is_idle_in_time_and_no_other_is() {
        let streams = Arc::new(Streams::default());
        let begun = Instant::now();
        streams.idle().await;
        assert!(begun.elapsed() >= STREAMLESS && begun.elapsed() < STREAMLESS * 5 / 4);
        let asked = streams.unanswered();
        let idle = streams.idle();
        tokio::pin!(idle);
        let long = STREAMLESS * 3;
        let worked_on = timeout(long, idle.as_mut()).await;
        assert!(worked_on.is_err());
        let answered = asked.answered();
        let on_its_way = timeout(long, idle.as_mut()).await;
        assert!(on_its_way.is_err());
        drop(answered);
        for _ in 0..10 {
            drop(streams.unanswered().answered());
            let asks_again = timeout(STREAMLESS / 2, idle.as_mut()).await;
            assert!(asks_again.is_err());
        }
        assert!(timeout(long, idle.as_mut()).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_open_answers_may_rest() {
        let streams = Arc::new(Streams::default());
        drop(streams.unanswered().answered());
        let abused = timeout(WRITE_STALL * 10, streams.abused());
        assert!(abused.await.is_err());
    }
}
