//! Claims that ride in the commit of what they claim.

use tieline_model::{DeliveryId, DeliveryState, Priority, Reason, RunId, RunState};

use super::given::{AGENT, Given, HERE, LEASE_MS, RECEIVER, STORED, at, ended, goes_on, line};
use crate::{
    Acceptance, ClaimedRun, Claims, Epoch, LinePolicy, NewEvent, NewRun, SettleRun, Settled,
    StoreError, Written,
};

async fn accept(
    given: &Given,
    events: Vec<NewEvent>,
    limit: u32,
) -> Result<Written<Vec<Acceptance>, ClaimedRun>, StoreError> {
    let claim = given.request(AGENT, limit, at(3));
    given.store.accept(events, vec![claim]).await
}

/// Settles a run and claims one delivery with it; returns which.
async fn settle(given: &Given, settle: SettleRun) -> (Settled, Vec<DeliveryId>) {
    let claims = vec![given.request(RECEIVER, 1, at(20))];
    let settled = given.store.settle_run(HERE, settle, claims).await;
    let Written { done, mut claims } = settled.expect("settles");
    let rows = claims.remove(0).rows.into_iter();
    (done, rows.map(|row| row.delivery.id).collect())
}

fn runs(claims: &[Claims<ClaimedRun>]) -> Vec<Vec<RunId>> {
    let ids = |claims: &Claims<ClaimedRun>| claims.rows.iter().map(|row| row.run.id).collect();
    claims.iter().map(ids).collect()
}

pub(super) async fn a_run_is_claimed_in_the_commit_that_stores_it(given: Given) {
    let new = given.new_event(vec![given.new_run(AGENT)]);
    let accepted = accept(&given, vec![new.clone()], 2).await;
    let Written { done, mut claims } = accepted.expect("accepts");
    assert_eq!((done, claims.len()), (vec![STORED], 1));
    let Claims { mut rows, next_due } = claims.remove(0);
    assert_eq!((rows.len(), next_due), (1, Some(at(3 + LEASE_MS))));
    let claimed = rows.remove(0);
    assert_eq!((claimed.event.id, claimed.event.input), (new.id, new.input));
    assert_eq!(
        (claimed.run.state, claimed.run.attempt, claimed.epoch),
        (RunState::Running, 1, Epoch(1))
    );
    let stored = given.run(claimed.run.id).await;
    assert_eq!(format!("{stored:?}"), format!("{:?}", claimed.run));
    assert!(given.claimed(at(4)).await.is_empty(), "it is in hand");
}

pub(super) async fn every_claim_that_rides_is_answered_in_order(given: Given) {
    let new = given.new_event(vec![given.new_run(AGENT), given.new_run(AGENT)]);
    let ids: Vec<RunId> = new.runs.iter().map(|run| run.id).collect();
    let mut claims = vec![given.request(AGENT, 1, at(3)); 3];
    claims[1].of = tieline_model::AgentId(9);
    let accepted = given.store.accept(vec![new], claims).await;
    let claimed = runs(&accepted.expect("accepts").claims);
    assert_eq!(claimed, [vec![ids[0]], vec![], vec![ids[1]]]);
}

pub(super) async fn a_claim_that_rides_takes_what_goes_first(given: Given) {
    let older = given.queue().await;
    let normal = given.new_event(vec![given.new_run(AGENT)]);
    let left = normal.runs[0].id;
    let accepted = accept(&given, vec![normal], 1).await.expect("accepts");
    assert_eq!(runs(&accepted.claims), [[older]]);
    let high = NewRun {
        priority: Priority::High,
        ..given.new_run(AGENT)
    };
    let first = high.id;
    let accepted = accept(&given, vec![given.new_event(vec![high])], 1).await;
    assert_eq!(runs(&accepted.expect("accepts").claims), [[first]]);
    assert_eq!(given.claimed(at(4)).await, [left]);
}

