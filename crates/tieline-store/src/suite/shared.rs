//! Two handles on one store, as two nodes have them.

use tieline_model::{DeliveryState, NodeId, Reason, RunError, RunState};

use super::given::{
    Given, HERE, LEASE_MS, STORED, at, attempt, delivered, ended, goes_on, line, page,
};
use crate::{Acceptance, DeliveryFilter, DeliveryOutcome, Epoch, LinePolicy, RunOutcome, Settled};

pub(super) async fn both_handles_see_what_either_wrote((one, two): (Given, Given)) {
    let first = one.queue().await;
    let second = two.queue().await;
    assert_eq!(two.run(first).await.state, RunState::Queued);
    assert_eq!(one.run(second).await.state, RunState::Queued);
}

pub(super) async fn a_run_goes_to_one_handle_only((one, two): (Given, Given)) {
    let mut queued = Vec::new();
    for _ in 0..10 {
        queued.push(one.queue().await);
    }
    let mut claimed = Vec::new();
    for given in [&one, &two, &one, &two] {
        let claims = given.claim(3, at(0)).await;
        claimed.extend(claims.rows.into_iter().map(|row| row.run.id));
    }
    assert_eq!(claimed, queued);
}

pub(super) async fn a_write_of_a_handle_that_lost_its_lease_is_refused((one, two): (Given, Given)) {
    let id = one.queue().await;
    let slow = one.claim_one(at(0)).await;
    let fast = two.claim_one(at(LEASE_MS)).await;
    assert_eq!(fast.epoch, Epoch(2));
    assert_eq!(
        one.settle(ended(&slow, RunState::Failed)).await,
        Settled::Fenced
    );
    assert_eq!(
        two.settle(ended(&fast, RunState::Completed)).await,
        Settled::Done
    );
    assert_eq!(
        one.settle(ended(&slow, RunState::Failed)).await,
        Settled::Fenced
    );
    assert_eq!(one.run(id).await.state, RunState::Completed);

    let freed = one.queue().await;
    let slow = one.claim_one(at(0)).await;
    let keep = NodeId::from_bytes([2; 16]);
    assert_eq!(
        two.store.release_leases(keep, at(1)).await.expect("frees"),
        1
    );
    assert_eq!(
        one.settle(ended(&slow, RunState::Failed)).await,
        Settled::Fenced
    );
    assert_eq!(
        two.store
            .run(HERE, freed)
            .await
            .expect("reads")
            .map(|r| r.state),
        Some(RunState::Queued)
    );
}

/// Whatever it does with what it held: the other one has it now.
pub(super) async fn a_handle_past_its_lease_is_refused_everywhere((one, two): (Given, Given)) {
    let delivery = one.queue_delivery().await;
    let run = one.queue().await;
    let (slow, slow_delivery) = (one.claim_one(at(0)).await, one.claim_delivery(at(10)).await);
    two.claim_one(at(LEASE_MS)).await;
    two.claim_delivery(at(10 + LEASE_MS)).await;
    let before = (two.run(run).await, two.delivery(delivery).await);

    let mut refused = Vec::new();
    let mut paused = ended(&slow, RunState::Failed);
    paused.outcome = RunOutcome::Paused {
        error: RunError::new("agent-failed", "no"),
    };
    let mut with_delivery = ended(&slow, RunState::Completed);
    with_delivery.deliveries.push(one.new_delivery());
    for mut settle in [
        with_delivery,
        goes_on(&slow, Reason::Retry, at(9)),
        goes_on(&slow, Reason::Answer, at(9)),
        paused,
    ] {
        settle.attempt = Some(attempt(1));
        refused.push(one.settle(settle).await);
    }
    let end = DeliveryOutcome::Ended {
        state: DeliveryState::Delivered,
        error: None,
    };
    refused.push(one.settle_delivery(delivered(&slow_delivery, end)).await);
    let (epoch, until) = (slow.epoch, at(9 * LEASE_MS));
    let store = &one.store;
    let others = [
        store.extend_run(HERE, run, epoch, until).await,
        store.release_run(HERE, run, epoch, at(9)).await,
        store
            .release_delivery(HERE, delivery, slow_delivery.epoch, at(9))
            .await,
    ];
    refused.extend(others.map(|other| other.expect("answers")));
    assert_eq!(refused, vec![Settled::Fenced; 8]);

    let after = (two.run(run).await, two.delivery(delivery).await);
    assert_eq!(format!("{after:?}"), format!("{before:?}"));
    let attempts = store.run_attempts(HERE, run).await.expect("reads");
    assert!(attempts.is_empty());
    let filter = DeliveryFilter {
        run: Some(run),
        ..DeliveryFilter::default()
    };
    let made = store.deliveries(HERE, filter, page(10)).await;
    assert!(made.expect("reads").rows.is_empty());
}

pub(super) async fn a_line_is_one_line_for_both_handles((one, two): (Given, Given)) {
    let first = one.queue_in(line(LinePolicy::Queue), at(0)).await;
    let second = two.queue_in(line(LinePolicy::Queue), at(1)).await;
    let claimed = two.claim_one(at(5)).await;
    assert_eq!(claimed.run.id, first);
    assert!(one.claimed(at(5)).await.is_empty());
    let (_, busy) = one.accept_in(line(LinePolicy::Reject), at(6)).await;
    assert_eq!(busy, Acceptance::Busy);
    let (third, taken) = one.accept_in(line(LinePolicy::Coalesce), at(7)).await;
    let displaced = vec![second];
    assert_eq!(taken, Acceptance::Stored { displaced });
    two.settle(ended(&claimed, RunState::Completed)).await;
    assert_eq!(two.claimed(at(10)).await, [third]);
}

pub(super) async fn the_same_key_at_both_handles_is_one_event((one, two): (Given, Given)) {
    let first = one.keyed_event("k", 1);
    let id = first.id;
    assert_eq!(one.accept(vec![first]).await, [STORED]);
    let second = two.accept(vec![two.keyed_event("k", 1)]).await;
    let Some(Acceptance::Duplicate { event, .. }) = second.first() else {
        panic!("it is a duplicate, not {second:?}");
    };
    assert_eq!(*event, id);
}
