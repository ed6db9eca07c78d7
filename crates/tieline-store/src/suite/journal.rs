//! What can be read afterwards, and the walls between projects.

use tieline_model::page::{Page, PageRequest};
use tieline_model::{AgentId, ConnectorId, Delivery, DeliveryState, Reason, RunState};

use super::given::{
    AGENT, ELSEWHERE, Given, HERE, RECEIVER, SENDER, at, delivered, ended, goes_on, page,
};
use crate::{
    Between, Change, DeliveryFilter, DeliveryOutcome, EventFilter, NewEvent, RunFilter, RunOutcome,
    Settled, StoreError,
};

/// Reads a list page by page and returns the ids in order.
async fn walk<T>(
    limit: u32,
    read: impl AsyncFn(PageRequest) -> Page<T>,
    id: impl Fn(&T) -> [u8; 16],
) -> Vec<[u8; 16]> {
    let mut ids = Vec::new();
    let mut request = page(limit);
    loop {
        let page = read(request.clone()).await;
        assert!(page.rows.len() <= limit as usize);
        ids.extend(page.rows.iter().map(&id));
        let Some(next) = page.next else {
            return ids;
        };
        assert_eq!(page.rows.last().map(&id), Some(next));
        request.before = Some(next);
    }
}

pub(super) async fn pages_walk_the_whole_list_once(given: Given) {
    let (mut events, mut runs, mut deliveries) = (vec![], vec![], vec![]);
    for _ in 0..6 {
        let delivery = given.queue_delivery().await;
        let delivery = given.delivery(delivery).await;
        deliveries.insert(0, *delivery.id.as_bytes());
        runs.insert(0, *delivery.run.as_bytes());
        events.insert(0, *delivery.event.as_bytes());
    }
    let store = &given.store;
    for limit in [1, 2, 3, 4, 6, 7, 250] {
        let read = async |page| {
            let listed = store.events(HERE, EventFilter::default(), page).await;
            listed.expect("reads")
        };
        assert_eq!(
            walk(limit, read, |event| *event.id.as_bytes()).await,
            events
        );
        let read = async |page| {
            let listed = store.runs(HERE, RunFilter::default(), page).await;
            listed.expect("reads")
        };
        assert_eq!(walk(limit, read, |run| *run.id.as_bytes()).await, runs);
        let read = async |page| {
            let listed = store
                .deliveries(HERE, DeliveryFilter::default(), page)
                .await;
            listed.expect("reads")
        };
        let walked = walk(limit, read, |delivery| *delivery.id.as_bytes()).await;
        assert_eq!(walked, deliveries);
    }
}

pub(super) async fn events_are_narrowed_by_their_connector(given: Given) {
    given.queue().await;
    let other = NewEvent {
        connector: ConnectorId(8),
        ..given.new_event(vec![])
    };
    given.accept(vec![other]).await;
    for (connector, expected) in [(SENDER, 1), (ConnectorId(8), 1), (ConnectorId(9), 0)] {
        let filter = EventFilter {
            connector: Some(connector),
            ..EventFilter::default()
        };
        let listed = given.store.events(HERE, filter, page(50)).await;
        assert_eq!(listed.expect("reads").rows.len(), expected);
    }
}

pub(super) async fn runs_are_narrowed_by_every_filter(given: Given) {
    given.queue().await;
    let failed = given.claim_one(at(1)).await;
    given.settle(ended(&failed, RunState::Failed)).await;
    let other = given.new_event(vec![given.new_run(AgentId(5)), given.new_run(AGENT)]);
    let event = other.id;
    given.accept(vec![other]).await;
    let replay = given.new_run(AgentId(5));
    let added = given.store.add_runs(HERE, event, vec![replay], at(1)).await;
    added.expect("adds");

    let (of_agent, of_event) = (Some(AGENT), Some(event));
    let (is_failed, is_queued) = (Some(RunState::Failed), Some(RunState::Queued));
    for (agent, state, event, expected) in [
        (None, None, None, 4),
        (of_agent, None, None, 2),
        (None, is_queued, None, 3),
        (None, is_failed, None, 1),
        (of_agent, is_failed, None, 1),
        (Some(AgentId(5)), is_failed, None, 0),
        (None, None, of_event, 3),
        (of_agent, None, of_event, 1),
        (None, is_failed, of_event, 0),
        (of_agent, is_queued, of_event, 1),
    ] {
        let filter = RunFilter {
            agent,
            state,
            event,
            ..RunFilter::default()
        };
        let listed = given.store.runs(HERE, filter.clone(), page(50)).await;
        assert_eq!(listed.expect("reads").rows.len(), expected, "{filter:?}");
    }
}

