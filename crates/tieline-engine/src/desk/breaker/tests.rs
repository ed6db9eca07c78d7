use std::time::Duration;

use tieline_model::Timestamp;
use tokio::time::Instant;

use super::{Breaker, BreakerState, Health, Moment};
use crate::limits::{BREAKER_FAILURES, BREAKER_PAUSE_FIRST, BREAKER_PAUSE_MAX, HOLD_MAX};

const FULL: u32 = 8;
const WALL: Timestamp = Timestamp::from_millis(1_000_000);

/// A breaker on a clock of its own, with the same luck each time.
struct Rig {
    breaker: Breaker,
    began: Instant,
    passed: Duration,
}

impl Rig {
    fn new() -> Self {
        Self {
            breaker: Breaker::default(),
            began: Instant::now(),
            passed: Duration::ZERO,
        }
    }

    fn moment(&self) -> Moment<'static> {
        Moment {
            now: self.began + self.passed,
            wall: WALL.plus(self.passed),
            random: &|| 0,
        }
    }

    fn free(&mut self, busy: u32) -> u32 {
        let moment = self.moment();
        self.breaker.free(moment, FULL, busy)
    }

    /// One attempt from its begin to its end.
    fn attempt(&mut self, health: Health) {
        let period = self.breaker.begin();
        let moment = self.moment();
        self.breaker.tell(period, health, moment);
        self.breaker.forget(period);
    }

    fn fail(&mut self, times: u32) {
        for _ in 0..times {
            self.attempt(Health::Unwell(None));
        }
    }

    /// Lets time pass until the next probe is due, and says how long that was.
    fn wait(&mut self) -> Duration {
        let until = self.breaker.until().expect("it is open");
        let pause = until - self.moment().now;
        self.passed += pause;
        pause
    }

    fn state(&self) -> BreakerState {
        self.breaker.view().state
    }
}

#[test]
fn it_opens_after_so_many_failures_in_a_row_and_not_before() {
    let mut rig = Rig::new();
    rig.fail(BREAKER_FAILURES - 1);
    rig.attempt(Health::Well);
    rig.fail(BREAKER_FAILURES - 1);
    assert_eq!((rig.state(), rig.free(0)), (BreakerState::Closed, FULL));
    rig.fail(1);
    assert_eq!((rig.state(), rig.free(0)), (BreakerState::Open, 0));
    let view = rig.breaker.view();
    assert_eq!(view.since, Some(WALL));
    assert_eq!(view.next_probe, Some(WALL.plus(BREAKER_PAUSE_FIRST)));
}

#[test]
fn one_probe_is_let_through_and_a_failure_holds_twice_as_long_up_to_a_limit() {
    let mut rig = Rig::new();
    rig.fail(BREAKER_FAILURES);
    let mut expected = BREAKER_PAUSE_FIRST;
    for _ in 0..12 {
        assert_eq!(rig.wait(), expected);
        assert_eq!(rig.free(3), 1, "stragglers do not stand in its way");
        let period = rig.breaker.begin();
        assert_eq!(
            (rig.state(), rig.free(0)),
            (BreakerState::HalfOpen, 0),
            "no second one beside it"
        );
        let moment = rig.moment();
        rig.breaker.tell(period, Health::Unwell(None), moment);
        expected = (expected * 2).min(BREAKER_PAUSE_MAX);
    }
    assert_eq!(rig.breaker.view().since, Some(WALL));
}

#[test]
fn a_probe_that_succeeds_lets_more_and_more_through() {
    let mut rig = Rig::new();
    rig.fail(BREAKER_FAILURES);
    rig.wait();
    assert_eq!(rig.free(0), 1);
    rig.attempt(Health::Well);
    let mut seen = Vec::new();
    loop {
        let free = rig.free(0);
        seen.push(free);
        if free == FULL {
            break;
        }
        // All that were let through succeed.
        for _ in 0..free {
            rig.attempt(Health::Well);
        }
    }
    assert_eq!(seen, [1, 2, 4, 8]);
    rig.fail(BREAKER_FAILURES);
    assert_eq!(rig.wait(), BREAKER_PAUSE_FIRST, "it was well between");
}

