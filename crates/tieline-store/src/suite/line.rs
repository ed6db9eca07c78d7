//! Lines: one at a time, in the order of their commits.

use tieline_model::{AgentId, EventId, Priority, Reason, RunError, RunId, RunState, Timestamp};

use super::given::{
    AGENT, ELSEWHERE, Given, HERE, LEASE_MS, STORED, at, cancelled, ended, goes_on, line,
};
use crate::{
    Change, Claim, ClaimedRun, Lease, Line, LinePolicy, NewEvent, NewRun, RunOutcome, SettleRun,
    Settled,
};

fn queue() -> Line {
    line(LinePolicy::Queue)
}

fn keyed(key: &str) -> Line {
    Line {
        key: key.to_owned(),
        ..queue()
    }
}

async fn complete(given: &Given, claimed: &ClaimedRun, now: Timestamp) {
    let settle = SettleRun {
        now,
        ..ended(claimed, RunState::Completed)
    };
    assert_eq!(given.settle(settle).await, Settled::Done);
}

/// Claims and completes runs one by one until none is due, a millisecond apart from 100 ms on.
async fn drain(given: &Given) -> Vec<RunId> {
    let mut done = Vec::new();
    for ms in 100.. {
        let mut claims = given.claim(1, at(ms)).await;
        let Some(claimed) = claims.rows.pop() else {
            break;
        };
        complete(given, &claimed, at(ms)).await;
        done.push(claimed.run.id);
    }
    done
}

pub(super) async fn a_line_goes_one_at_a_time_in_the_order_of_its_commits(given: Given) {
    let mut queued = Vec::new();
    for ms in [30, 10, 20] {
        queued.push(given.queue_in(queue(), at(ms)).await);
    }
    let batch = [40, 5].map(|ms| given.lined_event(queue(), at(ms)));
    queued.extend(batch.iter().flat_map(|e| e.runs.iter().map(|run| run.id)));
    assert_eq!(given.accept(batch.to_vec()).await, [STORED, STORED]);
    let mut twice = given.lined_event(queue(), at(1));
    twice.runs.extend(given.lined_event(queue(), at(1)).runs);
    queued.extend(twice.runs.iter().map(|run| run.id));
    given.accept(vec![twice]).await;

    for id in queued {
        let claims = given.claim(10, at(50)).await;
        let [claimed] = claims.rows.as_slice() else {
            panic!("one goes at a time, not {:?}", claims.rows);
        };
        assert_eq!(claimed.run.id, id);
        let lease_end = Some(at(50 + LEASE_MS));
        assert_eq!(claims.next_due, lease_end, "nobody behind is ever due");
        let behind = given.claim(10, at(50)).await;
        assert!(behind.rows.is_empty());
        complete(&given, claimed, at(50)).await;
    }
}

pub(super) async fn as_many_of_a_line_as_its_width_go_at_once(given: Given) {
    let wide = Line {
        width: 2,
        ..queue()
    };
    let mut queued = Vec::new();
    for ms in 0..4 {
        queued.push(given.queue_in(wide.clone(), at(ms)).await);
    }
    let claims = given.claim(10, at(10)).await;
    let ids: Vec<RunId> = claims.rows.iter().map(|row| row.run.id).collect();
    assert_eq!(ids, queued[..2]);
    let second = claims.rows.last().expect("two were claimed");
    complete(&given, second, at(10)).await;
    assert_eq!(given.claimed(at(10)).await, queued[2..3]);
    assert!(given.claimed(at(10)).await.is_empty());
}

pub(super) async fn a_wider_run_overtakes_nobody_of_its_line(given: Given) {
    let wide = || Line {
        width: 4,
        ..queue()
    };
    let mut queued = Vec::new();
    for (ms, line) in [(0, queue()), (1, queue()), (2, wide()), (3, wide())] {
        queued.push(given.queue_in(line, at(ms)).await);
    }
    let claimed = given.claim_one(at(5)).await;
    assert_eq!(claimed.run.id, queued[0], "the others came later");
    complete(&given, &claimed, at(5)).await;
    assert_eq!(given.claimed(at(5)).await, queued[1..]);
}