pub(super) async fn deliveries_are_narrowed_by_every_filter(given: Given) {
    let id = given.queue_delivery().await;
    let of_run = given.delivery(id).await.run;
    let other = given.queue_delivery().await;
    given.queue_delivery().await;
    let claims = given.claim_deliveries(at(10)).await;
    for claimed in claims.rows.iter().filter(|row| row.delivery.id != other) {
        let state = DeliveryState::Failed;
        let outcome = DeliveryOutcome::Ended { state, error: None };
        given.settle_delivery(delivered(claimed, outcome)).await;
    }
    let is_failed = Some(DeliveryState::Failed);
    for (connector, state, run, expected) in [
        (None, None, None, 3),
        (Some(RECEIVER), None, None, 3),
        (Some(SENDER), None, None, 0),
        (None, is_failed, None, 2),
        (None, Some(DeliveryState::Running), None, 1),
        (None, None, Some(of_run), 1),
        (Some(RECEIVER), is_failed, Some(of_run), 1),
        (Some(SENDER), is_failed, Some(of_run), 0),
        (None, None, Some(given.run_id()), 0),
    ] {
        let filter = DeliveryFilter {
            connector,
            state,
            run,
            ..DeliveryFilter::default()
        };
        let listed = given.store.deliveries(HERE, filter.clone(), page(50)).await;
        assert_eq!(listed.expect("reads").rows.len(), expected, "{filter:?}");
    }
}

/// An event, a run and a delivery each at 0, 10 and 20 ms.
pub(super) async fn lists_are_narrowed_to_a_range_of_time(given: Given) {
    for ms in [0, 10, 20] {
        let event = NewEvent {
            received_at: at(ms),
            queued_at: at(ms),
            ..given.new_event(vec![given.new_run(AGENT)])
        };
        given.accept(vec![event]).await;
        let mut settle = ended(&given.claim_one(at(ms)).await, RunState::Completed);
        settle.now = at(ms);
        settle.deliveries = vec![given.new_delivery()];
        assert_eq!(given.settle(settle).await, Settled::Done);
    }
    let store = &given.store;
    for (since, until, expected) in [
        (None, None, 3),
        (Some(0), None, 3),
        (Some(1), None, 2),
        (Some(10), None, 2),
        (Some(21), None, 0),
        (None, Some(0), 0),
        (None, Some(10), 1),
        (None, Some(21), 3),
        (Some(10), Some(20), 1),
        (Some(11), Some(20), 0),
    ] {
        let range = Between {
            since: since.map(at),
            until: until.map(at),
        };
        let filter = EventFilter {
            received: range,
            connector: Some(SENDER),
        };
        let events = store.events(HERE, filter, page(50)).await;
        let filter = RunFilter {
            queued: range,
            ..RunFilter::default()
        };
        let runs = store.runs(HERE, filter, page(50)).await;
        let filter = DeliveryFilter {
            created: range,
            ..DeliveryFilter::default()
        };
        let deliveries = store.deliveries(HERE, filter, page(50)).await;
        let listed = [
            events.expect("reads").rows.len(),
            runs.expect("reads").rows.len(),
            deliveries.expect("reads").rows.len(),
        ];
        assert_eq!(listed, [expected; 3], "{range:?}");
    }
}

pub(super) async fn runs_are_narrowed_by_connector_and_dead_letter(given: Given) {
    given.queue().await;
    let mut settle = ended(&given.claim_one(at(0)).await, RunState::Failed);
    if let RunOutcome::Ended { dead_letter, .. } = &mut settle.outcome {
        *dead_letter = true;
    }
    assert_eq!(given.settle(settle).await, Settled::Done);
    given.queue().await;
    let other = NewEvent {
        connector: ConnectorId(8),
        ..given.new_event(vec![given.new_run(AGENT), given.new_run(AGENT)])
    };
    let event = other.id;
    given.accept(vec![other]).await;
    let replay = given.new_run(AGENT);
    let added = given.store.add_runs(HERE, event, vec![replay], at(1)).await;
    assert_eq!(added.expect("adds"), Change::Done);
    for (connector, dead_letter, expected) in [
        (None, None, 5),
        (Some(SENDER), None, 2),
        (Some(ConnectorId(8)), None, 3),
        (Some(ConnectorId(9)), None, 0),
        (None, Some(true), 1),
        (None, Some(false), 4),
        (Some(SENDER), Some(true), 1),
        (Some(ConnectorId(8)), Some(true), 0),
    ] {
        let filter = RunFilter {
            connector,
            dead_letter,
            ..RunFilter::default()
        };
        let listed = given.store.runs(HERE, filter.clone(), page(50)).await;
        assert_eq!(listed.expect("reads").rows.len(), expected, "{filter:?}");
    }
}

pub(super) async fn runs_come_in_the_order_asked_for(given: Given) {
    let (first, second, third) = (
        given.queue().await,
        given.queue().await,
        given.queue().await,
    );
    let asked = vec![third, given.run_id(), first, second];
    let runs = given.store.runs_by_id(HERE, asked).await.expect("reads");
    let ids: Vec<_> = runs.iter().map(|run| run.id).collect();
    assert_eq!(ids, [third, first, second]);
}

