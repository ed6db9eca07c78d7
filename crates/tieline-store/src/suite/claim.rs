//! Work on its way out: claims, leases, and leases that end early.

use tieline_model::{AgentId, NodeId, Reason, RunId, RunState};

use super::given::{AGENT, Given, HERE, LEASE_MS, at, ended, goes_on};
use crate::{Epoch, NewEvent, Settled};

pub(super) async fn a_claimed_run_brings_its_event(given: Given) {
    let new = given.new_event(vec![given.new_run(AGENT)]);
    given.accept(vec![new.clone()]).await;
    let claimed = given.claim_one(at(3)).await;
    assert_eq!(claimed.event.id, new.id);
    assert_eq!(
        (claimed.event.input, claimed.event.meta),
        (new.input, new.meta)
    );
    assert_eq!(claimed.event.runs, [claimed.run.id]);
    assert_eq!(
        (claimed.run.state, claimed.run.attempt),
        (RunState::Running, 1)
    );
    assert_eq!(claimed.run.started_at, Some(at(3)));
    assert_eq!(
        claimed.run.due_at,
        Some(at(3 + LEASE_MS)),
        "due when the lease ends"
    );
    assert_eq!(claimed.epoch, Epoch(1));
    let stored = given.run(claimed.run.id).await;
    assert_eq!(
        format!("{stored:?}"),
        format!("{:?}", claimed.run),
        "it is stored so"
    );
}

pub(super) async fn a_claimed_run_is_not_claimed_again(given: Given) {
    given.queue().await;
    given.claim_one(at(0)).await;
    let claims = given.claim(10, at(LEASE_MS - 1)).await;
    assert!(claims.rows.is_empty());
}

pub(super) async fn claims_come_oldest_due_first_and_at_most_the_limit(given: Given) {
    let mut arrived = Vec::new();
    for ms in [30, 10, 20, 10, 99] {
        let run = given.new_run(AGENT);
        arrived.push((ms, run.id));
        let event = given.new_event(vec![run]);
        given
            .accept(vec![NewEvent {
                queued_at: at(ms),
                ..event
            }])
            .await;
    }
    arrived.sort();
    let in_order: Vec<RunId> = arrived.into_iter().map(|(_, id)| id).collect();
    let mut claimed = Vec::new();
    for expected in [3, 2, 0] {
        let claims = given.claim(3, at(50)).await;
        assert_eq!(claims.rows.len(), expected);
        claimed.extend(claims.rows.into_iter().map(|row| row.run.id));
    }
    assert_eq!(claimed, in_order);
}

/// A clock that was set back by a year holds up nothing that was queued before.
pub(super) async fn queued_work_is_due_whatever_the_clock_says(given: Given) {
    let run = given.new_run(AGENT);
    let event = given.new_event(vec![run]);
    let queued_at = at(9_000_000);
    given.accept(vec![NewEvent { queued_at, ..event }]).await;
    let empty = given.claim(0, at(0)).await;
    assert_eq!(empty.next_due, None);
    let claimed = given.claim_one(at(0)).await;
    let mut done = ended(&claimed, RunState::Completed);
    done.deliveries = vec![given.new_delivery()];
    done.now = queued_at;
    given.settle(done).await;
    assert_eq!(given.claim_delivery(at(0)).await.delivery.attempt, 1);
}

pub(super) async fn a_claim_takes_only_its_own_agents_runs(given: Given) {
    let other = given.new_run(AgentId(2));
    given.accept(vec![given.new_event(vec![other])]).await;
    let mine = given.queue().await;
    assert_eq!(given.claim_one(at(0)).await.run.id, mine);
}

pub(super) async fn a_claim_says_when_the_next_row_is_due(given: Given) {
    assert_eq!(
        given.claim(1, at(0)).await.next_due,
        None,
        "nothing is there"
    );
    given.queue().await;
    let full = given.claim(1, at(0)).await;
    assert_eq!(
        (full.rows.len(), full.next_due),
        (1, None),
        "the limit was reached"
    );
    let leased = given.claim(1, at(5)).await;
    assert_eq!(leased.next_due, Some(at(LEASE_MS)), "a lease can run out");
    let claimed = full.rows.first().expect("it was claimed");
    given.settle(goes_on(claimed, Reason::Retry, at(700))).await;
    let waiting = given.claim(1, at(10)).await;
    assert_eq!((waiting.rows.len(), waiting.next_due), (0, Some(at(700))));
    let claimed = given.claim(2, at(700)).await;
    let lease_end = Some(at(700 + LEASE_MS));
    assert_eq!((claimed.rows.len(), claimed.next_due), (1, lease_end));
}

pub(super) async fn a_lease_that_ran_out_is_claimed_again_and_its_holder_is_refused(given: Given) {
    given.queue().await;
    let first = given.claim_one(at(0)).await;
    let second = given.claim_one(at(LEASE_MS)).await;
    assert_eq!((second.run.attempt, second.epoch), (2, Epoch(2)));
    assert_eq!(second.run.started_at, Some(at(LEASE_MS)));
    assert_eq!(
        given.settle(ended(&first, RunState::Completed)).await,
        Settled::Fenced
    );
    assert_eq!(
        given.settle(ended(&second, RunState::Completed)).await,
        Settled::Done
    );
}

