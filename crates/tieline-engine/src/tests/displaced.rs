//! Runs whose place a newer one takes: they end, at once, and say into which they went.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tieline_model::quantity::Span;
use tieline_model::{Connector, Debounce, Mode, Policy, Reason, Run, RunId, RunState, Trust};
use tieline_store::{
    Acceptance, CatalogChange, Line, LinePolicy, MemoryStore, NewEvent, NewRun, Store,
};

use super::frozen::Frozen;
use super::outside::{Act, seen, tell};
use super::rig::{PROJECT, Rig, event, name};
use crate::Hub;

const LONG: Act = Act::Take(Duration::from_secs(20));

/// Agent `one` behind `in`, all of whose events have one session.
async fn with_policy(test: &'static str, policy: Policy) -> Rig {
    let rig = Rig::new(test).await;
    let mut connector = rig.connector("in", Mode::Inbound, &["one"]);
    connector.links[0].session = Some("'all'".to_owned());
    connector.links[0].policy = policy;
    put(&rig, connector).await;
    rig
}

/// As [`with_policy`], without a session, but with quiet to be waited for.
async fn with_debounce(test: &'static str) -> Rig {
    let rig = Rig::new(test).await;
    put(&rig, debounced(&rig, "in", Mode::Inbound)).await;
    rig
}

fn debounced(rig: &Rig, connector: &str, mode: Mode) -> Connector {
    let mut connector = rig.connector(connector, mode, &["one"]);
    connector.links[0].debounce = Some(Debounce {
        quiet: Span::from_secs(10),
        max_wait: Span::from_secs(25),
        max_count: 5,
    });
    connector
}

async fn put(rig: &Rig, connector: Connector) {
    let change = CatalogChange {
        put_agents: vec![rig.agent("one")],
        put_connectors: vec![connector],
        ..CatalogChange::default()
    };
    rig.hub.apply(PROJECT, change).await.unwrap();
}

async fn send(rig: &Rig, input: &str) -> RunId {
    rig.send("in", input).await.run_ids[0]
}

/// State, error and what it went into.
fn fate(run: &Run) -> (RunState, Option<&str>, Option<RunId>) {
    let code = run.error.as_ref().map(|error| error.code.as_str());
    (run.state, code, run.into)
}

