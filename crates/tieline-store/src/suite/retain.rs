//! What is kept no longer, and what is erased by hand.

use bytes::Bytes;
use tieline_model::{
    DeliveryState, Event, EventFile, EventId, FileId, Kept, Reason, RunId, RunState, Timestamp,
};

use super::given::{
    AGENT, ELSEWHERE, Given, HERE, RECEIVER, at, attempt, delivered, ended, goes_on,
};
use crate::{
    Acceptance, Change, DeliveryOutcome, NewEvent, NewFile, Retain, Retained, SettleDelivery,
    SettleRun, Settled, StoredFile,
};

/// An hour, in milliseconds: what has not ended may be looked at again that late.
const HOUR: i64 = 3_600_000;

impl Given {
    /// Erases until nothing is left to do, a few events at a time.
    async fn retain(&self, bodies_before: Timestamp, rows_before: Timestamp) -> (u64, u64) {
        let (mut bodies, mut rows) = (0, 0);
        for _ in 0..100 {
            let done = self.retain_some(bodies_before, rows_before, 2).await;
            assert!(done.bodies + done.rows <= 2, "at most the limit: {done:?}");
            bodies += done.bodies;
            rows += done.rows;
            if !done.more {
                return (bodies, rows);
            }
        }
        panic!("it comes to an end");
    }

    async fn retain_some(
        &self,
        bodies_before: Timestamp,
        rows_before: Timestamp,
        limit: u32,
    ) -> Retained {
        let retain = Retain {
            bodies_before,
            rows_before,
            limit,
        };
        self.store.retain(retain).await.expect("retains")
    }

    async fn erase(&self, event: EventId) -> Change {
        let erased = self.store.erase_event(HERE, event).await;
        erased.expect("erases")
    }

    async fn event(&self, id: EventId) -> Option<Event> {
        self.store.event(HERE, id).await.expect("reads")
    }

    async fn file(&self, id: FileId) -> Option<StoredFile> {
        self.store.file(HERE, id).await.expect("reads")
    }

    /// An event with a file, whose one run ended at 10 ms with an attempt and a delivery, which
    /// was delivered at 10 ms.
    async fn carried_out(&self) -> NewEvent {
        let event = NewEvent {
            files: vec![new_file(self.file_id())],
            ..self.new_event(vec![self.new_run(AGENT)])
        };
        self.accept(vec![event.clone()]).await;
        let claimed = self.claim_one(at(0)).await;
        let settle = SettleRun {
            attempt: Some(attempt(1)),
            deliveries: vec![self.new_delivery()],
            ..ended(&claimed, RunState::Failed)
        };
        assert_eq!(self.settle(settle).await, Settled::Done);
        self.deliver().await;
        event
    }

    async fn deliver(&self) {
        let claimed = self.claim_delivery(at(10)).await;
        let outcome = DeliveryOutcome::Ended {
            state: DeliveryState::Delivered,
            error: None,
        };
        let settle = SettleDelivery {
            attempt: Some(attempt(1)),
            ..delivered(&claimed, outcome)
        };
        assert_eq!(self.settle_delivery(settle).await, Settled::Done);
    }

    async fn deliveries_of(&self, run: RunId) -> Vec<tieline_model::Delivery> {
        let filter = crate::DeliveryFilter {
            run: Some(run),
            ..crate::DeliveryFilter::default()
        };
        let page = super::given::page(10);
        let listed = self.store.deliveries(HERE, filter, page).await;
        listed.expect("reads").rows
    }

    /// Everything of an event is there but what was in its bodies.
    async fn is_erased(&self, new: &NewEvent) {
        let event = self.event(new.id).await.expect("the event is there");
        assert_eq!((event.input.len(), event.meta.len()), (0, 0));
        assert_eq!(event.kept, Kept::Erased);
        assert_eq!(event.files.len(), new.files.len());
        for file in &new.files {
            let file = self.file(file.file.id).await.expect("the file is there");
            assert_eq!((file.content.len(), file.kept), (0, Kept::Erased));
        }
        for new in &new.runs {
            let run = self.run(new.id).await;
            assert_eq!((run.output, run.usage), (None, None));
            assert_eq!(run.kept, Kept::Erased);
            assert_eq!(run.ended_at, Some(at(10)));
            let attempts = self.store.run_attempts(HERE, new.id).await.expect("reads");
            assert_eq!(attempts.len(), 1);
            assert!(attempts.iter().all(|attempt| attempt.response.is_none()));
            for delivery in self.deliveries_of(new.id).await {
                assert_eq!((delivery.body.len(), delivery.kept), (0, Kept::Erased));
                let attempts = self.store.delivery_attempts(HERE, delivery.id).await;
                let attempts = attempts.expect("reads");
                assert_eq!(attempts.len(), 1);
                assert!(attempts.iter().all(|attempt| attempt.response.is_none()));
            }
        }
    }