pub(super) async fn the_next_comes_forward_however_the_one_before_ends(given: Given) {
    for state in [RunState::Completed, RunState::Failed, RunState::Cancelled] {
        let first = given.queue_in(queue(), at(0)).await;
        let second = given.queue_in(queue(), at(1)).await;
        let third = given.queue_in(queue(), at(2)).await;
        let claimed = given.claim_one(at(5)).await;
        assert_eq!(claimed.run.id, first);
        assert_eq!(given.settle(ended(&claimed, state)).await, Settled::Done);
        assert_eq!(given.settle(cancelled(second)).await, Settled::Done);
        let claimed = given.claim_one(at(5)).await;
        assert_eq!(claimed.run.id, third, "the second went in its turn");
        assert_eq!(given.settle(cancelled(third)).await, Settled::Done);
    }
}

pub(super) async fn a_run_that_goes_on_keeps_its_place(given: Given) {
    let first = given.queue_in(queue(), at(0)).await;
    given.queue_in(queue(), at(1)).await;
    for reason in [Reason::Retry, Reason::Outage, Reason::Answer] {
        let claimed = given.claim_one(at(500)).await;
        assert_eq!(claimed.run.id, first);
        let settle = goes_on(&claimed, reason, at(500));
        assert_eq!(given.settle(settle).await, Settled::Done);
        assert!(given.claimed(at(40)).await.is_empty(), "{reason:?}");
    }
    let claimed = given.claim_one(at(500)).await;
    let released = given
        .store
        .release_run(HERE, first, claimed.epoch, at(9))
        .await;
    assert_eq!(released.expect("frees"), Settled::Done);
    let retry = goes_on(&given.claim_one(at(500)).await, Reason::Retry, at(500));
    given.settle(retry).await;

    let claimed = given.claim_one(at(500)).await;
    let paused = SettleRun {
        outcome: RunOutcome::Paused {
            error: RunError::new("agent-failed", "no"),
        },
        ..ended(&claimed, RunState::Failed)
    };
    assert_eq!(given.settle(paused).await, Settled::Done);
    assert!(given.claimed(at(9_000_000)).await.is_empty());
    let freed = given.store.release_held(HERE, first, at(600)).await;
    assert_eq!(freed.expect("acts"), Change::Done);
    assert_eq!(given.claimed(at(600)).await, [first]);
}

pub(super) async fn other_lines_do_not_wait(given: Given) {
    let first = given.queue_in(queue(), at(0)).await;
    given.queue_in(queue(), at(1)).await;
    let other_key = given.queue_in(keyed("s:2"), at(2)).await;
    let mut elsewhere = given.lined_event(queue(), at(3));
    for run in &mut elsewhere.runs {
        run.agent = AgentId(2);
    }
    given.accept(vec![elsewhere]).await;
    let in_none = given.queue().await;
    let mut claimed = given.claimed(at(10)).await;
    claimed.sort_unstable();
    assert_eq!(claimed, [first, other_key, in_none]);
    let claim = Claim {
        of: AgentId(2),
        limit: 10,
        lease: Lease {
            node: given.node,
            now: at(10),
            until: at(20),
        },
    };
    let claims = given.store.claim_runs(claim).await.expect("claims");
    assert_eq!(claims.rows.len(), 1);
}

pub(super) async fn a_line_of_another_project_does_not_wait(given: Given) {
    given.queue_in(queue(), at(0)).await;
    let other = NewEvent {
        project: ELSEWHERE,
        ..given.lined_event(line(LinePolicy::Reject), at(1))
    };
    assert_eq!(given.accept(vec![other]).await, [STORED]);
    assert_eq!(given.claimed(at(5)).await.len(), 2);
}

