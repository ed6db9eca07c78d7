//! Events on their way in, dedupe keys, held runs and replays.

use bytes::Bytes;
use tieline_model::{
    AgentId, ConnectorId, EventFile, EventId, Kept, Priority, Reason, RunError, RunId, RunState,
    Trust,
};

use super::given::{AGENT, Given, HERE, SENDER, STORED, at};
use crate::{Acceptance, Change, NewEvent, NewFile, StoreError};

pub(super) async fn what_was_accepted_is_there(given: Given) {
    let (mut first, second) = (given.new_run(AGENT), given.new_run(AgentId(7)));
    first.session = Some("customer-1".to_owned());
    first.priority = Priority::High;
    let runs = [first.id, second.id];
    let new = NewEvent {
        trust: Trust::Verified,
        queued_at: at(5),
        ..given.new_event(vec![first, second])
    };
    assert_eq!(given.accept(vec![new.clone()]).await, [STORED]);

    let event = given.store.event(HERE, new.id).await.expect("reads");
    let event = event.expect("the event is there");
    assert_eq!(
        (event.id, event.project, event.connector),
        (new.id, HERE, SENDER)
    );
    assert_eq!((event.received_at, event.trust), (at(0), Trust::Verified));
    assert_eq!((event.input, event.meta), (new.input, new.meta));
    assert_eq!((event.filtered, event.files.len()), (false, 0));
    assert_eq!(event.kept, Kept::Whole);
    assert_eq!(event.runs, runs);

    let run = given.run(runs[0]).await;
    assert_eq!((run.id, run.project, run.event), (runs[0], HERE, new.id));
    assert_eq!(
        (run.agent, run.session.as_deref()),
        (AGENT, Some("customer-1"))
    );
    assert_eq!(
        (run.state, run.reason, run.waiting_since),
        (RunState::Queued, None, None)
    );
    assert_eq!((run.attempt, run.crashes, run.outages), (0, 0, 0));
    assert_eq!((run.connector, run.priority), (SENDER, Priority::High));
    assert_eq!(
        (run.dead_letter, run.into, run.kept),
        (false, None, Kept::Whole)
    );
    assert_eq!((run.queued_at, run.due_at), (at(5), Some(at(5))));
    assert_eq!((run.started_at, run.ended_at), (None, None));
    assert_eq!((run.output, run.error, run.usage), (None, None, None));
    let run = given.run(runs[1]).await;
    assert_eq!((run.agent, run.priority), (AgentId(7), Priority::Normal));
}

pub(super) async fn files_are_kept_with_their_event(given: Given) {
    let upload = |field: Option<&str>, content: &'static [u8]| NewFile {
        file: EventFile {
            id: given.file_id(),
            field: field.map(str::to_owned),
            name: Some("a.pdf".to_owned()),
            content_type: "application/pdf".to_owned(),
            size: content.len() as u64,
            sha256: "ab".repeat(32),
        },
        content: Bytes::from_static(content),
    };
    let files = vec![upload(Some("doc"), b"one"), upload(None, b"")];
    let listed: Vec<EventFile> = files.iter().map(|new| new.file.clone()).collect();
    let new = NewEvent {
        files,
        ..given.new_event(vec![])
    };
    let id = new.id;
    given.accept(vec![new]).await;

    let event = given.store.event(HERE, id).await.expect("reads");
    assert_eq!(event.expect("the event is there").files, listed);
    for (file, content) in listed.into_iter().zip([b"one".as_slice(), b""]) {
        let stored = given.store.file(HERE, file.id).await.expect("reads");
        let stored = stored.expect("the file is there");
        assert_eq!(
            (stored.project, stored.event, stored.connector),
            (HERE, id, SENDER)
        );
        assert_eq!((stored.file, stored.content.as_ref()), (file, content));
        assert_eq!(stored.kept, Kept::Whole);
    }
    let unknown = given
        .store
        .file(HERE, given.file_id())
        .await
        .expect("reads");
    assert!(unknown.is_none());
}

pub(super) async fn there_is_one_acceptance_per_event_in_order(given: Given) {
    let first = given.keyed_event("a", 1);
    let duplicate = duplicate_of(&first);
    given.accept(vec![first]).await;
    let batch = vec![
        given.new_event(vec![]),
        given.keyed_event("a", 2),
        given.keyed_event("a", 1),
        given.keyed_event("b", 1),
    ];
    let expected = [STORED, Acceptance::Conflict, duplicate, STORED];
    assert_eq!(given.accept(batch).await, expected);
}

fn duplicate_of(event: &NewEvent) -> Acceptance {
    Acceptance::Duplicate {
        event: event.id,
        runs: event.runs.iter().map(|run| run.id).collect(),
        filtered: event.filtered,
    }
}

async fn is_unknown(given: &Given, event: EventId, run: RunId) -> bool {
    let event = given.store.event(HERE, event).await.expect("reads");
    let run = given.store.run(HERE, run).await.expect("reads");
    event.is_none() && run.is_none()
}

fn first_run(event: &NewEvent) -> RunId {
    event.runs.first().expect("it has a run").id
}