#[test]
fn what_is_still_in_hand_from_before_takes_no_place_of_those_that_come_back() {
    let mut rig = Rig::new();
    let busy = FULL - 1;
    let earlier: Vec<_> = (0..busy).map(|_| rig.breaker.begin()).collect();
    rig.fail(BREAKER_FAILURES);
    rig.wait();
    assert_eq!(rig.free(busy), 1);
    rig.attempt(Health::Well);
    assert_eq!(rig.free(busy), 1);
    let second = rig.breaker.begin();
    assert_eq!(rig.free(busy + 1), 0);
    assert_eq!(rig.free(busy), 0, "one at once, whoever else ends");
    for period in earlier {
        rig.breaker.forget(period);
    }
    assert_eq!(rig.free(1), 0, "they were not counted");
    rig.breaker.forget(second);
    assert_eq!(rig.free(0), 1);
}

#[test]
fn one_that_fails_again_before_all_places_are_back_is_held_longer() {
    let mut rig = Rig::new();
    rig.fail(BREAKER_FAILURES);
    rig.wait();
    assert_eq!(rig.free(0), 1);
    rig.attempt(Health::Well);
    assert_eq!(rig.free(0), 1);
    rig.fail(BREAKER_FAILURES);
    assert_eq!(rig.wait(), BREAKER_PAUSE_FIRST * 2);
}

#[test]
fn the_other_side_can_have_itself_held_at_once_but_not_for_ever() {
    let mut rig = Rig::new();
    rig.attempt(Health::Hold(Duration::from_mins(20)));
    assert_eq!(rig.state(), BreakerState::Open);
    assert_eq!(rig.wait(), Duration::from_mins(20));
    assert_eq!(rig.free(0), 1);
    rig.attempt(Health::Hold(Duration::from_hours(24 * 365)));
    assert_eq!(rig.wait(), HOLD_MAX);
    assert_eq!(rig.free(0), 1);
    rig.attempt(Health::Hold(Duration::ZERO));
    assert!(rig.wait() >= BREAKER_PAUSE_FIRST, "nor for no time");
}

#[test]
fn what_began_earlier_says_nothing_about_now() {
    let mut rig = Rig::new();
    let straggler = rig.breaker.begin();
    rig.fail(BREAKER_FAILURES);
    let moment = rig.moment();
    rig.breaker.tell(straggler, Health::Well, moment);
    assert_eq!(rig.state(), BreakerState::Open);
    rig.wait();
    assert_eq!(rig.free(0), 1);
    let moment = rig.moment();
    rig.breaker.tell(straggler, Health::Unwell(None), moment);
    assert_eq!(rig.state(), BreakerState::HalfOpen);
}

#[test]
fn a_probe_that_showed_nothing_is_followed_by_another() {
    let mut rig = Rig::new();
    let straggler = rig.breaker.begin();
    rig.fail(BREAKER_FAILURES);
    rig.wait();
    assert_eq!(rig.free(0), 1);
    let probe = rig.breaker.begin();
    rig.breaker.forget(straggler);
    assert_eq!(rig.free(0), 0);
    rig.breaker.forget(probe);
    assert_eq!(rig.free(0), 1);
}

#[test]
fn a_person_can_have_it_probed_now_or_forget_everything() {
    let mut rig = Rig::new();
    rig.fail(BREAKER_FAILURES);
    rig.breaker.probe_now(rig.moment().now);
    assert_eq!(rig.free(0), 1);
    let moment = rig.moment();
    rig.breaker.reset(moment);
    assert_eq!((rig.state(), rig.free(0)), (BreakerState::Closed, FULL));
    rig.fail(BREAKER_FAILURES);
    assert_eq!(rig.wait(), BREAKER_PAUSE_FIRST);
}

#[test]
fn nothing_is_let_through_where_there_are_no_places() {
    let mut rig = Rig::new();
    rig.fail(BREAKER_FAILURES);
    rig.wait();
    let moment = rig.moment();
    assert_eq!(rig.breaker.free(moment, 0, 0), 0);
}
