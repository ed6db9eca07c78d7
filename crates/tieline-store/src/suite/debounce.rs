//! Lines that wait for quiet.

use std::time::Duration;

use tieline_model::{ConnectorId, Reason, RunId, RunState, Timestamp};

use super::given::{Given, STORED, at, cancelled, ended, line};
use crate::{Acceptance, Debounce, Line, LinePolicy, NewEvent};

/// Quiet for 100 ms, at most 250 ms and 4 events.
fn quiet(policy: LinePolicy) -> Line {
    Line {
        debounce: Some(Debounce {
            quiet: Duration::from_millis(100),
            max_wait: Duration::from_millis(250),
            max_count: 4,
        }),
        ..line(policy)
    }
}

async fn arrives(given: &Given, ms: i64) -> (RunId, Acceptance) {
    given.accept_in(quiet(LinePolicy::Queue), at(ms)).await
}

fn took(id: RunId) -> Acceptance {
    Acceptance::Stored {
        displaced: vec![id],
    }
}

/// Since when a run waits for quiet, and until when at the most.
async fn waits(given: &Given, id: RunId) -> (i64, i64) {
    let run = given.run(id).await;
    assert_eq!(
        (run.state, run.reason),
        (RunState::Waiting, Some(Reason::Debounce))
    );
    let ms = |moment: Option<Timestamp>| {
        let moment = moment.expect("it waits");
        moment.as_millis() - at(0).as_millis()
    };
    (ms(run.waiting_since), ms(run.due_at))
}

pub(super) async fn a_run_waits_until_it_is_quiet(given: Given) {
    let (id, acceptance) = arrives(&given, 20).await;
    assert_eq!(acceptance, STORED);
    assert_eq!(waits(&given, id).await, (20, 120));
    assert_eq!(given.run(id).await.queued_at, at(20));
    let early = given.claim(10, at(119)).await;
    assert!(early.rows.is_empty());
    assert_eq!(early.next_due, Some(at(120)));
    let claimed = given.claim_one(at(120)).await;
    let run = claimed.run;
    assert_eq!((run.id, run.attempt, run.reason), (id, 1, None));
    assert_eq!(run.waiting_since, None);
}

pub(super) async fn the_newest_waits_in_the_place_of_the_others(given: Given) {
    let (first, _) = arrives(&given, 0).await;
    let (second, acceptance) = arrives(&given, 60).await;
    assert_eq!(acceptance, took(first));
    assert_eq!(waits(&given, second).await, (0, 160));
    assert_eq!(given.run(first).await.into, Some(second));
    assert!(given.claimed(at(159)).await.is_empty(), "it is not quiet");
    assert_eq!(given.claimed(at(160)).await, [second]);
    assert!(given.claimed(at(9000)).await.is_empty());
}

pub(super) async fn nobody_waits_longer_than_the_longest_wait(given: Given) {
    arrives(&given, 0).await;
    let (second, _) = arrives(&given, 160).await;
    assert_eq!(waits(&given, second).await, (0, 250));
    // It was not claimed in time: the next is due at once, and is no longer waited for.
    let (third, acceptance) = arrives(&given, 250).await;
    assert_eq!(acceptance, took(second));
    let run = given.run(third).await;
    assert_eq!((run.state, run.reason), (RunState::Queued, None));
    assert_eq!((run.due_at, run.waiting_since), (Some(at(250)), None));
}

pub(super) async fn as_many_as_are_waited_for_at_the_most_go_at_once(given: Given) {
    let mut last = arrives(&given, 0).await.0;
    for ms in 1..3 {
        let (next, acceptance) = arrives(&given, ms).await;
        assert_eq!(acceptance, took(last));
        assert_eq!(waits(&given, next).await, (0, 100 + ms));
        last = next;
    }
    let (fourth, acceptance) = arrives(&given, 3).await;
    assert_eq!(acceptance, took(last));
    let run = given.run(fourth).await;
    assert_eq!((run.state, run.due_at), (RunState::Queued, Some(at(3))));
    assert_eq!(given.claimed(at(3)).await, [fourth]);
    given.settle(cancelled(fourth)).await;
    let (fresh, acceptance) = arrives(&given, 4).await;
    assert_eq!(acceptance, STORED);
    assert_eq!(waits(&given, fresh).await, (4, 104), "it counts from one");
}

pub(super) async fn what_was_quiet_long_enough_is_left_alone(given: Given) {
    let (first, _) = arrives(&given, 0).await;
    let claimed = given.claim_one(at(100)).await;
    let (second, acceptance) = arrives(&given, 110).await;
    assert_eq!(acceptance, STORED);
    assert_eq!(given.run(first).await.into, None);
    assert!(given.claimed(at(9000)).await.is_empty(), "it stands behind");
    given.settle(ended(&claimed, RunState::Completed)).await;
    assert_eq!(given.claimed(at(210)).await, [second]);
}

pub(super) async fn another_connector_waits_for_itself(given: Given) {
    let (first, _) = arrives(&given, 0).await;
    let other = NewEvent {
        connector: ConnectorId(8),
        ..given.lined_event(quiet(LinePolicy::Queue), at(50))
    };
    let second = other.runs.first().expect("it has one").id;
    assert_eq!(given.accept(vec![other]).await, [STORED]);
    assert_eq!(waits(&given, first).await, (0, 100));
    assert_eq!(waits(&given, second).await, (50, 150));
}

pub(super) async fn a_run_that_waits_for_quiet_behind_another_stays_due_when_it_was(given: Given) {
    given.queue_in(line(LinePolicy::Queue), at(0)).await;
    let (behind, _) = arrives(&given, 5).await;
    let mut later = given.new_event(vec![given.new_run(super::given::AGENT)]);
    later.queued_at = at(700);
    given.accept(vec![later]).await;
    let claims = given.claim(1, at(8)).await;
    let claimed = claims.rows.first().expect("it is due");
    given.settle(ended(claimed, RunState::Completed)).await;
    assert_eq!(waits(&given, behind).await, (5, 105));
    assert!(!given.claimed(at(104)).await.contains(&behind));
    assert_eq!(given.claimed(at(105)).await, [behind]);
}

pub(super) async fn coalescing_takes_the_place_of_what_was_quiet_too(given: Given) {
    let due = given.queue_in(line(LinePolicy::Queue), at(0)).await;
    let (waiting, _) = arrives(&given, 1).await;
    let coalesce = quiet(LinePolicy::Coalesce);
    let (newest, acceptance) = given.accept_in(coalesce, at(2)).await;
    let displaced = vec![due, waiting];
    assert_eq!(acceptance, Acceptance::Stored { displaced });
    assert_eq!(waits(&given, newest).await, (1, 102));
}
