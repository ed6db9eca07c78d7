//! How runs end, and how they go on.

use tieline_model::{DeliveryState, Reason, RunError, RunState};

use super::given::{Given, HERE, RECEIVER, at, attempt, ended, goes_on, page};
use crate::{DeliveryFilter, Epoch, Fence, RunOutcome, SettleRun, Settled, StoreError};

pub(super) async fn an_ended_run_shows_its_outcome(given: Given) {
    let id = given.queue().await;
    let claimed = given.claim_one(at(0)).await;
    assert_eq!(
        given.settle(ended(&claimed, RunState::Completed)).await,
        Settled::Done
    );
    let run = given.run(id).await;
    assert_eq!(
        (run.state, run.ended_at, run.due_at),
        (RunState::Completed, Some(at(10)), None)
    );
    assert_eq!(run.output.as_deref(), Some(b"\"out\"".as_slice()));
    assert_eq!(run.usage.as_deref(), Some(b"{\"tokens\":3}".as_slice()));
    assert_eq!((run.error, run.dead_letter, run.attempt), (None, false, 1));

    let second = given.queue().await;
    let claimed = given.claim_one(at(0)).await;
    let error = RunError::new("agent-failed", "exit 1");
    let failed = SettleRun {
        outcome: RunOutcome::Ended {
            state: RunState::Failed,
            output: None,
            error: Some(error.clone()),
            usage: None,
            dead_letter: true,
        },
        ..ended(&claimed, RunState::Failed)
    };
    assert_eq!(given.settle(failed).await, Settled::Done);
    let run = given.run(second).await;
    assert_eq!(
        (run.state, run.error, run.dead_letter),
        (RunState::Failed, Some(error), true)
    );
    assert_eq!((run.output, run.usage), (None, None));
}

pub(super) async fn an_old_epoch_changes_nothing(given: Given) {
    let id = given.queue().await;
    let claimed = given.claim_one(at(0)).await;
    let before = format!("{:?}", given.run(id).await);
    for epoch in [Epoch(0), Epoch(2)] {
        for mut settle in [
            ended(&claimed, RunState::Completed),
            goes_on(&claimed, Reason::Retry, at(500)),
        ] {
            settle.fence = Fence::Claim(epoch);
            settle.attempt = Some(attempt(1));
            assert_eq!(given.settle(settle).await, Settled::Fenced);
        }
    }
    assert_eq!(format!("{:?}", given.run(id).await), before);
    let attempts = given.store.run_attempts(HERE, id).await.expect("reads");
    assert!(attempts.is_empty());
}

pub(super) async fn an_ended_run_is_never_changed(given: Given) {
    for state in [RunState::Completed, RunState::Failed, RunState::Cancelled] {
        let id = given.queue().await;
        let claimed = given.claim_one(at(0)).await;
        given.settle(ended(&claimed, state)).await;
        let before = format!("{:?}", given.run(id).await);
        for mut settle in [
            ended(&claimed, RunState::Cancelled),
            goes_on(&claimed, Reason::Retry, at(500)),
        ] {
            assert_eq!(given.settle(settle.clone()).await, Settled::Fenced);
            settle.fence = Fence::Open;
            assert_eq!(given.settle(settle).await, Settled::Fenced);
        }
        assert_eq!(format!("{:?}", given.run(id).await), before);
    }
}

pub(super) async fn a_cancel_without_an_epoch_holds_whoever_has_the_lease(given: Given) {
    let id = given.queue().await;
    let claimed = given.claim_one(at(0)).await;
    let cancel = SettleRun {
        fence: Fence::Open,
        ..ended(&claimed, RunState::Cancelled)
    };
    assert_eq!(given.settle(cancel).await, Settled::Done);
    assert_eq!(given.run(id).await.state, RunState::Cancelled);
    assert_eq!(
        given.settle(ended(&claimed, RunState::Completed)).await,
        Settled::Fenced
    );

    let queued = given.queue().await;
    let cancel = SettleRun {
        run: queued,
        fence: Fence::Open,
        ..ended(&claimed, RunState::Cancelled)
    };
    assert_eq!(given.settle(cancel.clone()).await, Settled::Done);
    assert!(given.claim(10, at(0)).await.rows.is_empty());
    let unknown = SettleRun {
        run: given.run_id(),
        ..cancel
    };
    assert_eq!(given.settle(unknown).await, Settled::Fenced);
}

pub(super) async fn a_retry_waits_until_it_is_due(given: Given) {
    let id = given.queue().await;
    let claimed = given.claim_one(at(0)).await;
    let retry = goes_on(&claimed, Reason::Retry, at(500));
    assert_eq!(given.settle(retry.clone()).await, Settled::Done);
    assert_eq!(
        given.settle(retry).await,
        Settled::Fenced,
        "it is no longer in hand"
    );
    let run = given.run(id).await;
    assert_eq!(
        (run.state, run.reason),
        (RunState::Waiting, Some(Reason::Retry))
    );
    assert_eq!(
        (run.waiting_since, run.due_at),
        (Some(at(10)), Some(at(500)))
    );
    assert_eq!((run.attempt, run.outages), (1, 0));
    assert_eq!(run.error.map(|e| e.code).as_deref(), Some("timeout"));
    assert!(given.claim(10, at(499)).await.rows.is_empty());
    let again = given.claim_one(at(500)).await;
    assert_eq!((again.run.attempt, again.run.reason), (2, None));
    assert_eq!(
        (again.run.waiting_since, again.run.started_at),
        (None, Some(at(500)))
    );
}

