//! The clock that decides when.
//!
//! The wall clock may be set at any moment, by people and by machines. What it shows is stamped on
//! what happened; when something is to happen goes by how much time has passed. Both agree at the
//! start of the process.

use tieline_model::{Clock, Timestamp};
use tokio::time::Instant;

use crate::Hub;

/// The wall clock as it was at the start, and since then what has passed.
#[derive(Debug)]
pub(crate) struct Steady {
    wall: Timestamp,
    began: Instant,
}

impl Steady {
    pub(crate) fn start(clock: &dyn Clock) -> Self {
        Self {
            wall: clock.now(),
            began: Instant::now(),
        }
    }

    fn now(&self) -> Timestamp {
        self.wall.plus(self.began.elapsed())
    }
}

impl Hub {
    /// The time by which everything is decided that is due, expires or is no longer kept. It never
    /// goes back and never jumps; [`Hub::now`] is the time to be shown.
    pub fn steady(&self) -> Timestamp {
        self.steady.now()
    }

    /// The later of both clocks: what must not outlive its time ends by it, so that neither a clock
    /// that was set back nor a machine that slept makes it live longer.
    pub fn latest(&self) -> Timestamp {
        self.steady().max(self.now())
    }
}