    /// Nothing of an event is there.
    async fn is_gone(&self, new: &NewEvent) {
        assert!(self.event(new.id).await.is_none());
        for file in &new.files {
            assert!(self.file(file.file.id).await.is_none());
        }
        for new in &new.runs {
            let run = self.store.run(HERE, new.id).await.expect("reads");
            assert!(run.is_none());
            assert!(self.deliveries_of(new.id).await.is_empty());
            let attempts = self.store.run_attempts(HERE, new.id).await.expect("reads");
            assert_eq!(attempts, []);
        }
    }

    async fn is_whole(&self, new: &NewEvent) {
        let event = self.event(new.id).await.expect("the event is there");
        assert_eq!(event.kept, Kept::Whole);
        assert_eq!(event.input, new.input);
        assert_eq!(event.meta, new.meta);
    }
}

fn new_file(id: FileId) -> NewFile {
    NewFile {
        file: EventFile {
            id,
            field: Some("upload".to_owned()),
            name: Some("a.txt".to_owned()),
            content_type: "text/plain".to_owned(),
            size: 5,
            sha256: "0".repeat(64),
        },
        content: Bytes::from_static(b"hello"),
    }
}

pub(super) async fn bodies_go_first_and_rows_later(given: Given) {
    let event = given.carried_out().await;
    assert_eq!(given.retain(at(10), at(10)).await, (0, 0));
    given.is_whole(&event).await;
    assert_eq!(given.retain(at(11), at(10)).await, (1, 0));
    given.is_erased(&event).await;
    assert_eq!(
        given.retain(at(12), at(10)).await,
        (0, 0),
        "it is done once"
    );
    assert_eq!(given.retain(at(13), at(11)).await, (0, 1));
    given.is_gone(&event).await;
    assert_eq!(given.retain(at(14), at(14)).await, (0, 0));
}

pub(super) async fn what_goes_whole_is_not_erased_before(given: Given) {
    let event = given.carried_out().await;
    assert_eq!(given.retain(at(11), at(11)).await, (0, 1));
    given.is_gone(&event).await;
}

pub(super) async fn an_event_without_runs_ends_when_it_comes(given: Given) {
    let event = NewEvent {
        filtered: true,
        ..given.new_event(vec![])
    };
    given.accept(vec![event.clone()]).await;
    assert_eq!(given.retain(at(0), at(0)).await, (0, 0));
    assert_eq!(given.retain(at(1), at(0)).await, (1, 0));
    given.is_erased(&event).await;
}

pub(super) async fn the_oldest_events_go_first(given: Given) {
    let mut events = Vec::new();
    for _ in 0..5 {
        events.push(given.carried_out().await);
    }
    let some = given.retain_some(at(11), at(0), 2).await;
    assert_eq!(some.bodies, 2);
    assert!(some.more);
    for (place, event) in events.iter().enumerate() {
        if place < 2 {
            given.is_erased(event).await;
        } else {
            given.is_whole(event).await;
        }
    }
    assert_eq!(given.retain(at(11), at(0)).await, (3, 0));
    assert_eq!(given.retain(at(11), at(11)).await, (0, 5));
}

pub(super) async fn an_event_stays_while_a_run_has_not_ended(given: Given) {
    let waits = given.new_event(vec![given.new_run(AGENT)]);
    given.accept(vec![waits.clone()]).await;
    let claimed = given.claim_one(at(0)).await;
    let again = goes_on(&claimed, Reason::Retry, at(20));
    assert_eq!(given.settle(again).await, Settled::Done);
    let over = given.carried_out().await;
    // Others go past it.
    let late = at(2 * HOUR);
    assert_eq!(given.retain(late, late).await, (0, 1));
    given.is_gone(&over).await;
    given.is_whole(&waits).await;

    let claimed = given.claim_one(at(20)).await;
    let settle = SettleRun {
        now: at(3 * HOUR),
        ..ended(&claimed, RunState::Completed)
    };
    assert_eq!(given.settle(settle).await, Settled::Done);
    let end = at(3 * HOUR);
    assert_eq!(given.retain(end, end).await, (0, 0));
    given.is_whole(&waits).await;
    let later = at(5 * HOUR);
    assert_eq!(
        given.retain(later, end).await,
        (1, 0),
        "it is not forgotten"
    );
    assert_eq!(given.retain(later, later).await, (0, 1));
    given.is_gone(&waits).await;
}

