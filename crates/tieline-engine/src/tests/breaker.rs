//! What is not well is held: nothing is claimed, nothing burns, nothing is lost.

use std::time::Duration;

use tieline_contract::Verdict;
use tieline_model::{DeliveryState, Mode, Reason, RunId, RunState};
use tieline_store::{CatalogChange, DeliveryFilter};
use tokio::time::Instant;

use super::outside::{Act, seen, tell};
use super::rig::{PROJECT, Rig, name};
use crate::limits::{BREAKER_FAILURES, BREAKER_PAUSE_FIRST};
use crate::{BreakerState, BreakerView, Kind};

fn outlet(rig: &Rig) -> BreakerView {
    let catalog = rig.hub.catalog();
    let out = catalog.connector(PROJECT, &name("out")).unwrap();
    out.breaker().expect("it sends")
}

fn agent(rig: &Rig) -> BreakerView {
    let catalog = rig.hub.catalog();
    catalog.agent(PROJECT, &name("one")).unwrap().breaker()
}

fn open(rig: &Rig, kind: &'static str) -> i64 {
    let open = &rig.hub.metrics().breakers_open;
    open.get_or_create(&Kind { kind }).get()
}

/// Sends `count` events, one after the other, and waits until their runs of `one` have ended.
async fn send(rig: &Rig, count: usize) -> Vec<RunId> {
    let mut ids = Vec::new();
    for n in 0..count {
        ids.push(rig.send("in", &n.to_string()).await.run_ids[0]);
    }
    for id in &ids {
        rig.ended(*id).await;
    }
    ids
}

async fn in_state(rig: &Rig, state: DeliveryState) -> usize {
    let deliveries = rig.deliveries().await;
    deliveries.iter().filter(|d| d.state == state).count()
}