pub(super) async fn the_same_key_gives_the_same_ids(given: Given) {
    let first = given.keyed_event("k", 1);
    let duplicate = duplicate_of(&first);
    given.accept(vec![first]).await;
    let second = given.keyed_event("k", 1);
    let (event, run) = (second.id, first_run(&second));
    assert_eq!(given.accept(vec![second]).await, [duplicate]);
    assert!(is_unknown(&given, event, run).await);
}

pub(super) async fn the_same_key_with_another_body_conflicts(given: Given) {
    given.accept(vec![given.keyed_event("k", 1)]).await;
    let second = given.keyed_event("k", 2);
    let (event, run) = (second.id, first_run(&second));
    assert_eq!(given.accept(vec![second]).await, [Acceptance::Conflict]);
    assert!(is_unknown(&given, event, run).await);
}

pub(super) async fn a_duplicate_inside_one_batch_is_found(given: Given) {
    let first = given.keyed_event("k", 1);
    let duplicate = duplicate_of(&first);
    let batch = vec![first, given.keyed_event("k", 1), given.keyed_event("k", 9)];
    let expected = [STORED, duplicate, Acceptance::Conflict];
    assert_eq!(given.accept(batch).await, expected);
}

pub(super) async fn the_same_key_of_another_connector_is_new(given: Given) {
    let other = NewEvent {
        connector: ConnectorId(5),
        ..given.keyed_event("k", 2)
    };
    let batch = vec![given.keyed_event("k", 1), other];
    assert_eq!(given.accept(batch).await, [STORED, STORED]);
}

fn arriving(mut event: NewEvent, ms: i64) -> NewEvent {
    event.received_at = at(ms);
    event.queued_at = at(ms);
    if let Some(dedupe) = &mut event.dedupe {
        dedupe.expires_at = at(ms + 1000);
    }
    event
}

/// Whatever the clock of the one that comes later says: it may have been set.
pub(super) async fn a_key_stands_until_it_is_forgotten(given: Given) {
    let first = given.keyed_event("k", 1);
    let duplicate = duplicate_of(&first);
    given.accept(vec![first]).await;
    for ms in [-9_000_000, 999, 1000, 9_000_000] {
        let same = arriving(given.keyed_event("k", 1), ms);
        let other = arriving(given.keyed_event("k", 2), ms);
        let expected = [duplicate.clone(), Acceptance::Conflict];
        assert_eq!(given.accept(vec![same, other]).await, expected);
    }
    let forgotten = given.store.forget_expired(at(1000), 10).await;
    assert_eq!(forgotten.expect("forgets"), 1);
    let second = arriving(given.keyed_event("k", 2), 1);
    let duplicate = duplicate_of(&second);
    assert_eq!(given.accept(vec![second]).await, [STORED]);
    let third = given.accept(vec![given.keyed_event("k", 2)]).await;
    assert_eq!(third, [duplicate], "the second stands now");
}

pub(super) async fn a_key_inside_one_batch_stands_whatever_the_clock_says(given: Given) {
    let first = given.keyed_event("k", 1);
    let duplicate = duplicate_of(&first);
    let second = arriving(given.keyed_event("k", 2), 1000);
    let third = arriving(given.keyed_event("k", 1), 9_000_000);
    let expected = [STORED, Acceptance::Conflict, duplicate];
    assert_eq!(given.accept(vec![first, second, third]).await, expected);
}

/// One request that comes again as several: of the others, nothing is known.
pub(super) async fn what_follows_one_that_conflicts_is_not_stored_either(given: Given) {
    given.accept(vec![given.keyed_event("k", 1)]).await;
    let follows = |mut event: NewEvent| {
        event.dedupe.iter_mut().for_each(|one| one.follows = true);
        event
    };
    let request = || {
        let (second, third) = (given.keyed_event("k1", 2), given.keyed_event("k2", 2));
        vec![given.keyed_event("k", 2), follows(second), follows(third)]
    };
    let mut batch = request();
    batch.push(given.keyed_event("other", 2));
    let (conflict, last) = (
        Acceptance::Conflict,
        batch.last().expect("it was pushed").id,
    );
    let expected = [conflict.clone(), conflict.clone(), conflict, STORED];
    assert_eq!(given.accept(batch).await, expected);
    let other = given.store.event(HERE, last).await.expect("reads");
    assert!(other.is_some());
    // What stands before it, and what is known itself, is what it is.
    let second = given.keyed_event("k1", 2);
    let duplicate = duplicate_of(&second);
    assert_eq!(given.accept(vec![second]).await, [STORED]);
    let again = vec![
        given.keyed_event("other", 2),
        follows(given.keyed_event("k1", 2)),
    ];
    let again = given.accept(again).await;
    assert_eq!(again.get(1), Some(&duplicate));
}

