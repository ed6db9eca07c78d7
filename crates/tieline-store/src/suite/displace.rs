//! Runs whose place is taken by a newer one, and lines that refuse.

use tieline_model::{ConnectorId, NodeId, Reason, RunId, RunState};

use super::given::{Given, HERE, LEASE_MS, STORED, at, cancelled, ended, goes_on, line};
use crate::{Acceptance, Dedupe, Line, LinePolicy, NewEvent, Settled};

fn queue() -> Line {
    line(LinePolicy::Queue)
}

fn took(displaced: &[RunId]) -> Acceptance {
    Acceptance::Stored {
        displaced: displaced.to_vec(),
    }
}

async fn displaced(given: &Given) -> Vec<RunId> {
    let found = given.store.displaced_runs(10).await.expect("reads");
    assert!(found.iter().all(|(project, _)| *project == HERE));
    let mut ids: Vec<RunId> = found.into_iter().map(|(_, id)| id).collect();
    ids.sort_unstable();
    ids
}

pub(super) async fn coalescing_takes_the_place_of_what_was_never_begun(given: Given) {
    let begun = given.queue_in(queue(), at(0)).await;
    let claimed = given.claim_one(at(0)).await;
    given
        .settle(goes_on(&claimed, Reason::Retry, at(500)))
        .await;
    let waiting = given.queue_in(queue(), at(1)).await;
    let also = given.queue_in(queue(), at(2)).await;
    let (newest, acceptance) = given.accept_in(line(LinePolicy::Coalesce), at(3)).await;
    assert_eq!(acceptance, took(&[waiting, also]), "in their order");
    for id in [waiting, also] {
        let run = given.run(id).await;
        assert_eq!((run.state, run.into), (RunState::Queued, Some(newest)));
    }
    assert_eq!(given.run(begun).await.into, None);

    let retried = given.claim_one(at(500)).await;
    assert_eq!(retried.run.id, begun);
    given.settle(ended(&retried, RunState::Completed)).await;
    assert_eq!(given.claimed(at(500)).await, [newest]);
    assert!(given.claimed(at(500)).await.is_empty());
    for id in [waiting, also] {
        assert_eq!(given.settle(cancelled(id)).await, Settled::Done);
        let run = given.run(id).await;
        assert_eq!((run.state, run.into), (RunState::Cancelled, Some(newest)));
    }
}

pub(super) async fn replacing_takes_the_place_of_all(given: Given) {
    let first = given.queue_in(queue(), at(0)).await;
    let second = given.queue_in(queue(), at(1)).await;
    let claimed = given.claim_one(at(5)).await;
    given
        .settle(goes_on(&claimed, Reason::Retry, at(500)))
        .await;
    let (newest, acceptance) = given.accept_in(line(LinePolicy::Replace), at(6)).await;
    assert_eq!(acceptance, took(&[first, second]));
    let run = given.run(first).await;
    assert_eq!((run.state, run.into), (RunState::Waiting, Some(newest)));
    let claims = given.claim(10, at(500)).await;
    let ids: Vec<RunId> = claims.rows.iter().map(|row| row.run.id).collect();
    assert_eq!(ids, [newest], "nobody stands in its way");
    assert_eq!(claims.next_due, Some(at(500 + LEASE_MS)));
}

pub(super) async fn a_run_whose_place_was_taken_stays_taken_whoever_comes_next(given: Given) {
    let first = given.queue_in(queue(), at(0)).await;
    let (second, acceptance) = given.accept_in(line(LinePolicy::Replace), at(1)).await;
    assert_eq!(acceptance, took(&[first]));
    let (third, acceptance) = given.accept_in(line(LinePolicy::Replace), at(2)).await;
    assert_eq!(acceptance, took(&[second]), "each is taken once");
    assert_eq!(given.run(first).await.into, Some(second));
    assert_eq!(given.run(second).await.into, Some(third));
    let claims = given.claim(10, at(9_000_000)).await;
    let ids: Vec<RunId> = claims.rows.iter().map(|row| row.run.id).collect();
    assert_eq!(ids, [third]);
}

