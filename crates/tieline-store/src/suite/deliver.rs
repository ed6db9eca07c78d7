//! Deliveries: claimed and settled as runs are, and driven again by people.

use bytes::Bytes;
use tieline_model::{DeliveryId, DeliveryState, Reason, RunError, RunState, Timestamp};

use super::given::{Given, HERE, LEASE_MS, at, attempt, counts, delivered, ended};
use crate::{
    Change, DeliveryOutcome, Epoch, NewDelivery, Next, SettleDelivery, SettleRun, Settled,
    StoreError,
};

fn end(state: DeliveryState) -> DeliveryOutcome {
    let failed = state == DeliveryState::Failed;
    DeliveryOutcome::Ended {
        state,
        error: failed.then(|| RunError::new("destination-gone", "410")),
    }
}

fn again(reason: Reason, due_at: Timestamp) -> DeliveryOutcome {
    DeliveryOutcome::Again(Next {
        reason,
        due_at,
        error: Some(RunError::new("destination-failed", "500")),
        counts: counts(reason),
    })
}

pub(super) async fn a_delivery_is_claimed_retried_and_delivered(given: Given) {
    let id = given.queue_delivery().await;
    let first = given.claim_delivery(at(10)).await;
    assert_eq!((first.delivery.id, first.epoch), (id, Epoch(1)));
    assert_eq!(
        (first.delivery.state, first.delivery.attempt),
        (DeliveryState::Running, 1)
    );
    let stored = given.delivery(id).await;
    assert_eq!(
        format!("{stored:?}"),
        format!("{:?}", first.delivery),
        "it is stored so"
    );
    let empty = given.claim_deliveries(at(10)).await;
    assert_eq!(
        (empty.rows.len(), empty.next_due),
        (0, Some(at(10 + LEASE_MS)))
    );

    let mut retry = delivered(&first, again(Reason::Retry, at(500)));
    retry.attempt = Some(attempt(1));
    assert_eq!(given.settle_delivery(retry).await, Settled::Done);
    let waiting = given.delivery(id).await;
    assert_eq!(
        (waiting.state, waiting.reason),
        (DeliveryState::Waiting, Some(Reason::Retry))
    );
    assert_eq!(
        (waiting.waiting_since, waiting.due_at),
        (Some(at(10)), Some(at(500)))
    );
    assert_eq!(
        waiting.error.map(|e| e.code).as_deref(),
        Some("destination-failed")
    );

    let second = given.claim_delivery(at(500)).await;
    assert_eq!((second.delivery.attempt, second.delivery.reason), (2, None));
    assert_eq!(
        second.delivery.body, first.delivery.body,
        "the same bytes at every attempt"
    );
    let mut done = delivered(&second, end(DeliveryState::Delivered));
    done.attempt = Some(attempt(2));
    assert_eq!(given.settle_delivery(done).await, Settled::Done);
    let last = given.delivery(id).await;
    assert_eq!(
        (last.state, last.ended_at),
        (DeliveryState::Delivered, Some(at(10)))
    );
    assert_eq!((last.due_at, last.error, last.reason), (None, None, None));
    let attempts = given
        .store
        .delivery_attempts(HERE, id)
        .await
        .expect("reads");
    assert_eq!(attempts, [attempt(1), attempt(2)]);
}

pub(super) async fn an_old_epoch_changes_no_delivery(given: Given) {
    let id = given.queue_delivery().await;
    let first = given.claim_delivery(at(10)).await;
    let second = given.claim_delivery(at(10 + LEASE_MS)).await;
    assert_eq!((second.delivery.attempt, second.epoch), (2, Epoch(2)));
    let before = format!("{:?}", given.delivery(id).await);
    for outcome in [end(DeliveryState::Failed), again(Reason::Retry, at(500))] {
        let mut settle = delivered(&first, outcome);
        settle.attempt = Some(attempt(1));
        assert_eq!(given.settle_delivery(settle).await, Settled::Fenced);
    }
    assert_eq!(format!("{:?}", given.delivery(id).await), before);
    let attempts = given
        .store
        .delivery_attempts(HERE, id)
        .await
        .expect("reads");
    assert!(attempts.is_empty());
    for state in [
        DeliveryState::Queued,
        DeliveryState::Running,
        DeliveryState::Waiting,
    ] {
        let refused = given
            .store
            .settle_delivery(HERE, delivered(&second, end(state)))
            .await;
        assert!(matches!(refused, Err(StoreError::Refused { .. })));
    }
    let cancel = SettleDelivery {
        epoch: None,
        ..delivered(&second, end(DeliveryState::Cancelled))
    };
    assert_eq!(given.settle_delivery(cancel.clone()).await, Settled::Done);
    assert_eq!(
        given.settle_delivery(cancel).await,
        Settled::Fenced,
        "it has ended"
    );
}

pub(super) async fn an_unreachable_destination_burns_no_attempt(given: Given) {
    let id = given.queue_delivery().await;
    let claimed = given.claim_delivery(at(10)).await;
    let outage = delivered(&claimed, again(Reason::Outage, at(500)));
    assert_eq!(given.settle_delivery(outage).await, Settled::Done);
    assert_eq!(given.delivery(id).await.attempt, 0);
}