pub(super) async fn leases_of_other_nodes_are_freed_with_their_attempt_counted(given: Given) {
    given.queue_delivery().await;
    given.claim_delivery(at(10)).await;
    let id = given.queue().await;
    let first = given.claim_one(at(0)).await;
    let release = async |keep| {
        given
            .store
            .release_leases(keep, at(9))
            .await
            .expect("frees")
    };
    assert_eq!(release(given.node).await, 0, "its own are kept");
    assert_eq!(
        release(NodeId::from_bytes([9; 16])).await,
        2,
        "a run and a delivery"
    );
    assert_eq!(release(NodeId::from_bytes([9; 16])).await, 0);
    let run = given.run(id).await;
    assert_eq!(
        (run.state, run.attempt, run.due_at),
        (RunState::Queued, 1, Some(at(9)))
    );
    assert_eq!(
        given.settle(ended(&first, RunState::Completed)).await,
        Settled::Fenced
    );
    let again = given.claim_one(at(9)).await;
    assert_eq!((again.run.attempt, again.epoch), (2, Epoch(2)));
    assert_eq!(given.claim_delivery(at(9)).await.delivery.attempt, 2);
}

async fn release(given: &Given, run: RunId, epoch: Epoch) -> Settled {
    let released = given.store.release_run(HERE, run, epoch, at(9)).await;
    released.expect("frees")
}

pub(super) async fn a_released_run_burns_no_attempt(given: Given) {
    let id = given.queue().await;
    let claimed = given.claim_one(at(0)).await;
    assert_eq!(release(&given, id, Epoch(0)).await, Settled::Fenced);
    assert_eq!(
        release(&given, given.run_id(), claimed.epoch).await,
        Settled::Fenced
    );
    assert_eq!(release(&given, id, claimed.epoch).await, Settled::Done);
    assert_eq!(
        release(&given, id, claimed.epoch).await,
        Settled::Fenced,
        "it has none"
    );
    let run = given.run(id).await;
    assert_eq!(
        (run.state, run.attempt, run.due_at),
        (RunState::Queued, 0, Some(at(9)))
    );
    assert_eq!(
        given.settle(ended(&claimed, RunState::Completed)).await,
        Settled::Fenced
    );
    let again = given.claim_one(at(9)).await;
    assert_eq!((again.run.attempt, again.epoch), (1, Epoch(2)));
}

pub(super) async fn an_answer_that_never_came_is_claimed_without_counting_an_attempt(given: Given) {
    given.queue().await;
    let first = given.claim_one(at(0)).await;
    given.settle(goes_on(&first, Reason::Answer, at(500))).await;
    assert!(given.claim(10, at(499)).await.rows.is_empty());
    let late = given.claim_one(at(500)).await;
    assert_eq!(
        (late.run.state, late.run.reason),
        (RunState::Running, Some(Reason::Answer))
    );
    assert_eq!((late.run.attempt, late.epoch), (1, Epoch(2)));
    assert_eq!(
        late.run.started_at,
        Some(at(0)),
        "it is still the same attempt"
    );
    assert_eq!(
        given.settle(ended(&first, RunState::Completed)).await,
        Settled::Fenced
    );
    assert_eq!(
        given.settle(goes_on(&late, Reason::Retry, at(600))).await,
        Settled::Done
    );
    let retried = given.claim_one(at(600)).await;
    assert_eq!((retried.run.attempt, retried.run.reason), (2, None));
}

pub(super) async fn a_freed_claim_of_an_answer_waits_for_it_again(given: Given) {
    given.queue().await;
    let first = given.claim_one(at(0)).await;
    given.settle(goes_on(&first, Reason::Answer, at(500))).await;
    let late = given.claim_one(at(500)).await;
    assert_eq!(
        release(&given, late.run.id, late.epoch).await,
        Settled::Done
    );
    let run = given.run(late.run.id).await;
    assert_eq!(
        (run.state, run.reason),
        (RunState::Waiting, Some(Reason::Answer))
    );
    assert_eq!((run.attempt, run.due_at), (1, Some(at(9))));
    let second = given.claim_one(at(500)).await;
    assert_eq!(
        (second.run.reason, second.run.attempt),
        (Some(Reason::Answer), 1)
    );
    let third = given.claim_one(at(500 + LEASE_MS)).await;
    assert_eq!(
        (third.run.reason, third.run.attempt),
        (Some(Reason::Answer), 1)
    );
}

pub(super) async fn a_run_that_waits_for_an_answer_is_left_alone_by_a_release(given: Given) {
    let id = given.queue().await;
    let claimed = given.claim_one(at(0)).await;
    given
        .settle(goes_on(&claimed, Reason::Answer, at(500)))
        .await;
    let keep = NodeId::from_bytes([9; 16]);
    let freed = given
        .store
        .release_leases(keep, at(20))
        .await
        .expect("frees");
    assert_eq!(freed, 0);
    assert_eq!(given.run(id).await.due_at, Some(at(500)));
}
