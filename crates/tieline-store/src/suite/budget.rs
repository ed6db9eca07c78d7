//! What goes first, what counts against a run, and what only a person moves on.

use tieline_model::{AgentId, NodeId, Priority, Reason, RunError, RunId, RunState};

use super::given::{
    AGENT, Given, HERE, LEASE_MS, at, attempt, cancelled, ended, goes_on, line, page,
};
use crate::{
    Change, ClaimedRun, Counts, DeliveryFilter, Fence, LinePolicy, NewEvent, Next, RunOutcome,
    SettleRun, Settled,
};

pub(super) async fn the_highest_priority_goes_first(given: Given) {
    let mut queued = Vec::new();
    for (priority, ms) in [
        (Priority::Low, 0),
        (Priority::High, 40),
        (Priority::Normal, 10),
        (Priority::High, 30),
        (Priority::Normal, 5),
    ] {
        let mut run = given.new_run(AGENT);
        run.priority = priority;
        queued.push(run.id);
        let event = NewEvent {
            queued_at: at(ms),
            ..given.new_event(vec![run])
        };
        given.accept(vec![event]).await;
    }
    let mut expected = [3, 1, 4, 2, 0]
        .into_iter()
        .map(|index: usize| queued[index]);
    for limit in [2, 1, 2] {
        let claims = given.claim(limit, at(50)).await;
        let ids: Vec<RunId> = claims.rows.iter().map(|row| row.run.id).collect();
        let wanted: Vec<RunId> = expected.by_ref().take(limit as usize).collect();
        assert_eq!(ids, wanted);
    }
}

fn crashed(claimed: &ClaimedRun) -> SettleRun {
    SettleRun {
        outcome: RunOutcome::Again(Next {
            reason: Reason::Retry,
            due_at: at(500),
            error: Some(RunError::new("crashed", "it went away")),
            counts: Counts::Crash,
        }),
        ..ended(claimed, RunState::Failed)
    }
}

pub(super) async fn a_crash_counts_as_an_attempt_and_as_a_crash(given: Given) {
    let id = given.queue().await;
    let claimed = given.claim_one(at(0)).await;
    given
        .settle(goes_on(&claimed, Reason::Outage, at(500)))
        .await;
    for crashes in 1..=2 {
        let claimed = given.claim_one(at(500)).await;
        assert_eq!(given.settle(crashed(&claimed)).await, Settled::Done);
        let run = given.run(id).await;
        assert_eq!((run.attempt, run.crashes), (crashes, crashes));
        assert_eq!((run.outages, run.reason), (0, Some(Reason::Retry)));
    }
    let claimed = given.claim_one(at(500)).await;
    assert_eq!((claimed.run.attempt, claimed.run.crashes), (3, 2));
    given
        .settle(goes_on(&claimed, Reason::Retry, at(500)))
        .await;
    let run = given.run(id).await;
    assert_eq!((run.attempt, run.crashes), (3, 2), "an error is no crash");
}

pub(super) async fn a_lease_that_ran_out_counts_as_a_crash(given: Given) {
    given.queue().await;
    let first = given.claim_one(at(0)).await;
    assert_eq!(first.run.crashes, 0);
    let second = given.claim_one(at(LEASE_MS)).await;
    assert_eq!((second.run.attempt, second.run.crashes), (2, 1));
    given
        .settle(goes_on(&second, Reason::Answer, at(LEASE_MS)))
        .await;
    let late = given.claim_one(at(LEASE_MS)).await;
    let later = given.claim_one(at(2 * LEASE_MS)).await;
    for claimed in [late, later] {
        assert_eq!((claimed.run.attempt, claimed.run.crashes), (2, 1));
    }
}

pub(super) async fn a_freed_lease_counts_as_a_crash_unless_an_answer_was_waited_for(given: Given) {
    let free = async || {
        let keep = NodeId::from_bytes([9; 16]);
        let freed = given.store.release_leases(keep, at(20)).await;
        assert_eq!(freed.expect("frees"), 1);
    };
    let id = given.queue().await;
    given.claim_one(at(0)).await;
    free().await;
    let run = given.run(id).await;
    assert_eq!((run.attempt, run.crashes), (1, 1));
    let claimed = given.claim_one(at(20)).await;
    given
        .settle(goes_on(&claimed, Reason::Answer, at(30)))
        .await;
    given.claim_one(at(30)).await;
    free().await;
    let run = given.run(id).await;
    assert_eq!((run.attempt, run.crashes), (2, 1));
}

fn paused(claimed: &ClaimedRun) -> SettleRun {
    SettleRun {
        outcome: RunOutcome::Paused {
            error: RunError::new("agent-failed", "three times"),
        },
        attempt: Some(attempt(1)),
        ..ended(claimed, RunState::Failed)
    }
}