pub(super) async fn a_run_whose_place_was_taken_in_hand_is_never_claimed_again(given: Given) {
    for reason in [Reason::Retry, Reason::Outage] {
        let first = given.queue_in(queue(), at(0)).await;
        let claimed = given.claim_one(at(0)).await;
        let (newest, _) = given.accept_in(line(LinePolicy::Replace), at(1)).await;
        assert!(given.claimed(at(5)).await.is_empty(), "it is in hand");
        let settle = goes_on(&claimed, reason, at(500));
        assert_eq!(given.settle(settle).await, Settled::Done);
        assert_eq!(given.claimed(at(500)).await, [newest], "out of the way");
        assert_eq!(given.run(first).await.into, Some(newest));
        given.settle(cancelled(first)).await;
        given.settle(cancelled(newest)).await;
    }
    let first = given.queue_in(queue(), at(0)).await;
    let claimed = given.claim_one(at(0)).await;
    let (newest, _) = given.accept_in(line(LinePolicy::Replace), at(1)).await;
    let answer = goes_on(&claimed, Reason::Answer, at(500));
    assert_eq!(given.settle(answer).await, Settled::Done);
    let claims = given.claim(10, at(500)).await;
    assert!(claims.rows.is_empty(), "its agent still has it");
    assert_eq!(claims.next_due, None);
    given.settle(cancelled(first)).await;
    assert_eq!(given.claimed(at(500)).await, [newest]);
}

pub(super) async fn a_lost_lease_of_a_run_whose_place_was_taken_is_nobodys(given: Given) {
    let first = given.queue_in(queue(), at(0)).await;
    given.claim_one(at(0)).await;
    let (newest, _) = given.accept_in(line(LinePolicy::Replace), at(1)).await;
    let claims = given.claim(10, at(LEASE_MS)).await;
    assert!(claims.rows.is_empty(), "it is not claimed again");
    let keep = NodeId::from_bytes([9; 16]);
    let freed = given.store.release_leases(keep, at(9)).await;
    assert_eq!(freed.expect("frees"), 1);
    assert_eq!(given.claimed(at(9)).await, [newest]);
    assert_eq!(displaced(&given).await, [first]);

    let (last, acceptance) = given.accept_in(line(LinePolicy::Replace), at(10)).await;
    assert_eq!(acceptance, took(&[newest]));
    let epoch = crate::Epoch(1);
    let freed = given.store.release_run(HERE, newest, epoch, at(11)).await;
    assert_eq!(freed.expect("frees"), Settled::Done);
    assert_eq!(given.claimed(at(11)).await, [last]);
}

pub(super) async fn a_run_that_completes_after_its_place_was_taken_keeps_its_outcome(given: Given) {
    for (state, kept) in [
        (RunState::Completed, false),
        (RunState::Failed, false),
        (RunState::Cancelled, true),
    ] {
        let first = given.queue_in(queue(), at(0)).await;
        let claimed = given.claim_one(at(0)).await;
        let (newest, _) = given.accept_in(line(LinePolicy::Replace), at(1)).await;
        assert_eq!(given.settle(ended(&claimed, state)).await, Settled::Done);
        let run = given.run(first).await;
        assert_eq!((run.state, run.into), (state, kept.then_some(newest)));
        assert!(displaced(&given).await.is_empty());
        assert_eq!(given.claimed(at(10)).await, [newest]);
        given.settle(cancelled(newest)).await;
    }
}

pub(super) async fn a_run_in_hand_counts_until_it_ends_although_its_place_was_taken(given: Given) {
    let first = given.queue_in(queue(), at(0)).await;
    given.claim_one(at(0)).await;
    let (second, _) = given.accept_in(line(LinePolicy::Replace), at(1)).await;
    let (third, acceptance) = given.accept_in(line(LinePolicy::Replace), at(2)).await;
    assert_eq!(acceptance, took(&[second]));
    given.settle(cancelled(second)).await;
    assert!(given.claimed(at(5)).await.is_empty());
    given.settle(cancelled(first)).await;
    assert_eq!(given.claimed(at(10)).await, [third]);
}

