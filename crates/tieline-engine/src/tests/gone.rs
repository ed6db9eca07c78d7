//! Callers that go away between a commit and its answer: what follows the commit is done all the
//! same.

use std::sync::Arc;
use std::time::Duration;

use tieline_contract::Verdict;
use tieline_model::{Mode, RunState};
use tieline_store::{CatalogChange, MemoryStore, Store};
use tokio::time::Instant;

use super::outside::{Act, seen, tell};
use super::rig::{PROJECT, Rig, event, name};
use crate::EngineError;
use crate::limits::POLL;

/// The usual rig, on a store that answers some time after it has committed.
async fn late(test: &'static str) -> (Rig, Arc<MemoryStore>) {
    let store = Arc::new(MemoryStore::default());
    let rig = Rig::on(test, Arc::<MemoryStore>::clone(&store) as Arc<dyn Store>).await;
    rig.usual().await;
    store.answer_late(true);
    (rig, store)
}

/// Begins something, and hangs up before it is answered.
async fn hang_up<T>(work: impl Future<Output = T>) {
    let mut work = Box::pin(work);
    assert!(futures_util::poll!(work.as_mut()).is_pending());
}

#[tokio::test(start_paused = true)]
async fn an_event_whose_sender_hung_up_runs_at_once_and_is_counted() {
    let (rig, _store) = late("hung_up").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let begun = Instant::now();
    let catalog = rig.hub.catalog();
    let connector = catalog.connector(PROJECT, &name("in")).unwrap();
    hang_up(
        rig.hub
            .accept(connector, rig.arrival(), vec![event("1", None)]),
    )
    .await;
    while seen(&rig.actor("one")).is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert!(begun.elapsed() < POLL, "only the idle look found it");
    }
    assert_eq!(rig.hub.metrics().events_accepted.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_cancel_whose_caller_hung_up_ends_the_attempt_and_is_told() {
    let (rig, _store) = late("cancel_hung_up").await;
    tell(&rig.actor("one"), &[Act::Take(Duration::from_secs(50))]);
    let id = rig.send("in", "1").await.run_ids[0];
    while seen(&rig.actor("one")).is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let begun = Instant::now();
    let waiting = rig.hub.wait_for_runs(PROJECT, vec![id]).await.unwrap();
    hang_up(rig.hub.cancel_run(PROJECT, id)).await;
    let told = waiting
        .until(rig.hub.wait_until(Duration::from_mins(5)))
        .await;
    assert_eq!(told[0].as_ref().unwrap().state, RunState::Cancelled);
    assert!(begun.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn what_a_person_lets_go_on_and_hangs_up_goes_on_at_once() {
    let (rig, store) = late("acts_hung_up").await;
    let mut connector = rig.connector("in", Mode::Inbound, &["one"]);
    connector.links[0].when = Some("input.total > 100".to_owned());
    let change = CatalogChange {
        put_connectors: vec![connector],
        ..CatalogChange::default()
    };
    rig.hub.apply(PROJECT, change).await.unwrap();
    store.answer_late(false);
    let held = rig.send("in", "{}").await.run_ids[0];
    tell(&rig.actor("out"), &[Act::Fault(Verdict::Never)]);
    tokio::time::sleep(Duration::from_secs(1)).await;
    store.answer_late(true);
    let begun = Instant::now();
    hang_up(rig.hub.release_run(PROJECT, held)).await;
    while seen(&rig.actor("out")).is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert!(begun.elapsed() < POLL, "only the idle look found it");
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let begun = Instant::now();
    let dead = rig.deliveries().await.remove(0);
    hang_up(rig.hub.redrive_delivery(PROJECT, dead.id)).await;
    while seen(&rig.actor("out")).len() < 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert!(begun.elapsed() < POLL, "only the idle look found it");
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_whose_caller_hung_up_is_put_in_place() {
    let (rig, _store) = late("change_hung_up").await;
    hang_up(rig.hub.pause_agent(PROJECT, &name("one"), true)).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let catalog = rig.hub.catalog();
    assert!(catalog.agent(PROJECT, &name("one")).unwrap().row.paused);
}

/// The claim is committed, and its attempt has not begun when the cancel comes.
#[tokio::test(start_paused = true)]
async fn a_run_that_is_cancelled_while_it_is_claimed_never_starts() {
    let (rig, store) = late("cancel_claimed").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let id = rig.send("in", "1").await.run_ids[0];
    while rig.run(id).await.state != RunState::Running {
        tokio::task::yield_now().await;
    }
    store.answer_late(false);
    rig.hub.cancel_run(PROJECT, id).await.unwrap();
    assert!(seen(&rig.actor("one")).is_empty(), "it has not begun yet");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(seen(&rig.actor("one")).is_empty());
    assert_eq!(rig.hub.live().len(), 0, "nothing is left behind");
}

#[tokio::test(start_paused = true)]
async fn one_event_of_a_batch_that_conflicts_does_not_hold_up_the_others() {
    let rig = Rig::new("conflict_in_batch").await;
    rig.usual().await;
    let catalog = rig.hub.catalog();
    let connector = catalog.connector(PROJECT, &name("in")).unwrap();
    let send = |events| rig.hub.accept(connector, rig.arrival(), events);
    send(vec![event("1", Some("known"))]).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let begun = Instant::now();
    let batch = vec![event("2", None), event("3", Some("known"))];
    let refused = send(batch).await.unwrap_err();
    assert!(matches!(refused, EngineError::IdempotencyConflict));
    while seen(&rig.actor("one")).len() < 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert!(begun.elapsed() < POLL, "only the idle look found it");
    }
    assert_eq!(rig.hub.metrics().events_accepted.get(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_outlet_that_becomes_something_else_finishes_its_deliveries() {
    let rig = Rig::new("becomes").await;
    rig.usual().await;
    rig.hub
        .pause_connector(PROJECT, &name("out"), true)
        .await
        .unwrap();
    let id = rig.send("in", "1").await.run_ids[0];
    rig.ended(id).await;
    let change = CatalogChange {
        put_connectors: vec![rig.connector("out", Mode::Inbound, &["one"])],
        ..CatalogChange::default()
    };
    rig.hub.apply(PROJECT, change).await.unwrap();
    rig.until(async |rig| rig.deliveries().await[0].state.is_final())
        .await;
    assert_eq!(seen(&rig.actor("out")).len(), 1);
    let catalog = rig.hub.catalog();
    let now = catalog.connector(PROJECT, &name("out")).unwrap();
    assert_eq!(now.row.mode, Mode::Inbound);
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_connector_cannot_be_opened_any_more_still_runs() {
    let rig = Rig::new("unopened").await;
    rig.usual().await;
    rig.hub
        .pause_agent(PROJECT, &name("one"), true)
        .await
        .unwrap();
    let id = rig.send("in", "1").await.run_ids[0];
    let mut broken = rig.connector("in", Mode::Inbound, &["one"]);
    broken.kind = "of-another-binary".to_owned();
    let change = CatalogChange {
        put_connectors: vec![broken],
        ..CatalogChange::default()
    };
    rig.hub
        .store()
        .change_catalog(PROJECT, change)
        .await
        .unwrap();
    let surroundings = rig.hub.surroundings.load().as_ref().clone();
    rig.hub.surround(surroundings).await.unwrap();
    rig.hub
        .pause_agent(PROJECT, &name("one"), false)
        .await
        .unwrap();
    let run = rig.ended(id).await;
    assert_eq!((run.state, run.error), (RunState::Completed, None));
}

#[tokio::test(start_paused = true)]
async fn a_pause_keeps_what_a_reload_changed_meanwhile() {
    let (rig, _store) = late("pause_reload").await;
    let mut changed = rig.agent("one");
    changed.concurrency = 7;
    let change = CatalogChange {
        put_agents: vec![changed],
        ..CatalogChange::default()
    };
    let one = name("one");
    let (reloaded, paused) = tokio::join!(
        rig.hub.apply(PROJECT, change),
        rig.hub.pause_agent(PROJECT, &one, true)
    );
    reloaded.unwrap();
    paused.unwrap();
    let catalog = rig.hub.catalog();
    let row = &catalog.agent(PROJECT, &one).unwrap().row;
    assert_eq!((row.concurrency, row.paused), (7, true));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_cannot_be_written_for_a_panic_is_a_failed_delivery() {
    let rig = Rig::new("panicky").await;
    rig.usual().await;
    let mut out = rig.connector("out", Mode::Outbound, &["one"]);
    out.settings
        .insert("actor".to_owned(), "panicky/panics".into());
    let change = CatalogChange {
        put_connectors: vec![out],
        ..CatalogChange::default()
    };
    rig.hub.apply(PROJECT, change).await.unwrap();
    let id = rig.send("in", "1").await.run_ids[0];
    assert_eq!(rig.ended(id).await.state, RunState::Completed);
    let delivery = rig.deliveries().await.remove(0);
    assert_eq!(delivery.error.unwrap().code, "internal");
}
