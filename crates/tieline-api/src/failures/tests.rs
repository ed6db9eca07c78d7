use std::net::Ipv4Addr;

use super::*;

/// Connector 0 is the management API.
fn key(connector: i64, address: &str) -> Key {
    let door = match connector {
        0 => Door::Management,
        id => Door::Connector(ConnectorId(id)),
    };
    (door, network(address.parse().unwrap()))
}

fn exhaust(failures: &Failures, key: Key) {
    while failures.count(key).is_none() {}
}

#[tokio::test(start_paused = true)]
async fn after_a_minutes_worth_of_failures_one_waits_for_its_end() {
    let failures = Failures::default();
    let guesser = key(1, "203.0.113.9");
    for _ in 0..FAILURES {
        assert_eq!(failures.count(guesser), None);
        assert!(!failures.exceeded(guesser));
    }
    tokio::time::advance(Duration::from_secs(20)).await;
    let rest = Duration::from_secs(40);
    for new in [true, false, false] {
        assert_eq!(failures.count(guesser), Some(TooMany { rest, new }));
        assert!(failures.exceeded(guesser));
    }
    tokio::time::advance(rest).await;
    assert!(!failures.exceeded(guesser));
    assert_eq!(failures.count(guesser), None);
}

#[tokio::test]
async fn neither_other_networks_nor_other_connectors_suffer() {
    let failures = Failures::default();
    let guesser = key(1, "203.0.113.9");
    exhaust(&failures, guesser);
    for other in [
        key(1, "203.0.113.8"),
        key(2, "203.0.113.9"),
        key(0, "203.0.113.9"),
        (Door::Callback, guesser.1),
    ] {
        assert!(!failures.exceeded(other));
        assert_eq!(failures.count(other), None);
    }
    exhaust(&failures, key(1, "2001:db8::1"));
    assert!(failures.exceeded(key(1, "2001:db8::ffff:2")));
    assert!(!failures.exceeded(key(1, "2001:db8:0:1::1")));
}

#[tokio::test]
async fn what_is_remembered_is_bounded_and_named_seldom() {
    let failures = Failures::default();
    let count = u32::try_from(FAILURES_NETWORKS).unwrap();
    let address = |n: u32| (Door::Management, IpAddr::V4(Ipv4Addr::from_bits(n)));
    let mut named = 0;
    for n in 0..count * 2 {
        failures.count(address(n));
    }
    for n in 0..100 {
        for _ in 0..=FAILURES {
            named += usize::from(failures.count(address(n)).is_some_and(|many| many.new));
        }
    }
    let window = failures.window.lock();
    assert_eq!(window.as_ref().unwrap().counts.len(), FAILURES_NETWORKS);
    drop(window);
    assert!(named < FAILURES_NAMED, "{named}");
    // Those that came too late share one count, and are not suspects for it.
    let late = address(count * 3);
    assert!(failures.count(late).is_some());
    assert!(!failures.exceeded(late));
}