/// Else what is coalesced again and again would never come to its turn.
pub(super) async fn the_newest_takes_the_turn_of_those_whose_place_it_takes(given: Given) {
    given.queue_in(queue(), at(20)).await;
    let (newest, _) = given.accept_in(line(LinePolicy::Coalesce), at(30)).await;
    let (newest, _) = {
        assert_eq!(given.run(newest).await.due_at, Some(at(20)));
        given.accept_in(line(LinePolicy::Coalesce), at(40)).await
    };
    let run = given.run(newest).await;
    assert_eq!((run.due_at, run.queued_at), (Some(at(20)), at(40)));

    let claimed = given.claim_one(at(50)).await;
    let (_, _) = given.accept_in(line(LinePolicy::Replace), at(60)).await;
    let (last, _) = given.accept_in(queue(), at(70)).await;
    assert_eq!(claimed.run.id, newest);
    assert_eq!(given.run(last).await.due_at, Some(at(70)), "it takes none");
}

pub(super) async fn runs_of_another_connector_keep_their_place(given: Given) {
    let other = NewEvent {
        connector: ConnectorId(8),
        ..given.lined_event(queue(), at(0))
    };
    let first = other.runs.first().expect("it has one").id;
    given.accept(vec![other]).await;
    for policy in [LinePolicy::Coalesce, LinePolicy::Replace] {
        let (newest, acceptance) = given.accept_in(line(policy), at(1)).await;
        assert_eq!(acceptance, STORED);
        assert_eq!(given.run(first).await.into, None);
        given.settle(cancelled(newest)).await;
    }
    let (newest, _) = given.accept_in(line(LinePolicy::Replace), at(1)).await;
    let claimed = given.claim_one(at(5)).await;
    assert_eq!(claimed.run.id, first, "it came first");
    given.settle(ended(&claimed, RunState::Completed)).await;
    assert_eq!(given.claimed(at(5)).await, [newest]);
}

/// It stands where it came: the place it takes goes to the next, whoever that is.
pub(super) async fn what_stood_behind_goes_before_the_newest(given: Given) {
    given.queue_in(queue(), at(0)).await;
    let other = NewEvent {
        connector: ConnectorId(8),
        ..given.lined_event(queue(), at(1))
    };
    let behind = other.runs.first().expect("it has one").id;
    given.accept(vec![other]).await;
    let (newest, _) = given.accept_in(line(LinePolicy::Coalesce), at(2)).await;
    let claimed = given.claim_one(at(5)).await;
    assert_eq!(claimed.run.id, behind);
    given.settle(ended(&claimed, RunState::Completed)).await;
    assert_eq!(given.claimed(at(10)).await, [newest]);
}

pub(super) async fn runs_of_one_event_leave_each_other_alone(given: Given) {
    for policy in [
        LinePolicy::Coalesce,
        LinePolicy::Replace,
        LinePolicy::Reject,
    ] {
        let mut event = given.lined_event(line(policy), at(0));
        event
            .runs
            .extend(given.lined_event(line(policy), at(0)).runs);
        let ids: Vec<RunId> = event.runs.iter().map(|run| run.id).collect();
        assert_eq!(given.accept(vec![event]).await, [STORED]);
        for id in ids {
            let claimed = given.claim_one(at(5)).await;
            assert_eq!(claimed.run.id, id);
            given.settle(ended(&claimed, RunState::Completed)).await;
        }
    }
}

pub(super) async fn displaced_runs_are_found_until_they_have_ended(given: Given) {
    let mut expected = Vec::new();
    for ms in 0..4 {
        let (id, _) = given.accept_in(line(LinePolicy::Replace), at(ms)).await;
        expected.push(id);
    }
    expected.pop();
    assert_eq!(displaced(&given).await, expected);
    let some = given.store.displaced_runs(2).await.expect("reads");
    assert_eq!(some.len(), 2, "at most the limit");
    given.settle(cancelled(expected.remove(0))).await;
    assert_eq!(displaced(&given).await, expected);
}

fn keyed(mut event: NewEvent, key: &str) -> NewEvent {
    event.dedupe = Some(Dedupe {
        key: key.to_owned(),
        digest: [1; 32],
        expires_at: at(1000),
        follows: false,
    });
    event
}