/// An outlet that works on one delivery at a time, so that each outcome is known before the next.
async fn one_at_a_time(test: &'static str) -> Rig {
    let rig = Rig::new(test).await;
    rig.usual().await;
    let mut out = rig.connector("out", Mode::Outbound, &["one"]);
    out.concurrency = Some(1);
    let change = CatalogChange {
        put_connectors: vec![out],
        ..CatalogChange::default()
    };
    rig.hub.apply(PROJECT, change).await.unwrap();
    rig
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_is_down_is_held_and_then_gets_everything_once() {
    let rig = one_at_a_time("held").await;
    let down = vec![Act::Fault(Verdict::Later); 7];
    tell(&rig.actor("out"), &down);
    assert_eq!(outlet(&rig).state, BreakerState::Closed);
    send(&rig, 50).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let tried = usize::try_from(BREAKER_FAILURES).unwrap();
    assert_eq!(seen(&rig.actor("out")).len(), tried);
    assert_eq!(outlet(&rig).state, BreakerState::Open);
    assert!(outlet(&rig).next_probe.unwrap() > rig.hub.now());
    assert_eq!((open(&rig, "outlet"), open(&rig, "agent")), (1, 0));
    let deliveries = rig.deliveries().await;
    let untried = deliveries.iter().filter(|d| d.attempt == 0).count();
    assert_eq!(untried, 50 - tried, "what is held burns no attempt");

    // Two probes fail, 5 s and 10 s after; the third comes 20 s later.
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(seen(&rig.actor("out")).len(), tried + 2);
    assert_eq!(outlet(&rig).state, BreakerState::Open);
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(outlet(&rig).state, BreakerState::Closed);
    assert_eq!(open(&rig, "outlet"), 0);
    rig.until(async |rig| in_state(rig, DeliveryState::Delivered).await == 50)
        .await;
    assert_eq!(seen(&rig.actor("out")).len(), 50 + 7);
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_comes_back_is_not_run_over() {
    let rig = Rig::new("run_over").await;
    rig.usual().await;
    let tried = usize::try_from(BREAKER_FAILURES).unwrap();
    tell(&rig.actor("out"), &vec![Act::Fault(Verdict::Later); tried]);
    send(&rig, tried).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(outlet(&rig).state, BreakerState::Open);
    let begun = Instant::now();
    tell(
        &rig.actor("out"),
        &vec![Act::Take(Duration::from_secs(10)); 40],
    );
    send(&rig, 40).await;
    // A probe of 10 s, then one, then two, then four, beside each other.
    for (after, in_all) in [(8, 1), (17, 2), (27, 4), (37, 8)] {
        tokio::time::sleep_until(begun + Duration::from_secs(after)).await;
        assert_eq!(seen(&rig.actor("out")).len(), tried + in_all, "{after} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_holds_the_whole_outlet_at_once() {
    let rig = one_at_a_time("retry_after").await;
    let wait = Duration::from_mins(10);
    tell(&rig.actor("out"), &[Act::Fault(Verdict::After(wait))]);
    send(&rig, 10).await;
    let begun = Instant::now();
    tokio::time::sleep_until(begun + wait - Duration::from_secs(5)).await;
    assert_eq!(seen(&rig.actor("out")).len(), 1);
    rig.until(async |rig| in_state(rig, DeliveryState::Delivered).await == 10)
        .await;
    assert!(begun.elapsed() < wait + Duration::from_mins(5));
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_is_held_delays_no_other() {
    let rig = one_at_a_time("no_other").await;
    let change = CatalogChange {
        put_connectors: vec![rig.connector("beside", Mode::Outbound, &["one"])],
        ..CatalogChange::default()
    };
    rig.hub.apply(PROJECT, change).await.unwrap();
    // The first takes each delivery for minutes, one after the other.
    let slow = vec![Act::Take(Duration::from_mins(5)); 30];
    tell(&rig.actor("out"), &slow);
    let begun = Instant::now();
    send(&rig, 30).await;
    while seen(&rig.actor("beside")).len() < 30 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert!(begun.elapsed() < Duration::from_secs(1));
    }
    assert_eq!(seen(&rig.actor("out")).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_cannot_be_reached_is_held_and_burns_no_attempt() {
    let rig = Rig::new("agent_held").await;
    rig.usual().await;
    let down = vec![Act::Fault(Verdict::NotStarted(None)); 20];
    tell(&rig.actor("one"), &down);
    let mut ids = Vec::new();
    for n in 0..30 {
        ids.push(rig.send("in", &n.to_string()).await.run_ids[0]);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(agent(&rig).state, BreakerState::Open);
    assert_eq!(open(&rig, "agent"), 1);
    let tried = seen(&rig.actor("one")).len();
    assert!(tried <= 8, "{tried} of 30 were tried");
    let waits = rig.run(ids[0]).await;
    assert_eq!(waits.reason, Some(Reason::Outage));
    for id in ids {
        let run = rig.ended(id).await;
        assert_eq!((run.state, run.attempt), (RunState::Completed, 1));
    }
    assert_eq!(agent(&rig).state, BreakerState::Closed);
    assert_eq!(seen(&rig.actor("one")).len(), 20 + 30);
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_takes_hours_is_not_held_until_its_first_answer() {
    let rig = Rig::new("hours").await;
    rig.usual().await;
    let mut patient = rig.agent("one");
    patient.timeout = Duration::from_hours(2);
    let change = CatalogChange {
        put_agents: vec![patient],
        ..CatalogChange::default()
    };
    rig.hub.apply(PROJECT, change).await.unwrap();
    let tried = usize::try_from(BREAKER_FAILURES).unwrap();
    let mut acts = vec![Act::Fault(Verdict::NotStarted(None)); tried];
    acts.extend(vec![Act::Take(Duration::from_hours(1)); 10]);
    tell(&rig.actor("one"), &acts);
    for n in 0..10 {
        rig.send("in", &n.to_string()).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(agent(&rig).state, BreakerState::Open);
    tokio::time::sleep(Duration::from_mins(5)).await;
    assert_eq!(agent(&rig).state, BreakerState::Closed);
    let under_way = seen(&rig.actor("one")).len() - tried;
    assert_eq!(under_way, 4, "as many as it has places");
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_answers_with_errors_is_not_held() {
    let rig = Rig::new("errors").await;
    rig.usual().await;
    tell(&rig.actor("one"), &vec![Act::Fault(Verdict::Later); 20]);
    for n in 0..20 {
        rig.send("in", &n.to_string()).await;
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(agent(&rig).state, BreakerState::Closed);
    assert_eq!(seen(&rig.actor("one")).len(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_redrive_is_tried_at_once_also_where_the_outlet_is_held() {
    let rig = one_at_a_time("probed").await;
    let tried = usize::try_from(BREAKER_FAILURES).unwrap();
    tell(&rig.actor("out"), &vec![Act::Fault(Verdict::Later); tried]);
    send(&rig, tried).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let waiting = rig.deliveries().await.remove(0);
    assert_eq!(waiting.state, DeliveryState::Waiting);
    rig.hub.redrive_delivery(PROJECT, waiting.id).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(seen(&rig.actor("out")).len(), tried + 1);
    assert_eq!(in_state(&rig, DeliveryState::Delivered).await, 1);
}

#[tokio::test(start_paused = true)]
async fn an_outlet_that_is_changed_or_resumed_is_tried_at_once() {
    let rig = one_at_a_time("anew").await;
    let tried = usize::try_from(BREAKER_FAILURES).unwrap();
    tell(&rig.actor("out"), &vec![Act::Fault(Verdict::Later); tried]);
    send(&rig, tried + 1).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(outlet(&rig).state, BreakerState::Open);
    for paused in [true, false] {
        let out = name("out");
        rig.hub
            .pause_connector(PROJECT, &out, paused)
            .await
            .unwrap();
    }
    assert_eq!(outlet(&rig).state, BreakerState::Closed);
    assert_eq!(open(&rig, "outlet"), 0);
    tokio::time::sleep(BREAKER_PAUSE_FIRST / 2).await;
    assert_eq!(seen(&rig.actor("out")).len(), tried + 1);
}

#[tokio::test(start_paused = true)]
async fn all_dead_deliveries_of_an_outlet_are_redriven_by_one_act() {
    let rig = Rig::new("all_dead").await;
    rig.usual().await;
    tell(&rig.actor("out"), &vec![Act::Fault(Verdict::Never); 300]);
    send(&rig, 300).await;
    let failed = DeliveryFilter {
        state: Some(DeliveryState::Failed),
        ..DeliveryFilter::default()
    };
    while seen(&rig.actor("out")).len() < 300 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    let count = rig.hub.redrive_deliveries(PROJECT, failed.clone()).await;
    assert_eq!(count.unwrap(), 300, "more than one page");
    let begun = Instant::now();
    while seen(&rig.actor("out")).len() < 600 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    let count = rig.hub.redrive_deliveries(PROJECT, failed).await;
    assert_eq!(count.unwrap(), 0);
}
