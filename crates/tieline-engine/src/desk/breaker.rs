//! Holds back the work for a side that is not well, and finds out when it is well again.
//!
//! What is held stays in the store: nothing is claimed, so that no attempt burns and nothing is
//! lost. Pure: the time and the random number are arguments.

use std::time::Duration;

use tieline_model::Timestamp;
use tokio::time::Instant;

use crate::limits::{BREAKER_FAILURES, BREAKER_PAUSE_FIRST, BREAKER_PAUSE_MAX, HOLD_MAX};

/// Whether work goes to an agent or to a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// It goes.
    Closed,
    /// It is held until the next probe.
    Open,
    /// One piece of work is let through, to see.
    HalfOpen,
}

impl BreakerState {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// A breaker as it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerView {
    pub state: BreakerState,
    /// Since when it is held, or not held any more; `None` where it never was.
    pub since: Option<Timestamp>,
    /// When the next piece of work is let through, where it is open.
    pub next_probe: Option<Timestamp>,
}

/// What an attempt showed of the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    Well,
    /// It could not be reached, or could not work; with how long it wants to be left alone.
    Unwell(Option<Duration>),
    /// It asks that nothing be sent for so long.
    Hold(Duration),
}

/// When something is told to a breaker, and its luck.
#[derive(Clone, Copy)]
pub(crate) struct Moment<'a> {
    pub now: Instant,
    pub wall: Timestamp,
    /// Drawn only where it is needed.
    pub random: &'a dyn Fn() -> u32,
}

/// Which period of a breaker an attempt was begun in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Period(u64);

#[derive(Debug, Default)]
pub(crate) struct Breaker {
    state: State,
    /// What was begun in an earlier period says nothing about this one.
    period: Period,
    since: Option<Timestamp>,
    /// How many attempts of this period are in hand.
    in_hand: u32,
    /// How often it opened without having been fully closed between.
    openings: u32,
}

#[derive(Debug)]
enum State {
    Closed {
        /// Outcomes in a row that were not well.
        failures: u32,
        /// How many places there are while the other side gets used to work again.
        ramp: Option<u32>,
    },
    Open {
        until: Instant,
        next_probe: Timestamp,
    },
    HalfOpen {
        probing: bool,
    },
}

impl Default for State {
    fn default() -> Self {
        Self::Closed {
            failures: 0,
            ramp: None,
        }
    }
}

impl Breaker {
    /// How many of `full` places may be taken now, where `busy` are; it may be time for a probe.
    pub(super) fn free(&mut self, moment: Moment<'_>, full: u32, busy: u32) -> u32 {
        if matches!(self.state, State::Open { until, .. } if until <= moment.now) {
            self.turn(State::HalfOpen { probing: false }, moment);
        }
        match &mut self.state {
            State::Closed { ramp, .. } => {
                if ramp.is_some_and(|places| places >= full) {
                    *ramp = None;
                    self.openings = 0;
                }
                let room = full.saturating_sub(busy);
                // What is in hand since before it was held may last for hours, and takes no place
                // of those that come back one by one.
                ramp.map_or(room, |places| places.saturating_sub(self.in_hand).min(room))
            }
            State::Open { .. } => 0,
            State::HalfOpen { probing } => u32::from(!*probing).min(full),
        }
    }

    /// When to look again, where it is open.
    pub(super) const fn until(&self) -> Option<Instant> {
        match self.state {
            State::Open { until, .. } => Some(until),
            _ => None,
        }
    }

    /// An attempt begins.
    pub(super) const fn begin(&mut self) -> Period {
        if let State::HalfOpen { probing } = &mut self.state {
            *probing = true;
        }
        self.in_hand += 1;
        self.period
    }

    /// Whether an attempt that begins now is to show whether the other side is well again.
    pub(super) const fn is_trying(&self) -> bool {
        !matches!(self.state, State::Closed { ramp: None, .. })
    }

    /// An attempt that was begun in `period` showed how the other side is.
    pub(super) fn tell(&mut self, period: Period, health: Health, moment: Moment<'_>) {
        if period != self.period {
            return;
        }
        match (&mut self.state, health) {
            (_, Health::Hold(wait)) => self.open(Some(wait), moment),
            (State::Closed { failures, ramp }, Health::Well) => {
                *failures = 0;
                *ramp = ramp.map(|places| places.saturating_add(1));
            }
            (State::Closed { failures, .. }, Health::Unwell(wait)) => {
                *failures += 1;
                if *failures >= BREAKER_FAILURES {
                    self.open(wait, moment);
                }
            }
            (State::HalfOpen { .. }, Health::Well) => {
                let (failures, ramp) = (0, Some(1));
                self.turn(State::Closed { failures, ramp }, moment);
            }
            (State::HalfOpen { .. }, Health::Unwell(wait)) => self.open(wait, moment),
            (State::Open { .. }, _) => {}
        }
    }

    /// An attempt that was begun in `period` is over. Where it showed nothing, it was not made, or
    /// the hub gave it up.
    pub(super) fn forget(&mut self, period: Period) {
        if period != self.period {
            return;
        }
        self.in_hand = self.in_hand.saturating_sub(1);
        if let State::HalfOpen { probing } = &mut self.state {
            *probing = false;
        }
    }

    /// A person says that it is worth a try: where it is open, the next probe is due.
    pub(super) const fn probe_now(&mut self, now: Instant) {
        if let State::Open { until, .. } = &mut self.state {
            *until = now;
        }
    }

    /// Forgets everything: the other side is another one now.
    pub(super) fn reset(&mut self, moment: Moment<'_>) {
        self.openings = 0;
        self.turn(State::default(), moment);
    }

    pub(super) const fn view(&self) -> BreakerView {
        let (state, next_probe) = match self.state {
            State::Closed { .. } => (BreakerState::Closed, None),
            State::Open { next_probe, .. } => (BreakerState::Open, Some(next_probe)),
            State::HalfOpen { .. } => (BreakerState::HalfOpen, None),
        };
        BreakerView {
            state,
            since: self.since,
            next_probe,
        }
    }

    pub(super) const fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed { .. })
    }

    fn open(&mut self, at_least: Option<Duration>, moment: Moment<'_>) {
        let doubled = BREAKER_PAUSE_FIRST
            .saturating_mul(1 << self.openings.min(16))
            .min(BREAKER_PAUSE_MAX);
        // Up to a tenth longer, so that hubs do not come back together.
        let jitter = (doubled / 10).mul_f64(f64::from((moment.random)()) / f64::from(u32::MAX));
        let pause = (doubled + jitter).max(at_least.unwrap_or_default().min(HOLD_MAX));
        self.openings = self.openings.saturating_add(1);
        let (until, next_probe) = (moment.now + pause, moment.wall.plus(pause));
        self.turn(State::Open { until, next_probe }, moment);
    }

    fn turn(&mut self, state: State, moment: Moment<'_>) {
        // From one probe to the next it is held since it first opened.
        let was_closed = self.is_closed();
        self.state = state;
        self.period = Period(self.period.0 + 1);
        self.in_hand = 0;
        if was_closed != self.is_closed() {
            self.since = Some(moment.wall);
        }
    }
}

#[cfg(test)]
mod tests;
