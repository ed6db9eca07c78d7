//! Runs of one session wait for each other; all others do not.

use std::time::Duration;

use tieline_contract::Verdict;
use tieline_model::{Connector, Mode, Policy, Priority, Run, RunId, RunState};
use tieline_store::{CatalogChange, EventFilter};

use super::frozen::Frozen;
use super::outside::{Act, seen, tell};
use super::rig::{PROJECT, Rig, event, name};
use crate::EngineError;
use crate::limits::POLL;

/// Agent `one` behind `in`, whose events have the session `input.s`.
async fn with_sessions(test: &'static str, change: impl FnOnce(&mut Connector)) -> Rig {
    let rig = Rig::new(test).await;
    rig.usual().await;
    let mut connector = rig.connector("in", Mode::Inbound, &["one"]);
    connector.links[0].session = Some("input.s".to_owned());
    change(&mut connector);
    put(&rig, connector).await;
    rig
}

async fn put(rig: &Rig, connector: Connector) {
    let change = CatalogChange {
        put_connectors: vec![connector],
        ..CatalogChange::default()
    };
    rig.hub.apply(PROJECT, change).await.unwrap();
}

async fn send(rig: &Rig, session: &str) -> RunId {
    let input = format!(r#"{{"s":"{session}"}}"#);
    rig.send("in", &input).await.run_ids[0]
}

async fn all_ended(rig: &Rig, ids: &[RunId]) -> Vec<Run> {
    let mut runs = Vec::new();
    for id in ids {
        runs.push(rig.ended(*id).await);
    }
    runs
}

const LONG: Act = Act::Take(Duration::from_secs(20));

#[tokio::test(start_paused = true)]
async fn runs_of_a_session_go_one_at_a_time_in_order_and_at_once() {
    let rig = with_sessions("one_at_a_time", |_| {}).await;
    tell(&rig.actor("one"), &[LONG; 4]);
    let mut ids = Vec::new();
    let frozen = Frozen::now();
    for _ in 0..4 {
        ids.push(send(&rig, "a").await);
    }
    drop(frozen);
    let runs = all_ended(&rig, &ids).await;
    for pair in runs.windows(2) {
        let (ended, begun) = (pair[0].ended_at.unwrap(), pair[1].started_at.unwrap());
        assert!(begun >= ended, "two at once");
        assert!(begun.since(ended) < POLL, "only the idle look found it");
    }
}

#[tokio::test(start_paused = true)]
async fn sessions_do_not_wait_for_each_other() {
    let rig = with_sessions("each_other", |_| {}).await;
    tell(&rig.actor("one"), &[LONG; 3]);
    let frozen = Frozen::now();
    let mut ids = Vec::new();
    for session in ["a", "b", "c"] {
        ids.push(send(&rig, session).await);
    }
    drop(frozen);
    let runs = all_ended(&rig, &ids).await;
    let begun: Vec<_> = runs.iter().map(|run| run.started_at.unwrap()).collect();
    assert!(begun[2].since(begun[0]) < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn an_agent_may_take_several_of_a_session_at_once() {
    let rig = with_sessions("several", |_| {}).await;
    let mut agent = rig.agent("one");
    agent.session_concurrency = 2;
    let change = CatalogChange {
        put_agents: vec![agent],
        ..CatalogChange::default()
    };
    rig.hub.apply(PROJECT, change).await.unwrap();
    tell(&rig.actor("one"), &[LONG; 3]);
    let frozen = Frozen::now();
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(send(&rig, "a").await);
    }
    drop(frozen);
    let runs = all_ended(&rig, &ids).await;
    let begun: Vec<_> = runs.iter().map(|run| run.started_at.unwrap()).collect();
    assert!(begun[1].since(begun[0]) < Duration::from_secs(1));
    assert!(begun[2] >= runs[0].ended_at.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_run_that_waits_to_be_tried_again_keeps_its_session() {
    let rig = with_sessions("keeps", |_| {}).await;
    tell(
        &rig.actor("one"),
        &[
            Act::Fault(Verdict::Later),
            Act::Fault(Verdict::Crashed),
            Act::Fault(Verdict::NotStarted(None)),
        ],
    );
    let frozen = Frozen::now();
    let ids = [send(&rig, "a").await, send(&rig, "a").await];
    drop(frozen);
    let runs = all_ended(&rig, &ids).await;
    assert_eq!(
        (runs[0].state, runs[0].attempt, runs[0].crashes),
        (RunState::Completed, 3, 1)
    );
    assert!(runs[1].started_at.unwrap() >= runs[0].ended_at.unwrap());
}

#[tokio::test(start_paused = true)]
async fn the_next_of_a_session_begins_at_once_where_one_that_waits_is_cancelled() {
    let rig = with_sessions("cancelled_waiting", |_| {}).await;
    let hour = Verdict::After(Duration::from_hours(1));
    tell(&rig.actor("one"), &[Act::Fault(hour)]);
    let frozen = Frozen::now();
    let (first, second) = (send(&rig, "a").await, send(&rig, "a").await);
    drop(frozen);
    rig.until(async |rig| rig.run(first).await.state == RunState::Waiting)
        .await;
    // Between two idle looks.
    tokio::time::sleep(POLL / 2).await;
    let cancelled = rig.hub.cancel_run(PROJECT, first).await.unwrap();
    let run = rig.ended(second).await;
    let waited = run.started_at.unwrap().since(cancelled.ended_at.unwrap());
    assert!(waited < Duration::from_secs(1), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_one_session_does_not_stand_before_another() {
    for policy in [Policy::Queue, Policy::Parallel] {
        let test = if policy == Policy::Queue {
            "flood_queued"
        } else {
            "flood_parallel"
        };
        let rig = with_sessions(test, |connector| connector.links[0].policy = policy).await;
        let mut agent = rig.agent("one");
        agent.concurrency = 2;
        let change = CatalogChange {
            put_agents: vec![agent],
            ..CatalogChange::default()
        };
        rig.hub.apply(PROJECT, change).await.unwrap();
        tell(
            &rig.actor("one"),
            &[const { Act::Take(Duration::from_secs(1)) }; 30],
        );
        let frozen = Frozen::now();
        for _ in 0..29 {
            send(&rig, "flood").await;
        }
        let other = send(&rig, "other").await;
        drop(frozen);
        rig.ended(other).await;
        let before = seen(&rig.actor("one")).len();
        assert!(before <= 8, "{before} were begun by the time that it ended");
    }
}

#[tokio::test(start_paused = true)]
async fn runs_of_a_session_go_at_once_where_the_link_says_parallel() {
    let parallel = |connector: &mut Connector| connector.links[0].policy = Policy::Parallel;
    let rig = with_sessions("parallel", parallel).await;
    tell(&rig.actor("one"), &[LONG; 3]);
    let frozen = Frozen::now();
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(send(&rig, "a").await);
    }
    drop(frozen);
    let runs = all_ended(&rig, &ids).await;
    assert!(runs[2].started_at.unwrap() < runs[0].ended_at.unwrap());
}

#[tokio::test(start_paused = true)]
async fn an_event_of_a_busy_session_is_refused_whole_and_can_come_again() {
    let reject = |connector: &mut Connector| connector.links[0].policy = Policy::Reject;
    let rig = with_sessions("reject", reject).await;
    tell(&rig.actor("one"), &[LONG]);
    let catalog = rig.hub.catalog();
    let connector = catalog.connector(PROJECT, &name("in")).unwrap();
    let offer = async |key: &str| {
        let sent = vec![event(r#"{"s":"a"}"#, Some(key))];
        rig.hub.accept(connector, rig.arrival(), sent).await
    };
    let frozen = Frozen::now();
    let first = offer("1").await.unwrap().remove(0).run_ids[0];
    let refused = offer("2").await.unwrap_err();
    assert!(matches!(refused, EngineError::SessionBusy), "{refused:?}");
    assert!(
        offer("1").await.unwrap()[0].duplicate,
        "a repeat is no new event"
    );
    drop(frozen);
    let page = tieline_model::page::PageRequest::first(10);
    let events = rig
        .hub
        .store()
        .events(PROJECT, EventFilter::default(), page);
    assert_eq!(events.await.unwrap().rows.len(), 1);
    rig.ended(first).await;
    let again = offer("2").await.unwrap().remove(0);
    assert!(!again.duplicate);
    assert_eq!(rig.ended(again.run_ids[0]).await.state, RunState::Completed);
}

#[tokio::test(start_paused = true)]
async fn runs_of_a_higher_priority_go_first() {
    let rig = Rig::new("priority").await;
    let mut agent = rig.agent("one");
    agent.concurrency = 1;
    let mut change = CatalogChange {
        put_agents: vec![agent],
        ..CatalogChange::default()
    };
    for (connector, priority) in [
        ("low", Priority::Low),
        ("normal", Priority::Normal),
        ("high", Priority::High),
    ] {
        let mut connector = rig.connector(connector, Mode::Inbound, &["one"]);
        connector.links[0].priority = priority;
        change.put_connectors.push(connector);
    }
    rig.hub.apply(PROJECT, change).await.unwrap();
    rig.hub
        .pause_agent(PROJECT, &name("one"), true)
        .await
        .unwrap();
    for (connector, input) in [
        ("low", "1"),
        ("normal", "2"),
        ("high", "3"),
        ("normal", "4"),
    ] {
        rig.send(connector, input).await;
    }
    rig.hub
        .pause_agent(PROJECT, &name("one"), false)
        .await
        .unwrap();
    rig.until(async |rig| seen(&rig.actor("one")).len() == 4)
        .await;
    let order = [
        "attempt 1 of 3",
        "attempt 1 of 2",
        "attempt 1 of 4",
        "attempt 1 of 1",
    ];
    assert_eq!(seen(&rig.actor("one")), order);
}

#[tokio::test(start_paused = true)]
async fn a_replay_goes_to_the_end_of_its_session() {
    let rig = with_sessions("replay_session", |_| {}).await;
    tell(&rig.actor("one"), &[Act::FailItself, LONG]);
    let first = send(&rig, "a").await;
    rig.ended(first).await;
    let frozen = Frozen::now();
    let second = send(&rig, "a").await;
    let replayed = rig.hub.replay_run(PROJECT, first, None).await.unwrap();
    drop(frozen);
    let runs = all_ended(&rig, &[second, replayed]).await;
    assert!(runs[1].started_at.unwrap() >= runs[0].ended_at.unwrap());
    assert_eq!(runs[1].session.as_deref(), Some("a"));
}

#[tokio::test(start_paused = true)]
async fn a_connector_takes_no_more_than_its_rate_and_says_when_to_come_again() {
    let rig = Rig::new("intake").await;
    rig.usual().await;
    let limited = |rate: &str| {
        let mut connector = rig.connector("in", Mode::Inbound, &["one"]);
        connector.rate = Some(rate.parse().unwrap());
        connector
    };
    put(&rig, limited("2/1m")).await;
    let catalog = || rig.hub.catalog();
    let offer = async || {
        let catalog = catalog();
        let connector = catalog.connector(PROJECT, &name("in")).unwrap();
        rig.hub
            .accept(connector, rig.arrival(), vec![event("1", None)])
            .await
    };
    offer().await.unwrap();
    offer().await.unwrap();
    // A change that leaves the rate as it is gives no new room.
    put(&rig, limited("2/1m")).await;
    let EngineError::RateLimited(wait) = offer().await.unwrap_err() else {
        panic!("it was taken, or refused for another reason")
    };
    let half = Duration::from_secs(30);
    assert!(wait <= half && wait > half / 2, "{wait:?}");
    tokio::time::sleep(wait).await;
    offer().await.unwrap();
    assert!(offer().await.is_err());
    put(&rig, limited("3/1m")).await;
    offer().await.unwrap();
}