pub(super) async fn forgetting_takes_only_expired_keys(given: Given) {
    let batch = vec![
        given.keyed_event("a", 1),
        given.keyed_event("b", 1),
        arriving(given.keyed_event("c", 1), 500),
    ];
    given.accept(batch).await;
    let store = &given.store;
    assert_eq!(store.forget_expired(at(999), 10).await.expect("forgets"), 0);
    assert_eq!(store.forget_expired(at(1000), 1).await.expect("forgets"), 1);
    assert_eq!(
        store.forget_expired(at(1000), 10).await.expect("forgets"),
        1
    );
    assert_eq!(
        store.forget_expired(at(1000), 10).await.expect("forgets"),
        0
    );
    let third = given.accept(vec![given.keyed_event("c", 2)]).await;
    assert_eq!(third, [Acceptance::Conflict], "the one that lives is kept");
}

pub(super) async fn a_batch_with_one_known_id_stores_nothing(given: Given) {
    let known = given.queue().await;
    let fine = given.keyed_event("k", 1);
    let (event, run) = (fine.id, first_run(&fine));
    let mut twin = given.new_run(AGENT);
    twin.id = known;
    let refused = given
        .store
        .accept(vec![fine, given.new_event(vec![twin])], vec![])
        .await;
    assert!(matches!(refused, Err(StoreError::Refused { .. })));
    assert!(is_unknown(&given, event, run).await);
    let again = given.accept(vec![given.keyed_event("k", 1)]).await;
    assert_eq!(again, [STORED], "its key is not there either");
}

pub(super) async fn a_filtered_event_says_so_and_has_no_runs(given: Given) {
    let new = NewEvent {
        filtered: true,
        runs: vec![],
        ..given.keyed_event("k", 1)
    };
    let (id, duplicate) = (new.id, duplicate_of(&new));
    given.accept(vec![new]).await;
    let event = given.store.event(HERE, id).await.expect("reads");
    let event = event.expect("the event is there");
    assert!(event.filtered && event.runs.is_empty());
    assert_eq!(
        given.accept(vec![given.keyed_event("k", 1)]).await,
        [duplicate]
    );
}

async fn queue_held(given: &Given) -> RunId {
    let mut run = given.new_run(AGENT);
    run.held = Some(RunError::new("condition-failed", "no such key"));
    let id = run.id;
    given.accept(vec![given.new_event(vec![run])]).await;
    id
}

pub(super) async fn a_held_run_waits_for_a_person(given: Given) {
    let id = queue_held(&given).await;
    let run = given.run(id).await;
    assert_eq!(
        (run.state, run.reason),
        (RunState::Waiting, Some(Reason::Held))
    );
    assert_eq!((run.waiting_since, run.due_at), (Some(at(0)), None));
    assert_eq!(
        run.error.map(|e| e.code).as_deref(),
        Some("condition-failed")
    );
    let claims = given.claim(10, at(1_000_000)).await;
    assert!(claims.rows.is_empty() && claims.next_due.is_none());
}

pub(super) async fn a_run_is_released_once_and_only_where_it_is_held(given: Given) {
    let id = queue_held(&given).await;
    let release = async |id| {
        given
            .store
            .release_held(HERE, id, at(5))
            .await
            .expect("acts")
    };
    assert_eq!(release(id).await, Change::Done);
    let run = given.run(id).await;
    assert_eq!(
        (run.state, run.reason, run.waiting_since),
        (RunState::Queued, None, None)
    );
    assert_eq!((run.due_at, run.error), (Some(at(5)), None));
    assert_eq!(run.queued_at, at(5), "it is not stale for having been held");
    assert_eq!(release(id).await, Change::NotAllowed);
    assert_eq!(release(given.run_id()).await, Change::NotFound);
    assert_eq!(given.claim_one(at(5)).await.run.id, id);
}

async fn replay(given: &Given, event: EventId) -> (RunId, Change) {
    let run = given.new_run(AgentId(9));
    let id = run.id;
    let change = given.store.add_runs(HERE, event, vec![run], at(50)).await;
    (id, change.expect("acts"))
}

pub(super) async fn replayed_runs_come_after_the_first_ones(given: Given) {
    let new = given.new_event(vec![given.new_run(AGENT)]);
    let (id, first) = (new.id, first_run(&new));
    given.accept(vec![new]).await;
    let (second, change) = replay(&given, id).await;
    assert_eq!(change, Change::Done);
    let (third, _) = replay(&given, id).await;
    let event = given.store.event(HERE, id).await.expect("reads");
    assert_eq!(
        event.expect("the event is there").runs,
        [first, second, third]
    );
    let run = given.run(second).await;
    assert_eq!(
        (run.event, run.agent, run.state),
        (id, AgentId(9), RunState::Queued)
    );
    assert_eq!((run.queued_at, run.due_at), (at(50), Some(at(50))));
}

pub(super) async fn a_replay_does_not_change_what_a_duplicate_gets(given: Given) {
    let new = given.keyed_event("k", 1);
    let (id, duplicate) = (new.id, duplicate_of(&new));
    given.accept(vec![new]).await;
    replay(&given, id).await;
    assert_eq!(
        given.accept(vec![given.keyed_event("k", 1)]).await,
        [duplicate]
    );
}

pub(super) async fn a_replay_of_an_unknown_event_is_not_found(given: Given) {
    let (run, change) = replay(&given, given.new_event(vec![]).id).await;
    assert_eq!(change, Change::NotFound);
    assert!(given.store.run(HERE, run).await.expect("reads").is_none());
}
