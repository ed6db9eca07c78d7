//! The wall clock may be set at any moment. It is shown, and it decides nothing.

use std::sync::Arc;
use std::time::Duration;

use tieline_contract::Verdict;
use tieline_model::{Clock as _, Kept, RunState};
use tieline_store::{MemoryStore, Store};
use tokio::time::Instant;

use super::outside::{Act, seen, tell};
use super::rig::{PROJECT, Rig, TokioClock, event, name};

const YEAR_MS: i64 = 365 * 24 * 3_600_000;

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_changes_no_retry() {
    for (test, ms) in [("set_back", -YEAR_MS), ("set_forward", YEAR_MS)] {
        let rig = Rig::new(test).await;
        rig.usual().await;
        tell(&rig.actor("one"), &[Act::Fault(Verdict::Later)]);
        tell(&rig.actor("out"), &[Act::Fault(Verdict::Later)]);
        let begun = Instant::now();
        let id = rig.send("in", "1").await.run_ids[0];
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert_eq!(rig.run(id).await.state, RunState::Waiting);
        rig.clock.set_forward(ms);
        let first = seen(&rig.actor("one")).len();
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert_eq!(seen(&rig.actor("one")).len(), first, "not before its time");
        let run = rig.ended(id).await;
        assert_eq!((run.state, run.attempt), (RunState::Completed, 2));
        assert!(begun.elapsed() < Duration::from_mins(1));
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert_eq!(seen(&rig.actor("out")).len(), 1);
        tokio::time::sleep(Duration::from_secs(6)).await;
        assert_eq!(seen(&rig.actor("out")).len(), 2, "{test}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_stamped_goes_by_the_wall_clock() {
    let rig = Rig::new("stamped").await;
    rig.usual().await;
    rig.clock.set_forward(YEAR_MS);
    let id = rig.send("in", "1").await.run_ids[0];
    rig.ended(id).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let delivery = rig.deliveries().await.remove(0);
    let ended_at = delivery.ended_at.unwrap();
    assert!(rig.clock.now().since(ended_at) < Duration::from_mins(1));
}

#[tokio::test(start_paused = true)]
async fn a_dedupe_key_stands_for_its_days_whatever_the_clock_says() {
    let rig = Rig::new("dedupe_days").await;
    rig.usual().await;
    let catalog = rig.hub.catalog();
    let connector = catalog.connector(PROJECT, &name("in")).unwrap();
    let send = async || {
        let events = vec![event("1", Some("known"))];
        let accepted = rig.hub.accept(connector, rig.arrival(), events).await;
        accepted.unwrap().remove(0)
    };
    let first = send().await;
    rig.clock.set_forward(YEAR_MS);
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(send().await.event_id, first.event_id);
    rig.clock.set_forward(-2 * YEAR_MS);
    tokio::time::sleep(Duration::from_hours(70)).await;
    assert_eq!(send().await.event_id, first.event_id);
    tokio::time::sleep(Duration::from_hours(3)).await;
    assert_ne!(send().await.event_id, first.event_id, "it was forgotten");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_has_nothing_erased_before_its_time() {
    for (test, ms) in [("erased_back", -YEAR_MS), ("erased_forward", YEAR_MS)] {
        let rig = Rig::new(test).await;
        rig.usual().await;
        let before = rig.send("in", "1").await;
        rig.ended(before.run_ids[0]).await;
        rig.clock.set_forward(ms);
        let after = rig.send("in", "2").await;
        rig.ended(after.run_ids[0]).await;
        tokio::time::sleep(Duration::from_hours(24)).await;
        for accepted in [before, after] {
            let event = rig.hub.store().event(PROJECT, accepted.event_id).await;
            let kept = event.unwrap().map(|event| event.kept);
            assert_eq!(kept, Some(Kept::Whole), "{test}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_after_the_clock_was_set_back_waits_for_nobody() {
    let store = Arc::new(MemoryStore::default());
    let first = Rig::on("set_back_start", Arc::<MemoryStore>::clone(&store)).await;
    first.usual().await;
    let retry = Verdict::After(Duration::from_mins(2));
    tell(&first.actor("one"), &[Act::Fault(retry)]);
    let id = first.send("in", "1").await.run_ids[0];
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(first.run(id).await.state, RunState::Waiting);
    first.hub.stop(Duration::from_secs(1)).await;
    store.reopen();
    let clock = Arc::new(TokioClock::new());
    clock.set_forward(-YEAR_MS);
    let store: Arc<dyn Store> = store;
    let next = Rig::at("set_back_start", store, clock).await;
    let begun = Instant::now();
    assert_eq!(next.ended(id).await.state, RunState::Completed);
    assert!(begun.elapsed() < Duration::from_mins(3));
}
