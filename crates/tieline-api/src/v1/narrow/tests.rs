use std::time::Duration;

use super::*;

#[test]
fn a_time_is_a_date_or_how_long_ago_it_is() {
    let now: Timestamp = "2026-11-22T13:00:00Z".parse().unwrap();
    let read = |text: &str| moment("since", text, now).ok();
    let ago = |hours| Some(now.minus(Duration::from_hours(hours)));
    for (text, expected) in [
        ("2026-11-22T11:00:00Z", ago(2)),
        ("2026-11-22T12:00:00+01:00", ago(2)),
        ("2h", ago(2)),
        ("1d1h", ago(25)),
        ("0s", Some(now)),
        ("", None),
        ("2", None),
        ("-2h", None),
        ("yesterday", None),
        ("2026-11-22", None),
        ("2026-11-22T12:00:00 01:00", None),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn what_takes_everything_is_known_as_such() {
    assert!(OfRuns::default().is_all() && OfDeliveries::default().is_all());
    let dead = OfRuns {
        dead_letter: Some(false),
        ..OfRuns::default()
    };
    let time = || Time {
        until: Some("1h".to_owned()),
        ..Time::default()
    };
    let old = OfRuns {
        time: time(),
        ..OfRuns::default()
    };
    let late = OfDeliveries {
        time: time(),
        ..OfDeliveries::default()
    };
    assert!(!dead.is_all() && !old.is_all() && !late.is_all());
}