pub(super) async fn a_claim_that_rides_takes_nothing_from_behind(given: Given) {
    let first = given.lined_event(line(LinePolicy::Queue), at(0));
    let (one, two) = (
        first.runs[0].id,
        given.lined_event(line(LinePolicy::Queue), at(1)),
    );
    let accepted = accept(&given, vec![first, two], 2).await;
    assert_eq!(runs(&accepted.expect("accepts").claims), [[one]]);
}

pub(super) async fn an_accept_that_fails_claims_nothing(given: Given) {
    let event = given.new_event(vec![given.new_run(AGENT)]);
    let id = event.runs[0].id;
    given.accept(vec![event.clone()]).await;
    let fresh = given.new_event(vec![given.new_run(AGENT)]);
    let refused = accept(&given, vec![fresh, event], 5).await;
    assert!(matches!(refused, Err(StoreError::Refused { .. })));
    let run = given.run(id).await;
    assert_eq!((run.state, run.attempt), (RunState::Queued, 0));
    assert_eq!(given.claimed(at(4)).await, [id], "nothing else was stored");
}

/// What is due is nobody's, whatever came of the event.
pub(super) async fn an_accept_that_stores_nothing_claims_what_is_due(given: Given) {
    given.accept(vec![given.keyed_event("k", 1)]).await;
    let first = given.claim_one(at(1)).await;
    let repeated = accept(&given, vec![given.keyed_event("k", 1)], 1).await;
    let Written { done, claims } = repeated.expect("accepts");
    assert!(matches!(&done[..], [Acceptance::Duplicate { .. }]));
    assert_eq!(runs(&claims), [vec![]], "the first one's run is in hand");
    given.settle(goes_on(&first, Reason::Retry, at(2))).await;
    let conflict = accept(&given, vec![given.keyed_event("k", 2)], 1).await;
    let Written { done, claims } = conflict.expect("accepts");
    assert_eq!(
        (done, runs(&claims)),
        (vec![Acceptance::Conflict], vec![vec![first.run.id]])
    );
}

pub(super) async fn a_delivery_is_claimed_in_the_commit_that_ends_its_run(given: Given) {
    given.queue().await;
    let claimed = given.claim_one(at(0)).await;
    let new = given.new_delivery();
    let id = new.id;
    let end = SettleRun {
        deliveries: vec![new, given.new_delivery()],
        ..ended(&claimed, RunState::Completed)
    };
    assert_eq!(settle(&given, end).await, (Settled::Done, vec![id]));
    let delivery = given.delivery(id).await;
    assert_eq!(
        (delivery.state, delivery.attempt, delivery.due_at),
        (DeliveryState::Running, 1, Some(at(20 + LEASE_MS)))
    );
    let left = given.claim_delivery(at(21)).await;
    assert_eq!((left.delivery.attempt, left.epoch), (1, Epoch(1)));
}

pub(super) async fn a_settle_that_is_fenced_claims_what_is_due(given: Given) {
    let waiting = given.queue_delivery().await;
    given.queue().await;
    let claimed = given.claim_one(at(0)).await;
    given.settle(ended(&claimed, RunState::Completed)).await;
    let late = SettleRun {
        deliveries: vec![given.new_delivery()],
        ..ended(&claimed, RunState::Failed)
    };
    assert_eq!(settle(&given, late).await, (Settled::Fenced, vec![waiting]));
}

pub(super) async fn a_settle_that_fails_claims_nothing(given: Given) {
    let waiting = given.queue_delivery().await;
    given.queue().await;
    let claimed = given.claim_one(at(0)).await;
    let wrong = ended(&claimed, RunState::Queued);
    let claims = vec![given.request(RECEIVER, 1, at(20))];
    let refused = given.store.settle_run(HERE, wrong, claims).await;
    assert!(matches!(refused, Err(StoreError::Refused { .. })));
    let delivery = given.delivery(waiting).await;
    assert_eq!(
        (delivery.state, delivery.attempt),
        (DeliveryState::Queued, 0)
    );
}