pub(super) async fn another_project_sees_nothing(given: Given) {
    let delivery = given.queue_delivery().await;
    let Delivery { run, event, .. } = given.delivery(delivery).await;
    let store = &given.store;
    assert!(
        store
            .event(ELSEWHERE, event)
            .await
            .expect("reads")
            .is_none()
    );
    assert!(store.run(ELSEWHERE, run).await.expect("reads").is_none());
    let runs = store.runs_by_id(ELSEWHERE, vec![run]).await;
    assert!(runs.expect("reads").is_empty());
    assert!(
        store
            .delivery(ELSEWHERE, delivery)
            .await
            .expect("reads")
            .is_none()
    );
    let events = store
        .events(ELSEWHERE, EventFilter::default(), page(9))
        .await;
    assert!(events.expect("reads").rows.is_empty());
    let of_event = RunFilter {
        event: Some(event),
        ..RunFilter::default()
    };
    for filter in [RunFilter::default(), of_event] {
        let runs = store.runs(ELSEWHERE, filter, page(9)).await;
        assert!(runs.expect("reads").rows.is_empty());
    }
    let of_run = DeliveryFilter {
        run: Some(run),
        ..DeliveryFilter::default()
    };
    for filter in [DeliveryFilter::default(), of_run] {
        let deliveries = store.deliveries(ELSEWHERE, filter, page(9)).await;
        assert!(deliveries.expect("reads").rows.is_empty());
    }
}

pub(super) async fn another_project_moves_nothing(given: Given) {
    let delivery = given.queue_delivery().await;
    let claimed_delivery = given.claim_delivery(at(10)).await;
    let run = given.queue().await;
    let claimed = given.claim_one(at(0)).await;
    let store = &given.store;
    let settled = store
        .settle_run(ELSEWHERE, ended(&claimed, RunState::Completed), vec![])
        .await;
    assert_eq!(settled.expect("settles").done, Settled::Fenced);
    let released = store
        .release_run(ELSEWHERE, run, claimed.epoch, at(1))
        .await;
    assert_eq!(released.expect("releases"), Settled::Fenced);
    let epoch = claimed_delivery.epoch;
    let released = store
        .release_delivery(ELSEWHERE, delivery, epoch, at(1))
        .await;
    assert_eq!(released.expect("releases"), Settled::Fenced);
    let extended = store.extend_run(ELSEWHERE, run, claimed.epoch, at(1)).await;
    assert_eq!(extended.expect("extends"), Settled::Fenced);
    let outcome = DeliveryOutcome::Ended {
        state: DeliveryState::Failed,
        error: None,
    };
    let settled = store
        .settle_delivery(ELSEWHERE, delivered(&claimed_delivery, outcome))
        .await;
    assert_eq!(settled.expect("settles"), Settled::Fenced);
    let changes = [
        store.release_held(ELSEWHERE, run, at(1)).await,
        store.redrive_delivery(ELSEWHERE, delivery, at(1)).await,
        store
            .add_runs(ELSEWHERE, claimed.event.id, vec![], at(1))
            .await,
    ];
    for change in changes {
        assert_eq!(change.expect("acts"), Change::NotFound);
    }
}

pub(super) async fn open_work_counts_what_has_not_ended(given: Given) {
    let open = async || given.store.open_work().await.expect("counts");
    assert_eq!(open().await, (vec![], vec![]));
    let mut held = given.new_run(AgentId(4));
    held.held = Some(tieline_model::RunError::new("condition-failed", "no"));
    given
        .accept(vec![given.new_event(vec![held, given.new_run(AgentId(3))])])
        .await;
    given.queue_delivery().await;
    given.queue().await;
    given.queue().await;
    let claims = given.claim(2, at(0)).await;
    let first = claims.rows.first().expect("two were claimed");
    given.settle(goes_on(first, Reason::Retry, at(500))).await;
    let runs = vec![(AGENT, 2), (AgentId(3), 1), (AgentId(4), 1)];
    assert_eq!(open().await, (runs, vec![(RECEIVER, 1)]));
    given.claim_delivery(at(10)).await;
    assert_eq!(open().await.1, [(RECEIVER, 1)], "what is in hand is open");
}

pub(super) async fn a_probe_passes_until_the_store_is_closed(given: Given) {
    given.store.probe().await.expect("commits");
    let id = given.queue().await;
    given.store.close().await;
    given.store.close().await;
    let closed = [
        given.store.probe().await.err(),
        given.store.run(HERE, id).await.err(),
        given.store.accept(vec![], vec![]).await.err(),
    ];
    for error in closed {
        assert!(matches!(error, Some(StoreError::Unavailable { .. })));
    }
}