pub(super) async fn an_outage_burns_no_attempt(given: Given) {
    let id = given.queue().await;
    for outages in 1..=3 {
        let claimed = given.claim_one(at(500)).await;
        assert_eq!(claimed.run.attempt, 1);
        given
            .settle(goes_on(&claimed, Reason::Outage, at(500)))
            .await;
        let run = given.run(id).await;
        assert_eq!((run.attempt, run.outages), (0, outages));
    }
    let claimed = given.claim_one(at(500)).await;
    given
        .settle(goes_on(&claimed, Reason::Retry, at(500)))
        .await;
    let run = given.run(id).await;
    assert_eq!(
        (run.attempt, run.outages),
        (1, 0),
        "a start ends the outage"
    );
}

pub(super) async fn a_run_that_waits_for_an_answer_is_settled_by_its_epoch(given: Given) {
    let id = given.queue().await;
    let claimed = given.claim_one(at(0)).await;
    given
        .settle(goes_on(&claimed, Reason::Answer, at(500)))
        .await;
    let mut old = ended(&claimed, RunState::Completed);
    old.fence = Fence::Claim(Epoch(0));
    assert_eq!(given.settle(old).await, Settled::Fenced);
    assert_eq!(
        given.settle(ended(&claimed, RunState::Completed)).await,
        Settled::Done
    );
    let run = given.run(id).await;
    assert_eq!(
        (run.state, run.reason, run.waiting_since),
        (RunState::Completed, None, None)
    );
}

pub(super) async fn deliveries_are_created_in_the_commit_that_ends_the_run(given: Given) {
    let id = given.queue().await;
    let claimed = given.claim_one(at(0)).await;
    let new = [given.new_delivery(), given.new_delivery()];
    let settle = SettleRun {
        deliveries: new.to_vec(),
        ..ended(&claimed, RunState::Completed)
    };
    assert_eq!(given.settle(settle).await, Settled::Done);
    for new in new {
        let made = given.delivery(new.id).await;
        assert_eq!(
            (made.run, made.event, made.connector),
            (id, claimed.event.id, RECEIVER)
        );
        assert_eq!(
            (made.state, made.reason, made.attempt),
            (DeliveryState::Queued, None, 0)
        );
        assert_eq!(
            (made.created_at, made.due_at, made.ended_at),
            (at(10), Some(at(10)), None)
        );
        assert_eq!(
            (made.body, made.error, made.project),
            (new.body, None, HERE)
        );
    }
}

async fn has_no_delivery(given: &Given) -> bool {
    let listed = given
        .store
        .deliveries(HERE, DeliveryFilter::default(), page(10))
        .await;
    listed.expect("reads").rows.is_empty()
}

pub(super) async fn a_run_that_goes_on_creates_no_delivery(given: Given) {
    given.queue().await;
    let claimed = given.claim_one(at(0)).await;
    let mut settle = goes_on(&claimed, Reason::Retry, at(500));
    settle.deliveries.push(given.new_delivery());
    assert_eq!(given.settle(settle).await, Settled::Done);
    assert!(has_no_delivery(&given).await);
}

pub(super) async fn a_fenced_settle_creates_nothing(given: Given) {
    let id = given.queue().await;
    let claimed = given.claim_one(at(0)).await;
    let settle = SettleRun {
        fence: Fence::Claim(Epoch(9)),
        deliveries: vec![given.new_delivery()],
        attempt: Some(attempt(1)),
        ..ended(&claimed, RunState::Completed)
    };
    assert_eq!(given.settle(settle).await, Settled::Fenced);
    assert!(has_no_delivery(&given).await);
    assert!(
        given
            .store
            .run_attempts(HERE, id)
            .await
            .expect("reads")
            .is_empty()
    );
}

pub(super) async fn attempts_are_kept_oldest_first(given: Given) {
    let id = given.queue().await;
    // A number comes again where the attempt did not start.
    let mut kept = Vec::new();
    for (number, reason) in [(1, Reason::Outage), (1, Reason::Retry), (2, Reason::Retry)] {
        let claimed = given.claim_one(at(500)).await;
        let mut settle = goes_on(&claimed, reason, at(500));
        let mut made = attempt(number);
        if reason == Reason::Outage {
            made.status = None;
            made.error = None;
            made.response = None;
        }
        settle.attempt = Some(made.clone());
        kept.push(made);
        given.settle(settle).await;
    }
    let attempts = given.store.run_attempts(HERE, id).await.expect("reads");
    assert_eq!(attempts, kept);
    let other = given.store.run_attempts(HERE, given.run_id()).await;
    assert!(other.expect("reads").is_empty());
}

pub(super) async fn a_state_that_is_no_end_is_refused(given: Given) {
    let id = given.queue().await;
    let claimed = given.claim_one(at(0)).await;
    for state in [RunState::Queued, RunState::Running, RunState::Waiting] {
        let refused = given
            .store
            .settle_run(HERE, ended(&claimed, state), vec![])
            .await;
        assert!(matches!(refused, Err(StoreError::Refused { .. })));
    }
    assert_eq!(given.run(id).await.state, RunState::Running);
}