pub(super) async fn a_released_delivery_burns_no_attempt(given: Given) {
    let id = given.queue_delivery().await;
    let claimed = given.claim_delivery(at(10)).await;
    let release = async |id, epoch| {
        let released = given.store.release_delivery(HERE, id, epoch, at(20)).await;
        released.expect("frees")
    };
    let unknown = DeliveryId::from_bytes(*given.run_id().as_bytes());
    assert_eq!(release(unknown, claimed.epoch).await, Settled::Fenced);
    for epoch in [Epoch(0), Epoch(2)] {
        assert_eq!(release(id, epoch).await, Settled::Fenced);
    }
    assert_eq!(release(id, claimed.epoch).await, Settled::Done);
    assert_eq!(release(id, claimed.epoch).await, Settled::Fenced);
    let freed = given.delivery(id).await;
    assert_eq!((freed.state, freed.attempt), (DeliveryState::Queued, 0));
    assert_eq!((freed.due_at, freed.reason), (Some(at(20)), None));
    let late = delivered(&claimed, end(DeliveryState::Delivered));
    assert_eq!(given.settle_delivery(late).await, Settled::Fenced);
    let again = given.claim_delivery(at(20)).await;
    assert_eq!((again.delivery.attempt, again.epoch), (1, Epoch(2)));
}

async fn redrive(given: &Given, id: DeliveryId) -> Change {
    let redriven = given.store.redrive_delivery(HERE, id, at(800)).await;
    redriven.expect("acts")
}

pub(super) async fn a_failed_delivery_is_driven_again_from_zero(given: Given) {
    for state in [DeliveryState::Failed, DeliveryState::Cancelled] {
        let id = given.queue_delivery().await;
        let claimed = given.claim_delivery(at(10)).await;
        given.settle_delivery(delivered(&claimed, end(state))).await;
        assert_eq!(redrive(&given, id).await, Change::Done);
        let driven = given.delivery(id).await;
        assert_eq!((driven.state, driven.attempt), (DeliveryState::Queued, 0));
        assert_eq!(
            (driven.due_at, driven.ended_at, driven.error),
            (Some(at(800)), None, None)
        );
        let late = delivered(&claimed, end(DeliveryState::Delivered));
        assert_eq!(given.settle_delivery(late).await, Settled::Fenced);
        let claimed = given.claim_delivery(at(800)).await;
        assert_eq!((claimed.delivery.id, claimed.delivery.attempt), (id, 1));
    }
    let unknown = DeliveryId::from_bytes(*given.run_id().as_bytes());
    assert_eq!(redrive(&given, unknown).await, Change::NotFound);
}

pub(super) async fn a_delivery_without_a_body_is_failed_from_the_start(given: Given) {
    given.queue().await;
    let claimed = given.claim_one(at(0)).await;
    let error = RunError::new("template-failed", "no such field");
    let new = NewDelivery {
        body: Bytes::new(),
        failed: Some(error.clone()),
        ..given.new_delivery()
    };
    let id = new.id;
    let settle = SettleRun {
        deliveries: vec![new],
        ..ended(&claimed, RunState::Completed)
    };
    assert_eq!(given.settle(settle).await, Settled::Done);
    let failed = given.delivery(id).await;
    assert_eq!(
        (failed.state, failed.error),
        (DeliveryState::Failed, Some(error))
    );
    assert_eq!((failed.due_at, failed.ended_at), (None, Some(at(10))));
    assert!(given.claim_deliveries(at(9999)).await.rows.is_empty());
    assert_eq!(
        redrive(&given, id).await,
        Change::NotAllowed,
        "there is nothing to deliver"
    );
}

pub(super) async fn a_waiting_delivery_is_driven_at_once(given: Given) {
    let id = given.queue_delivery().await;
    let claimed = given.claim_delivery(at(10)).await;
    given
        .settle_delivery(delivered(&claimed, again(Reason::Retry, at(9000))))
        .await;
    assert_eq!(redrive(&given, id).await, Change::Done);
    let driven = given.delivery(id).await;
    assert_eq!(
        (driven.state, driven.attempt, driven.due_at),
        (DeliveryState::Waiting, 1, Some(at(800)))
    );
    assert_eq!(given.claim_delivery(at(800)).await.delivery.attempt, 2);
}

pub(super) async fn a_delivery_in_hand_or_delivered_is_not_driven_again(given: Given) {
    let id = given.queue_delivery().await;
    assert_eq!(
        redrive(&given, id).await,
        Change::NotAllowed,
        "it is queued already"
    );
    let claimed = given.claim_delivery(at(10)).await;
    assert_eq!(redrive(&given, id).await, Change::NotAllowed);
    given
        .settle_delivery(delivered(&claimed, end(DeliveryState::Delivered)))
        .await;
    assert_eq!(redrive(&given, id).await, Change::NotAllowed);
}
