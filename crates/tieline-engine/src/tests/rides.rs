//! What comes for a desk that is idle is claimed in the commit that stores it. Nobody else runs
//! between a commit and what a test looks at next: what is claimed by then was claimed with it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tieline_contract::Verdict;
use tieline_model::quantity::{Rate, Span};
use tieline_model::{DeliveryState, Reason, RunId, RunState};
use tieline_store::{CatalogChange, MemoryStore, Store};
use tieline_vault::CallbackClaim;

use super::outside::{Act, tell};
use super::rig::{PROJECT, Rig, event, name};
use crate::{Accepted, Answer, EngineError};

/// The usual rig, where `one` has one place and begins three runs an hour; its desks have looked.
async fn at_rest(test: &'static str) -> (Rig, Arc<MemoryStore>) {
    let store = Arc::new(MemoryStore::default());
    let rig = Rig::on(test, Arc::<MemoryStore>::clone(&store) as Arc<dyn Store>).await;
    rig.usual().await;
    let mut one = rig.agent("one");
    one.concurrency = 1;
    one.rate = Some(Rate {
        count: 3,
        per: Span(Duration::from_hours(1)),
    });
    let change = CatalogChange {
        put_agents: vec![one],
        ..CatalogChange::default()
    };
    rig.hub.apply(PROJECT, change).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    (rig, store)
}

async fn send_key(rig: &Rig, key: &str) -> Result<Vec<Accepted>, EngineError> {
    let catalog = rig.hub.catalog();
    let connector = catalog.connector(PROJECT, &name("in")).unwrap();
    let events = vec![event("1", Some(key))];
    rig.hub.accept(connector, rig.arrival(), events).await
}

/// The states of the runs of `one` and of `two`.
async fn states(rig: &Rig, ids: &[RunId]) -> (RunState, RunState) {
    (rig.run(ids[0]).await.state, rig.run(ids[1]).await.state)
}

#[tokio::test(start_paused = true)]
async fn a_run_for_an_idle_agent_is_claimed_in_the_commit_that_stores_it() {
    let (rig, _store) = at_rest("ride").await;
    tell(&rig.actor("one"), &[Act::Take(Duration::from_secs(5))]);
    let first = rig.send("in", "1").await.run_ids;
    let (running, queued) = (RunState::Running, RunState::Queued);
    assert_eq!(states(&rig, &first).await, (running, running));
    rig.ended(first[1]).await;
    let second = rig.send("in", "2").await.run_ids;
    let one_is_busy = (queued, running);
    assert_eq!(states(&rig, &second).await, one_is_busy);
    for id in first.into_iter().chain(second) {
        let run = rig.ended(id).await;
        assert_eq!((run.state, run.attempt), (RunState::Completed, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_delivery_to_an_idle_destination_is_claimed_in_the_commit_that_ends_its_run() {
    let (rig, _store) = at_rest("ride_out").await;
    tell(&rig.actor("one"), &[Act::Defer]);
    tell(&rig.actor("out"), &[Act::Take(Duration::from_secs(5))]);
    let id = rig.send("in", "1").await.run_ids[0];
    rig.until(async |rig| rig.run(id).await.reason == Some(Reason::Answer))
        .await;
    let token = rig.hub.tokens().for_callback(CallbackClaim {
        project: PROJECT,
        run: id,
        epoch: 1,
    });
    let answer = Answer::Output(Bytes::from_static(b"1"));
    let settled = rig.hub.settle_by_callback(id, &token, answer, None).await;
    assert_eq!(settled.unwrap().state, RunState::Completed);
    let deliveries = rig.deliveries().await;
    assert_eq!(
        (deliveries[0].state, deliveries[0].attempt),
        (DeliveryState::Running, 1)
    );
    rig.until(async |rig| rig.deliveries().await[0].state == DeliveryState::Delivered)
        .await;
    assert_eq!(rig.deliveries().await[0].attempt, 1);
}

/// What a look has claimed takes its place only when the store has answered.
#[tokio::test(start_paused = true)]
async fn nothing_rides_while_a_desk_looks() {
    let (rig, store) = at_rest("ride_look").await;
    let acts = [
        Act::Fault(Verdict::Later),
        Act::Take(Duration::from_secs(5)),
    ];
    tell(&rig.actor("one"), &acts);
    let first = rig.send("in", "1").await.run_ids[0];
    while rig.run(first).await.state != RunState::Waiting {
        tokio::task::yield_now().await;
    }
    let due_at = rig.run(first).await.due_at.unwrap();
    let almost = due_at.minus(Duration::from_millis(1));
    tokio::time::sleep(almost.since(rig.hub.steady())).await;
    store.answer_late(true);
    tokio::time::sleep(Duration::from_millis(1)).await;
    while rig.run(first).await.state != RunState::Running {
        tokio::task::yield_now().await;
    }
    let second = rig.send("in", "2").await.run_ids[0];
    assert_eq!(rig.run(first).await.state, RunState::Running);
    assert_eq!(rig.run(second).await.state, RunState::Queued);
    rig.ended(second).await;
}

#[tokio::test(start_paused = true)]
async fn a_ride_that_brings_nothing_gives_its_place_and_its_pace_back() {
    let (rig, store) = at_rest("ride_nothing").await;
    let first = send_key(&rig, "k").await.unwrap().remove(0);
    rig.ended(first.run_ids[0]).await;
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(send_key(&rig, "k").await.unwrap().remove(0).duplicate);
        store.close().await;
        assert!(send_key(&rig, "k2").await.is_err());
        store.reopen();
    }
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let run = rig.send("in", "2").await.run_ids[0];
        assert_eq!(rig.run(run).await.state, RunState::Running);
        rig.ended(run).await;
    }
    let fourth = rig.send("in", "3").await.run_ids[0];
    assert_eq!(rig.run(fourth).await.state, RunState::Queued);
}

#[tokio::test(start_paused = true)]
async fn a_hub_that_stops_waits_for_what_rides() {
    let (rig, store) = at_rest("ride_stop").await;
    store.answer_late(true);
    let mut sending = Box::pin(send_key(&rig, "k"));
    assert!(futures_util::poll!(sending.as_mut()).is_pending());
    let stop = rig.hub.stop(Duration::from_secs(30));
    let (sent, ()) = tokio::join!(sending, stop);
    store.reopen();
    for id in sent.unwrap().remove(0).run_ids {
        let run = rig.run(id).await;
        assert_eq!((run.state, run.attempt), (RunState::Completed, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_rides_once_a_hub_stops() {
    let (rig, _store) = at_rest("ride_stopping").await;
    tell(&rig.actor("one"), &[Act::Take(Duration::from_secs(5))]);
    let id = rig.send("in", "1").await.run_ids[0];
    rig.hub.stop_claiming();
    assert_eq!(rig.ended(id).await.state, RunState::Completed);
    tokio::time::sleep(Duration::from_hours(1)).await;
    let deliveries = rig.deliveries().await;
    assert_eq!(
        (deliveries[0].state, deliveries[0].attempt),
        (DeliveryState::Queued, 0)
    );
}
