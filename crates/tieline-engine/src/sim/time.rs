//! The world's clock: it goes with tokio's paused time, from hub to hub, and jumps.

use std::time::Duration;

use parking_lot::Mutex;
use tieline_model::{Clock, Timestamp};
use tokio::time::Instant;

/// What `Clock::now` says at the beginning.
const BEGINNING: i64 = 1_700_000_000_000;

#[derive(Debug, Default)]
pub(super) struct WorldClock(Mutex<Hands>);

#[derive(Debug, Default)]
struct Hands {
    /// Before the hub that lives now.
    passed: Duration,
    /// When the hub that lives now began, by the time of its runtime.
    began: Option<Instant>,
    skew_ms: i64,
    /// What the clock showed when the hub that lives now began: from there on, hubs decide by what
    /// has passed.
    steady_from: i64,
    /// The latest time that any hub decided by.
    latest_ms: i64,
}

impl WorldClock {
    /// A hub begins, in a runtime whose time begins with it.
    pub(super) fn begin(&self) {
        self.0.lock().began = Some(Instant::now());
        let now = self.now().as_millis();
        let passed = self.passed_ms();
        self.0.lock().steady_from = now - passed;
        self.steady();
    }

    /// It has ended: its runtime's time ends too.
    pub(super) fn end(&self) {
        self.steady();
        let passed = self.passed();
        let mut hands = self.0.lock();
        (hands.passed, hands.began) = (passed, None);
    }

    /// The time that has really passed since the world began.
    pub(super) fn passed(&self) -> Duration {
        let hands = self.0.lock();
        let now = hands.began.map(|began| began.elapsed());
        hands.passed + now.unwrap_or_default()
    }

    /// Somebody sets the clock.
    pub(super) fn jump(&self, ms: i64) {
        self.0.lock().skew_ms += ms;
    }

    /// The time that the hub that lives now decides by.
    pub(super) fn steady(&self) -> Timestamp {
        let passed = self.passed_ms();
        let mut hands = self.0.lock();
        let now = hands.steady_from + passed;
        hands.latest_ms = hands.latest_ms.max(now);
        Timestamp::from_millis(now)
    }

    pub(super) fn latest(&self) -> Timestamp {
        Timestamp::from_millis(self.0.lock().latest_ms)
    }

    fn passed_ms(&self) -> i64 {
        i64::try_from(self.passed().as_millis()).expect("a world is short")
    }
}

impl Clock for WorldClock {
    fn now(&self) -> Timestamp {
        let passed = self.passed_ms();
        Timestamp::from_millis(BEGINNING + passed + self.0.lock().skew_ms)
    }
}
