use std::time::Duration;

use tieline_model::quantity::Rate;
use tokio::time::Instant;

use super::Pace;

fn pace(rate: &str, now: Instant) -> Pace {
    Pace::new(rate.parse::<Rate>().unwrap(), now)
}

#[test]
fn as_many_as_the_rate_says_begin_at_once_and_then_one_by_one() {
    let now = Instant::now();
    let mut pace = pace("4/1s", now);
    assert_eq!(pace.allows(now), 4);
    pace.spend(4);
    assert_eq!(pace.allows(now), 0);
    assert_eq!(pace.wait(now), Duration::from_millis(250));
    let almost = now + Duration::from_micros(249_999);
    assert_eq!(pace.allows(almost), 0);
    assert_eq!(pace.wait(almost), Duration::from_micros(1));
    let later = now + Duration::from_millis(250);
    assert_eq!((pace.allows(later), pace.wait(later)), (1, Duration::ZERO));
}

#[test]
fn quiet_saves_no_more_than_one_bucket() {
    let now = Instant::now();
    let mut pace = pace("100/1m", now);
    assert_eq!(pace.allows(now + Duration::from_hours(24 * 365)), 100);
}

#[test]
fn what_did_not_begin_is_put_back_and_no_more() {
    let now = Instant::now();
    let mut pace = pace("2/1s", now);
    pace.spend(2);
    pace.give_back();
    assert_eq!(pace.allows(now), 1);
    pace.give_back();
    pace.give_back();
    assert_eq!(pace.allows(now), 2);
}

#[test]
fn looking_often_loses_nothing() {
    let mut now = Instant::now();
    let mut pace = pace("3/1s", now);
    pace.spend(3);
    let mut begun = 0;
    for _ in 0..10_000 {
        now += Duration::from_millis(1);
        let allowed = pace.allows(now);
        pace.spend(allowed);
        begun += allowed;
    }
    assert_eq!(begun, 30);
}

#[test]
fn a_look_back_in_time_changes_nothing() {
    let now = Instant::now();
    let mut pace = pace("1/1s", now);
    let later = now + Duration::from_secs(10);
    assert_eq!(pace.allows(later), 1);
    pace.spend(1);
    assert_eq!(pace.allows(now), 0);
    assert_eq!(pace.allows(later), 0);
}