pub(super) async fn a_paused_run_waits_for_a_person(given: Given) {
    let id = given.queue().await;
    let claimed = given.claim_one(at(0)).await;
    let mut settle = paused(&claimed);
    settle.deliveries.push(given.new_delivery());
    assert_eq!(given.settle(settle.clone()).await, Settled::Done);
    assert_eq!(given.settle(settle).await, Settled::Fenced);
    let run = given.run(id).await;
    assert_eq!(
        (run.state, run.reason),
        (RunState::Waiting, Some(Reason::Paused))
    );
    assert_eq!((run.waiting_since, run.due_at), (Some(at(10)), None));
    assert_eq!((run.attempt, run.ended_at), (1, None));
    assert_eq!(run.error.map(|e| e.code).as_deref(), Some("agent-failed"));
    let claims = given.claim(10, at(9_000_000)).await;
    assert!(claims.rows.is_empty() && claims.next_due.is_none());
    let attempts = given.store.run_attempts(HERE, id).await.expect("reads");
    assert_eq!(attempts, [attempt(1)]);
    let filter = DeliveryFilter::default();
    let made = given.store.deliveries(HERE, filter, page(10)).await;
    assert!(made.expect("reads").rows.is_empty(), "it has not ended");
    assert_eq!(given.settle(cancelled(id)).await, Settled::Done);
}

pub(super) async fn a_paused_run_that_is_released_counts_from_zero(given: Given) {
    let id = given.queue().await;
    let claimed = given.claim_one(at(0)).await;
    given.settle(crashed(&claimed)).await;
    let claimed = given.claim_one(at(500)).await;
    given
        .settle(goes_on(&claimed, Reason::Outage, at(500)))
        .await;
    let claimed = given.claim_one(at(500)).await;
    given.settle(paused(&claimed)).await;
    let release = async || given.store.release_held(HERE, id, at(700)).await;
    assert_eq!(release().await.expect("acts"), Change::Done);
    let run = given.run(id).await;
    assert_eq!((run.attempt, run.crashes, run.outages), (0, 0, 0));
    assert_eq!((run.state, run.reason), (RunState::Queued, None));
    assert_eq!((run.due_at, run.queued_at), (Some(at(700)), at(700)));
    assert_eq!((run.error, run.waiting_since), (None, None));
    assert_eq!(release().await.expect("acts"), Change::NotAllowed);
    let again = given.claim_one(at(700)).await;
    assert_eq!((again.run.id, again.run.attempt), (id, 1));
    assert!(again.epoch > claimed.epoch, "old claims are still refused");
}

fn expires(run: RunId) -> SettleRun {
    SettleRun {
        fence: Fence::NeverBegun,
        ..cancelled(run)
    }
}

pub(super) async fn a_run_that_was_never_begun_is_ended_as_that(given: Given) {
    let queued = given.queue().await;
    let mut held = given.new_run(AGENT);
    held.held = Some(RunError::new("condition-failed", "no"));
    let held_id = held.id;
    given.accept(vec![given.new_event(vec![held])]).await;
    for id in [queued, held_id] {
        assert_eq!(given.settle(expires(id)).await, Settled::Done);
        assert_eq!(given.run(id).await.state, RunState::Cancelled);
        assert_eq!(given.settle(expires(id)).await, Settled::Fenced);
    }
    let unreachable = given.queue().await;
    let claimed = given.claim_one(at(0)).await;
    given
        .settle(goes_on(&claimed, Reason::Outage, at(500)))
        .await;
    assert_eq!(given.settle(expires(unreachable)).await, Settled::Done);
    let unknown = expires(given.run_id());
    assert_eq!(given.settle(unknown).await, Settled::Fenced);
}

pub(super) async fn a_run_that_was_begun_is_not_ended_as_one_that_never_was(given: Given) {
    let id = given.queue().await;
    let claimed = given.claim_one(at(0)).await;
    assert_eq!(given.settle(expires(id)).await, Settled::Fenced, "in hand");
    for reason in [Reason::Answer, Reason::Retry] {
        let claimed = if reason == Reason::Answer {
            claimed.clone()
        } else {
            given.claim_one(at(500)).await
        };
        given.settle(goes_on(&claimed, reason, at(500))).await;
        assert_eq!(given.settle(expires(id)).await, Settled::Fenced);
    }
    assert_eq!(given.run(id).await.state, RunState::Waiting);
}

pub(super) async fn stale_runs_were_queued_before_and_never_begun(given: Given) {
    let stale = async |limit| {
        let found = given.store.stale_runs(AGENT, at(10), limit).await;
        let mut found = found.expect("reads");
        found.sort_unstable();
        found
    };
    let lined = |ms| given.queue_in(line(LinePolicy::Queue), at(ms));
    let begun = lined(1).await;
    let claimed = given.claim_one(at(2)).await;
    assert_eq!(claimed.run.id, begun);
    let taken = lined(3).await;
    let (newest, _) = given.accept_in(line(LinePolicy::Coalesce), at(4)).await;
    assert_eq!(given.run(taken).await.into, Some(newest));
    let behind = lined(9).await;
    lined(10).await;
    let mut held = given.new_run(AGENT);
    held.held = Some(RunError::new("condition-failed", "no"));
    let other = given.new_run(AgentId(2));
    given.accept(vec![given.new_event(vec![held, other])]).await;
    let expected = [(HERE, newest), (HERE, behind)];
    assert_eq!(stale(10).await, expected);
    assert_eq!(stale(1).await.len(), 1, "at most the limit");

    given
        .settle(goes_on(&claimed, Reason::Retry, at(500)))
        .await;
    assert_eq!(stale(10).await, expected, "it was begun");
    given.settle(expires(newest)).await;
    assert_eq!(stale(10).await, [(HERE, behind)]);
}