pub(super) async fn a_busy_line_refuses_and_stores_nothing(given: Given) {
    let reject = line(LinePolicy::Reject);
    let first = given.queue_in(reject.clone(), at(0)).await;
    let mut second = keyed(given.lined_event(reject.clone(), at(1)), "k");
    second.runs.push(given.new_run(super::given::AGENT));
    let (event, runs) = (second.id, second.runs.clone());
    let other = given.lined_event(queue(), at(1));
    let queued = other.runs.first().expect("it has one").id;
    let expected = [Acceptance::Busy, STORED];
    assert_eq!(given.accept(vec![second.clone(), other]).await, expected);
    let read = given.store.event(HERE, event).await.expect("reads");
    assert!(read.is_none());
    for run in runs {
        assert!(
            given
                .store
                .run(HERE, run.id)
                .await
                .expect("reads")
                .is_none()
        );
    }
    for id in [first, queued] {
        given.settle(cancelled(id)).await;
    }
    assert_eq!(given.accept(vec![second]).await, [STORED], "its key is new");
    given.settle(cancelled(given.claimed(at(5)).await[0])).await;
}

pub(super) async fn a_line_refuses_until_its_last_run_has_ended(given: Given) {
    let reject = line(LinePolicy::Reject);
    let batch = [0, 1].map(|ms| given.lined_event(reject.clone(), at(ms)));
    let expected = [STORED, Acceptance::Busy];
    assert_eq!(given.accept(batch.to_vec()).await, expected);
    let busy = async || {
        let other = NewEvent {
            connector: ConnectorId(8),
            ..given.lined_event(line(LinePolicy::Reject), at(2))
        };
        assert_eq!(given.accept(vec![other]).await, [Acceptance::Busy]);
    };
    busy().await;
    let claimed = given.claim_one(at(5)).await;
    busy().await;
    given
        .settle(goes_on(&claimed, Reason::Retry, at(500)))
        .await;
    busy().await;
    let (newest, acceptance) = given.accept_in(line(LinePolicy::Replace), at(6)).await;
    assert_eq!(acceptance, took(&[claimed.run.id]));
    given.settle(cancelled(newest)).await;
    busy().await;
    given.settle(cancelled(claimed.run.id)).await;
    given.queue_in(reject, at(7)).await;
}

/// It is told what became of the first, as if the line were free.
pub(super) async fn a_duplicate_is_no_reason_to_refuse(given: Given) {
    let reject = line(LinePolicy::Reject);
    let first = keyed(given.lined_event(reject.clone(), at(0)), "k");
    let duplicate = Acceptance::Duplicate {
        event: first.id,
        runs: first.runs.iter().map(|run| run.id).collect(),
        filtered: false,
    };
    given.accept(vec![first]).await;
    let same = keyed(given.lined_event(reject.clone(), at(1)), "k");
    let mut other = keyed(given.lined_event(reject, at(1)), "k");
    if let Some(dedupe) = &mut other.dedupe {
        dedupe.digest = [2; 32];
    }
    let expected = [duplicate, Acceptance::Conflict];
    assert_eq!(given.accept(vec![same, other]).await, expected);
}

pub(super) async fn who_comes_forward_does_not_reckon_with_who_has_just_come(given: Given) {
    let taken = given.queue_in(queue(), at(0)).await;
    let other = NewEvent {
        connector: ConnectorId(8),
        ..given.lined_event(queue(), at(0))
    };
    let behind = other.runs.first().expect("it has one").id;
    given.accept(vec![other]).await;
    let (newest, acceptance) = given.accept_in(line(LinePolicy::Coalesce), at(0)).await;
    assert_eq!(acceptance, took(&[taken]));
    assert_eq!(
        given.run(behind).await.due_at,
        Some(at(0)),
        "nobody else waits"
    );
    let claimed = given.claim_one(at(0)).await;
    assert_eq!(claimed.run.id, behind);
    given.settle(ended(&claimed, RunState::Completed)).await;
    assert_eq!(given.claimed(at(5)).await, [newest]);
}