pub(super) async fn an_event_stays_while_a_delivery_has_not_ended(given: Given) {
    let event = given.new_event(vec![given.new_run(AGENT)]);
    given.accept(vec![event.clone()]).await;
    let claimed = given.claim_one(at(0)).await;
    let settle = SettleRun {
        deliveries: vec![given.new_delivery()],
        ..ended(&claimed, RunState::Completed)
    };
    assert_eq!(given.settle(settle).await, Settled::Done);
    assert_eq!(given.retain(at(20), at(20)).await, (0, 0));
    given.is_whole(&event).await;
    given.deliver().await;
    let later = at(2 * HOUR);
    assert_eq!(given.retain(later, later).await, (0, 1));
    given.is_gone(&event).await;
}

pub(super) async fn an_event_that_is_driven_again_stays_until_it_ends_again(given: Given) {
    let event = given.carried_out().await;
    assert_eq!(given.retain(at(5), at(5)).await, (0, 0));
    let replay = given.new_run(AGENT);
    let added = given.store.add_runs(HERE, event.id, vec![replay], at(6));
    assert_eq!(added.await.expect("adds"), Change::Done);
    assert_eq!(given.retain(at(20), at(20)).await, (0, 0));
    given.is_whole(&event).await;
    let claimed = given.claim_one(at(20)).await;
    assert_eq!(
        given.settle(ended(&claimed, RunState::Completed)).await,
        Settled::Done
    );
    let later = at(2 * HOUR);
    assert_eq!(given.retain(later, later).await, (0, 1));
    given.is_gone(&event).await;
}

fn received(event: NewEvent, ms: i64) -> NewEvent {
    NewEvent {
        received_at: at(ms),
        ..event
    }
}

pub(super) async fn an_event_from_the_future_hides_no_other_from_retention(given: Given) {
    let future = received(given.new_event(vec![]), 100 * HOUR);
    let present = received(given.new_event(vec![]), HOUR);
    given.accept(vec![future.clone(), present.clone()]).await;
    assert_eq!(given.retain(at(2 * HOUR), at(0)).await, (1, 0));
    given.is_erased(&present).await;
    given.is_whole(&future).await;
    assert_eq!(given.retain(at(101 * HOUR), at(0)).await, (1, 0));
    given.is_erased(&future).await;
}

pub(super) async fn a_clock_that_was_set_back_hides_no_event_from_retention(given: Given) {
    // Ids hold a time, so that those of a new process may lie before those of an earlier one.
    let new = received(given.new_event(vec![]), 3 * HOUR);
    let old = received(given.new_event(vec![]), 9 * HOUR);
    given.accept(vec![old.clone()]).await;
    assert_eq!(given.retain(at(10 * HOUR), at(0)).await, (1, 0));
    given.accept(vec![new.clone()]).await;
    assert_eq!(given.retain(at(4 * HOUR), at(0)).await, (1, 0));
    given.is_erased(&new).await;
}

pub(super) async fn a_key_whose_event_went_is_as_if_it_were_not_there(given: Given) {
    let first = NewEvent {
        runs: vec![],
        ..given.keyed_event("k", 1)
    };
    given.accept(vec![first.clone()]).await;
    assert_eq!(given.retain(at(1), at(0)).await, (1, 0));
    let repeated = given.accept(vec![given.keyed_event("k", 1)]).await;
    assert!(
        matches!(repeated.as_slice(), [Acceptance::Duplicate { event, .. }] if *event == first.id),
        "bodies are not keys: {repeated:?}"
    );
    assert_eq!(given.retain(at(1), at(1)).await, (0, 1));
    for body in [2, 1] {
        let again = given.keyed_event("k", body);
        let again = given.accept(vec![again]).await;
        assert_eq!(again.len(), 1);
        let stored = matches!(again.as_slice(), [Acceptance::Stored { .. }]);
        assert_eq!(stored, body == 2, "{again:?}");
    }
}

