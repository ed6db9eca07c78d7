//! Two handles on one store, as two nodes have them.

use tieline_model::{NodeId, RunState};

use super::given::{Given, HERE, LEASE_MS, at, ended};
use crate::{Acceptance, Epoch, Settled};

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

pub(super) async fn the_same_key_at_both_handles_is_one_event((one, two): (Given, Given)) {
    let first = one.keyed_event("k", 1);
    let id = first.id;
    assert_eq!(one.accept(vec![first]).await, [Acceptance::Stored]);
    let second = two.accept(vec![two.keyed_event("k", 1)]).await;
    let Some(Acceptance::Duplicate { event, .. }) = second.first() else {
        panic!("it is a duplicate, not {second:?}");
    };
    assert_eq!(*event, id);
}