#[tokio::test(start_paused = true)]
async fn a_coalesced_run_goes_into_the_one_that_came_after_it() {
    let rig = with_policy("coalesce", Policy::Coalesce).await;
    tell(&rig.actor("one"), &[LONG]);
    let frozen = Frozen::now();
    let first = send(&rig, "1").await;
    while rig.run(first).await.state != RunState::Running {
        tokio::task::yield_now().await;
    }
    let (second, third) = (send(&rig, "2").await, send(&rig, "3").await);
    let run = rig.run(second).await;
    let gone = (RunState::Cancelled, Some("coalesced"), Some(third));
    assert_eq!(
        fate(&run),
        gone,
        "it ended with the event that took its place"
    );
    drop(frozen);
    let done = (RunState::Completed, None, None);
    assert_eq!(fate(&rig.ended(first).await), done);
    assert_eq!(fate(&rig.ended(third).await), done);
    let expected = ["attempt 1 of 1", "attempt 1 of 3"];
    assert_eq!(seen(&rig.actor("one")), expected);
    assert_eq!(rig.hub.metrics().runs_displaced.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_replaced_run_is_stopped_while_it_is_at_work() {
    let rig = with_policy("replace", Policy::Replace).await;
    tell(&rig.actor("one"), &[LONG, Act::Say("\"new\"")]);
    let frozen = Frozen::now();
    let first = send(&rig, "1").await;
    while seen(&rig.actor("one")).is_empty() {
        tokio::task::yield_now().await;
    }
    let second = send(&rig, "2").await;
    let run = rig.run(first).await;
    let gone = (RunState::Cancelled, Some("replaced"), Some(second));
    assert_eq!(fate(&run), gone);
    drop(frozen);
    let run = rig.ended(second).await;
    assert_eq!(run.output.unwrap(), "\"new\"");
    assert!(
        run.started_at.unwrap().since(run.queued_at) < Duration::from_secs(1),
        "it had to wait for the one that it replaced"
    );
}

#[tokio::test(start_paused = true)]
async fn a_debounced_link_runs_its_newest_event_once_it_is_quiet() {
    let rig = with_debounce("quiet").await;
    let mut ids = Vec::new();
    for input in ["1", "2", "3"] {
        ids.push(send(&rig, input).await);
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    let [first, second, third] = ids[..] else {
        panic!("{ids:?}")
    };
    let run = rig.run(third).await;
    assert_eq!(
        (run.state, run.reason),
        (RunState::Waiting, Some(Reason::Debounce))
    );
    let run = rig.ended(third).await;
    assert_eq!(run.state, RunState::Completed);
    let waited = run.started_at.unwrap().since(run.queued_at);
    assert!((10..12).contains(&waited.as_secs()), "{waited:?}");
    let gone = |into| (RunState::Cancelled, Some("debounced"), Some(into));
    assert_eq!(fate(&rig.run(first).await), gone(second));
    assert_eq!(fate(&rig.run(second).await), gone(third));
    assert_eq!(seen(&rig.actor("one")), ["attempt 1 of 3"]);
}

#[tokio::test(start_paused = true)]
async fn a_debounced_link_waits_no_longer_and_for_no_more_than_it_may() {
    let rig = with_debounce("at_most").await;
    let mut last = None;
    for _ in 0..5 {
        last = Some(send(&rig, "1").await);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    // The fifth is as many as are waited for.
    let run = rig.ended(last.unwrap()).await;
    assert!(run.started_at.unwrap().since(run.queued_at) < Duration::from_secs(2));

    let begun = rig.hub.steady();
    for _ in 0..4 {
        last = Some(send(&rig, "2").await);
        tokio::time::sleep(Duration::from_secs(8)).await;
    }
    let run = rig.ended(last.unwrap()).await;
    let waited = run.started_at.unwrap().since(begun);
    assert!((25..27).contains(&waited.as_secs()), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_run_is_told_that_it_lost_its_place() {
    let rig = Rig::new("told").await;
    put(&rig, debounced(&rig, "ask", Mode::Sync)).await;
    let catalog = rig.hub.catalog();
    let ask = catalog.connector(PROJECT, &name("ask")).unwrap();
    let asking = rig
        .hub
        .accept_and_wait(ask, rig.arrival(), event("1", None));
    let (_, waiting) = asking.await.unwrap();
    let sent = vec![event("2", None)];
    rig.hub.accept(ask, rig.arrival(), sent).await.unwrap();
    let told = waiting.ended();
    assert_eq!(told[0].as_ref().unwrap().state, RunState::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_hangs_up_leaves_no_run_without_its_place() {
    let store = Arc::new(MemoryStore::default());
    let rig = Rig::on("hung_up_displaced", Arc::clone(&store) as Arc<dyn Store>).await;
    put(&rig, debounced(&rig, "in", Mode::Inbound)).await;
    let first = send(&rig, "1").await;
    store.answer_late(true);
    let catalog = rig.hub.catalog();
    let connector = catalog.connector(PROJECT, &name("in")).unwrap();
    let sent = vec![event("2", None)];
    let mut offered = Box::pin(rig.hub.accept(connector, rig.arrival(), sent));
    assert!(futures_util::poll!(offered.as_mut()).is_pending());
    drop(offered);
    store.answer_late(false);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(rig.run(first).await.state, RunState::Cancelled);
}

/// As an event that takes the place of another, of a hub that goes down before it ends that one.
async fn displace(hub: &Arc<Hub>, id: u8) -> Vec<RunId> {
    let catalog = hub.catalog();
    let line = Line {
        key: "s:all".to_owned(),
        policy: LinePolicy::Coalesce,
        width: 1,
        debounce: None,
    };
    let run = NewRun {
        id: RunId::from_bytes([id; 16]),
        agent: catalog.agent(PROJECT, &name("one")).unwrap().row.id,
        session: Some("all".to_owned()),
        held: None,
        priority: tieline_model::Priority::Normal,
        line: Some(line),
    };
    let new = NewEvent {
        id: tieline_model::EventId::from_bytes([id; 16]),
        project: PROJECT,
        connector: catalog.connector(PROJECT, &name("in")).unwrap().row.id,
        received_at: hub.now(),
        queued_at: hub.steady(),
        trust: Trust::Open,
        input: Bytes::from_static(b"1"),
        meta: Bytes::from_static(b"{}"),
        files: Vec::new(),
        dedupe: None,
        filtered: false,
        runs: vec![run],
    };
    let acceptances = hub.store().accept(vec![new], vec![]).await.unwrap();
    match &acceptances.done[..] {
        [Acceptance::Stored { displaced }] => displaced.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_process_left_without_its_place_is_ended_at_the_next_start() {
    let store = Arc::new(MemoryStore::default());
    let test = "left_displaced";
    let earlier = Rig::on(test, Arc::clone(&store) as Arc<dyn Store>).await;
    let mut connector = earlier.connector("in", Mode::Inbound, &["one"]);
    connector.links[0].session = Some("'all'".to_owned());
    connector.links[0].policy = Policy::Coalesce;
    put(&earlier, connector).await;
    earlier.hub.stop_claiming();
    assert_eq!(displace(&earlier.hub, 1).await, []);
    let first = RunId::from_bytes([1; 16]);
    assert_eq!(displace(&earlier.hub, 2).await, [first]);
    earlier.hub.stop(Duration::from_secs(1)).await;
    store.reopen();
    let rig = Rig::on(test, store).await;
    let run = rig.ended(first).await;
    let into = RunId::from_bytes([2; 16]);
    let gone = (RunState::Cancelled, Some("coalesced"), Some(into));
    assert_eq!(fate(&run), gone);
    assert_eq!(rig.ended(into).await.state, RunState::Completed);
    assert_eq!(seen(&rig.actor("one")).len(), 1);
}