pub(super) async fn every_project_is_retained(given: Given) {
    let mut there = given.new_event(vec![]);
    there.project = ELSEWHERE;
    let here = given.new_event(vec![]);
    given.accept(vec![there.clone(), here.clone()]).await;
    assert_eq!(given.retain(at(1), at(0)).await, (2, 0));
    assert_eq!(given.retain(at(1), at(1)).await, (0, 2));
    let read = given.store.event(ELSEWHERE, there.id).await;
    assert!(read.expect("reads").is_none());
}

pub(super) async fn an_erased_event_keeps_its_rows(given: Given) {
    let event = given.carried_out().await;
    let other = given.carried_out().await;
    assert_eq!(given.erase(event.id).await, Change::Done);
    given.is_erased(&event).await;
    given.is_whole(&other).await;
    assert_eq!(
        given.erase(event.id).await,
        Change::Done,
        "once more is nothing"
    );
    assert_eq!(given.retain(at(11), at(0)).await, (1, 0), "the other");
    assert_eq!(given.retain(at(11), at(11)).await, (0, 2));
    given.is_gone(&event).await;
}

pub(super) async fn an_event_that_has_not_ended_is_not_erased(given: Given) {
    let event = given.new_event(vec![given.new_run(AGENT)]);
    given.accept(vec![event.clone()]).await;
    assert_eq!(given.erase(event.id).await, Change::NotAllowed);
    let claimed = given.claim_one(at(0)).await;
    assert_eq!(given.erase(event.id).await, Change::NotAllowed);
    let settle = SettleRun {
        attempt: Some(attempt(1)),
        deliveries: vec![given.new_delivery()],
        ..ended(&claimed, RunState::Completed)
    };
    given.settle(settle).await;
    assert_eq!(given.erase(event.id).await, Change::NotAllowed);
    given.is_whole(&event).await;
    given.deliver().await;
    assert_eq!(given.erase(event.id).await, Change::Done);
    given.is_erased(&event).await;
}

pub(super) async fn an_event_of_another_project_is_not_erased(given: Given) {
    let event = given.carried_out().await;
    let elsewhere = given.store.erase_event(ELSEWHERE, event.id).await;
    assert_eq!(elsewhere.expect("erases"), Change::NotFound);
    given.is_whole(&event).await;
}

pub(super) async fn an_erased_delivery_is_not_driven_again(given: Given) {
    for state in [DeliveryState::Failed, DeliveryState::Cancelled] {
        let id = given.queue_delivery().await;
        let claimed = given.claim_delivery(at(10)).await;
        let outcome = DeliveryOutcome::Ended { state, error: None };
        given.settle_delivery(delivered(&claimed, outcome)).await;
        let event = given.delivery(id).await.event;
        assert_eq!(given.erase(event).await, Change::Done);
        assert_eq!(given.delivery(id).await.connector, RECEIVER);
        let driven = given.store.redrive_delivery(HERE, id, at(20)).await;
        assert_eq!(driven.expect("acts"), Change::NotAllowed, "{state:?}");
    }
}

pub(super) async fn a_replay_of_an_erased_event_comes_without_its_input(given: Given) {
    let event = given.carried_out().await;
    assert_eq!(given.erase(event.id).await, Change::Done);
    let replay = given.new_run(AGENT);
    let added = given.store.add_runs(HERE, event.id, vec![replay], at(20));
    assert_eq!(added.await.expect("adds"), Change::Done);
    let claimed = given.claim_one(at(20)).await;
    assert_eq!(claimed.event.kept, Kept::Erased);
    assert_eq!(claimed.event.input.len(), 0);
}

pub(super) async fn a_run_that_had_no_output_has_lost_none(given: Given) {
    let run = given.queue().await;
    let claimed = given.claim_one(at(0)).await;
    let settle = SettleRun {
        outcome: crate::RunOutcome::Ended {
            state: RunState::Cancelled,
            output: None,
            error: None,
            usage: None,
            dead_letter: false,
        },
        ..ended(&claimed, RunState::Cancelled)
    };
    given.settle(settle).await;
    let event = given.run(run).await.event;
    assert_eq!(given.erase(event).await, Change::Done);
    assert_eq!(given.run(run).await.kept, Kept::Whole);
}
