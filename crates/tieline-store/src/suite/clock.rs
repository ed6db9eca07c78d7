//! Leases that last longer, and clocks that were set back.

use tieline_model::{DeliveryState, NodeId, Reason, RunError, RunId, RunState, Timestamp};

use super::given::{AGENT, Given, HERE, LEASE_MS, at, counts, delivered, ended, goes_on, line};
use crate::{
    Acceptance, DeliveryOutcome, Epoch, LinePolicy, NewEvent, Next, SettleDelivery, SettleRun,
    Settled,
};

async fn extend(given: &Given, run: RunId, epoch: Epoch, until: Timestamp) -> Settled {
    let extended = given.store.extend_run(HERE, run, epoch, until).await;
    extended.expect("extends")
}

pub(super) async fn an_extended_lease_ends_later(given: Given) {
    let id = given.queue().await;
    let claimed = given.claim_one(at(0)).await;
    let until = at(3 * LEASE_MS);
    assert_eq!(
        extend(&given, id, claimed.epoch, until).await,
        Settled::Done
    );
    let run = given.run(id).await;
    assert_eq!((run.due_at, run.attempt), (Some(until), 1));
    let early = given.claim(10, at(3 * LEASE_MS - 1)).await;
    assert!(early.rows.is_empty());
    assert_eq!(early.next_due, Some(until));
    let again = given.claim_one(until).await;
    assert_eq!(again.epoch, Epoch(2));
    assert_eq!(
        extend(&given, id, claimed.epoch, at(9 * LEASE_MS)).await,
        Settled::Fenced
    );
}

pub(super) async fn only_the_last_claim_of_a_running_run_is_extended(given: Given) {
    let id = given.queue().await;
    let until = at(500);
    assert_eq!(extend(&given, id, Epoch(0), until).await, Settled::Fenced);
    let claimed = given.claim_one(at(0)).await;
    for epoch in [Epoch(0), Epoch(2)] {
        assert_eq!(extend(&given, id, epoch, until).await, Settled::Fenced);
    }
    let unknown = given.run_id();
    assert_eq!(
        extend(&given, unknown, claimed.epoch, until).await,
        Settled::Fenced
    );
    for settle in [
        goes_on(&claimed, Reason::Answer, at(700)),
        ended(&claimed, RunState::Completed),
    ] {
        assert_eq!(given.settle(settle).await, Settled::Done);
        let due_at = given.run(id).await.due_at;
        assert_eq!(
            extend(&given, id, claimed.epoch, until).await,
            Settled::Fenced
        );
        assert_eq!(given.run(id).await.due_at, due_at);
    }
}

async fn restart(given: &Given, now: Timestamp) -> u64 {
    let keep = NodeId::from_bytes([9; 16]);
    let freed = given.store.release_leases(keep, now).await;
    freed.expect("frees")
}

/// A run for each reason, and a delivery; they wait from `since` on, for 500 ms.
async fn wait(given: &Given, since: i64) -> (Vec<RunId>, tieline_model::DeliveryId) {
    let delivery = given.queue_delivery().await;
    let claimed = given.claim_delivery(at(10)).await;
    let outcome = DeliveryOutcome::Again(Next {
        reason: Reason::Retry,
        due_at: at(since + 500),
        error: Some(RunError::new("destination-failed", "500")),
        counts: counts(Reason::Retry),
    });
    let settle = SettleDelivery {
        now: at(since),
        ..delivered(&claimed, outcome)
    };
    assert_eq!(given.settle_delivery(settle).await, Settled::Done);
    let mut runs = Vec::new();
    for reason in [Reason::Retry, Reason::Outage, Reason::Answer] {
        runs.push(given.queue().await);
        let claimed = given.claim_one(at(0)).await;
        let settle = SettleRun {
            now: at(since),
            ..goes_on(&claimed, reason, at(since + 500))
        };
        assert_eq!(given.settle(settle).await, Settled::Done);
    }
    (runs, delivery)
}

pub(super) async fn waits_that_began_in_the_future_begin_now(given: Given) {
    let (runs, delivery) = wait(&given, 9_000_000).await;
    // A second restart, a little later, does not put anything off.
    for now in [20, 60] {
        assert_eq!(restart(&given, at(now)).await, 0, "no lease was freed");
        let delivery = given.delivery(delivery).await;
        assert_eq!(delivery.state, DeliveryState::Waiting);
        let mut times = vec![(delivery.waiting_since, delivery.due_at)];
        for id in &runs {
            let run = given.run(*id).await;
            assert_eq!(run.state, RunState::Waiting);
            times.push((run.waiting_since, run.due_at));
        }
        assert_eq!(times, [(Some(at(20)), Some(at(520))); 4]);
    }
    assert_eq!(given.claimed(at(520)).await, runs);
    assert_eq!(given.claim_deliveries(at(520)).await.rows.len(), 1);
}

pub(super) async fn what_was_queued_in_the_future_is_due_now(given: Given) {
    let mut runs = Vec::new();
    for ms in [9_000_000, 8_000_000, 5] {
        let event = NewEvent {
            queued_at: at(ms),
            ..given.new_event(vec![given.new_run(AGENT)])
        };
        runs.extend(event.runs.iter().map(|run| run.id));
        given.accept(vec![event]).await;
    }
    assert_eq!(restart(&given, at(20)).await, 0);
    let mut due = Vec::new();
    for id in &runs {
        due.push(given.run(*id).await.due_at);
    }
    assert_eq!(due, [Some(at(20)), Some(at(20)), Some(at(5))]);
    let event = NewEvent {
        queued_at: at(30),
        ..given.new_event(vec![given.new_run(AGENT)])
    };
    let newest = event.runs.first().expect("it has one").id;
    given.accept(vec![event]).await;
    let claimed = given.claimed(at(30)).await;
    assert_eq!(claimed.last(), Some(&newest), "it overtakes nothing");
}

pub(super) async fn what_began_to_wait_before_is_due_when_it_was(given: Given) {
    let (runs, delivery) = wait(&given, 15).await;
    assert_eq!(restart(&given, at(20)).await, 0);
    let delivery = given.delivery(delivery).await;
    assert_eq!(delivery.due_at, Some(at(515)));
    for id in runs {
        let run = given.run(id).await;
        assert_eq!(
            (run.waiting_since, run.due_at),
            (Some(at(15)), Some(at(515)))
        );
    }
}

pub(super) async fn what_waits_in_the_future_behind_others_waits_from_now_on(given: Given) {
    let taken = given.queue_in(line(LinePolicy::Queue), at(0)).await;
    let claimed = given.claim_one(at(0)).await;
    let (_, acceptance) = given.accept_in(line(LinePolicy::Replace), at(1)).await;
    let displaced = vec![taken];
    assert_eq!(acceptance, Acceptance::Stored { displaced });
    let retried = SettleRun {
        now: at(9_000_000),
        ..goes_on(&claimed, Reason::Retry, at(9_000_500))
    };
    assert_eq!(given.settle(retried).await, Settled::Done);
    assert_eq!(restart(&given, at(20)).await, 0);
    let run = given.run(taken).await;
    assert_eq!(
        (run.waiting_since, run.due_at),
        (Some(at(20)), Some(at(520)))
    );
}