pub(super) async fn sessions_take_turns(given: Given) {
    let (mut flood, mut trickle) = (Vec::new(), Vec::new());
    for ms in 0..5 {
        flood.push(given.queue_in(keyed("s:flood"), at(ms)).await);
    }
    for ms in 5..7 {
        trickle.push(given.queue_in(keyed("s:trickle"), at(ms)).await);
    }
    let in_none = given.queue().await;
    let order = drain(&given).await;
    let place = |id| order.iter().position(|done| *done == id);
    let behind_none = flood.iter().filter(|id| place(**id) < place(in_none));
    assert_eq!(
        behind_none.count(),
        1,
        "the flood goes behind what is there"
    );
    let behind_trickle = |first: RunId| flood.iter().filter(move |id| place(**id) < place(first));
    let before: Vec<usize> = trickle
        .iter()
        .map(|id| behind_trickle(*id).count())
        .collect();
    assert_eq!(before, [1, 2], "one of each in turn");
    assert_eq!(order.len(), 8);
    let in_order: Vec<_> = order.iter().filter(|id| flood.contains(id)).collect();
    assert_eq!(in_order, flood.iter().collect::<Vec<_>>());
}

pub(super) async fn what_comes_forward_is_never_due_earlier_than_it_was(given: Given) {
    given.queue_in(queue(), at(0)).await;
    let behind = given.queue_in(queue(), at(700)).await;
    let claimed = given.claim_one(at(5)).await;
    complete(&given, &claimed, at(20)).await;
    assert_eq!(given.run(behind).await.due_at, Some(at(700)));

    let next = given.queue_in(queue(), at(1)).await;
    let other = given.queue_in(keyed("s:2"), at(900)).await;
    let mut unlike = given.lined_event(keyed("s:3"), at(5000));
    for run in &mut unlike.runs {
        run.priority = Priority::Low;
    }
    given.accept(vec![unlike]).await;
    let claimed = given.claim(1, at(5)).await;
    let claimed = claimed.rows.first().expect("one is due");
    assert_eq!(claimed.run.id, behind);
    complete(&given, claimed, at(30)).await;
    let (mine, others) = (given.run(next).await, given.run(other).await);
    assert_eq!((mine.due_at, others.due_at), (Some(at(901)), Some(at(900))));
}

pub(super) async fn a_line_goes_in_order_whatever_the_priorities(given: Given) {
    let mut queued = Vec::new();
    for priority in [Priority::Low, Priority::High, Priority::Normal] {
        let mut event = given.lined_event(queue(), at(0));
        for run in &mut event.runs {
            run.priority = priority;
            queued.push(run.id);
        }
        given.accept(vec![event]).await;
    }
    assert_eq!(drain(&given).await, queued);
}

async fn replay(given: &Given, event: EventId, policy: LinePolicy) -> RunId {
    let run = NewRun {
        line: Some(line(policy)),
        ..given.new_run(AGENT)
    };
    let id = run.id;
    let added = given.store.add_runs(HERE, event, vec![run], at(50)).await;
    assert_eq!(added.expect("adds"), Change::Done);
    id
}

pub(super) async fn a_replay_stands_at_the_end_of_its_line(given: Given) {
    let first = given.queue_in(queue(), at(0)).await;
    let event = given.run(first).await.event;
    let second = given.queue_in(queue(), at(60)).await;
    let third = replay(&given, event, LinePolicy::Queue).await;
    let fourth = replay(&given, event, LinePolicy::Reject).await;
    assert_eq!(drain(&given).await, [first, second, third, fourth]);
}

pub(super) async fn a_held_run_stands_in_no_line(given: Given) {
    let mut event = given.lined_event(queue(), at(0));
    let held = event.runs.first_mut().expect("it has one");
    held.held = Some(RunError::new("condition-failed", "no"));
    let held = held.id;
    let next = given.lined_event(line(LinePolicy::Reject), at(1));
    let next_id = next.runs.first().expect("it has one").id;
    let mut also = given.lined_event(line(LinePolicy::Reject), at(2));
    for run in &mut also.runs {
        run.held = Some(RunError::new("condition-failed", "no"));
    }
    let batch = vec![event, next, also];
    assert_eq!(given.accept(batch).await, [STORED, STORED, STORED]);
    assert_eq!(
        given.claimed(at(5)).await,
        [next_id],
        "it is in nobody's way"
    );
    let freed = given.store.release_held(HERE, held, at(6)).await;
    assert_eq!(freed.expect("acts"), Change::Done);
    assert_eq!(
        given.claimed(at(6)).await,
        [held],
        "and nobody is in its way"
    );
}
