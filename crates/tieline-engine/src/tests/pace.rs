//! Attempts begin no faster than their agent or their destination takes them.

use std::time::Duration;

use tieline_model::Mode;
use tieline_model::quantity::Rate;
use tieline_store::{CatalogChange, RunFilter};
use tokio::time::Instant;

use super::outside::{Act, seen, tell};
use super::rig::{PROJECT, Rig, name};

const RATE: Rate = Rate {
    count: 10,
    per: tieline_model::quantity::Span::from_secs(1),
};

/// How many attempts an actor saw after so many milliseconds of waiting.
async fn seen_after(rig: &Rig, actor: &str, begun: Instant, ms: u64) -> usize {
    tokio::time::sleep_until(begun + Duration::from_millis(ms)).await;
    seen(&rig.actor(actor)).len()
}

#[tokio::test(start_paused = true)]
async fn an_agent_begins_no_more_attempts_than_its_rate_says() {
    let rig = Rig::new("agent_rate").await;
    rig.usual().await;
    let mut agent = rig.agent("one");
    agent.rate = Some(RATE);
    agent.concurrency = 100;
    let change = CatalogChange {
        put_agents: vec![agent],
        ..CatalogChange::default()
    };
    rig.hub.apply(PROJECT, change).await.unwrap();
    let begun = Instant::now();
    let mut last = None;
    for n in 0..40 {
        last = Some(rig.send("in", &n.to_string()).await.run_ids[0]);
    }
    assert_eq!(seen_after(&rig, "one", begun, 50).await, 10);
    assert_eq!(seen_after(&rig, "one", begun, 1050).await, 20);
    assert_eq!(seen_after(&rig, "one", begun, 2050).await, 30);
    assert!(seen(&rig.actor("two")).len() == 40, "the other has no rate");
    rig.ended(last.unwrap()).await;
    assert!(begun.elapsed() < Duration::from_secs(4));
}

#[tokio::test(start_paused = true)]
async fn a_destination_is_sent_no_more_than_its_rate_says_and_no_more_at_once() {
    let rig = Rig::new("outlet_rate").await;
    rig.usual().await;
    let mut out = rig.connector("out", Mode::Outbound, &["one"]);
    out.rate = Some(RATE);
    out.concurrency = Some(3);
    let change = CatalogChange {
        put_connectors: vec![out],
        ..CatalogChange::default()
    };
    rig.hub.apply(PROJECT, change).await.unwrap();
    tell(
        &rig.actor("out"),
        &vec![Act::Take(Duration::from_millis(100)); 40],
    );
    let begun = Instant::now();
    for n in 0..40 {
        rig.send("in", &n.to_string()).await;
    }
    assert_eq!(seen_after(&rig, "out", begun, 50).await, 3);
    assert_eq!(seen_after(&rig, "out", begun, 150).await, 6);
    assert_eq!(seen_after(&rig, "out", begun, 1050).await, 20);
    assert_eq!(seen_after(&rig, "out", begun, 2050).await, 30);
}

#[tokio::test(start_paused = true)]
async fn a_change_that_leaves_the_rate_fills_no_bucket() {
    let rig = Rig::new("bucket").await;
    rig.usual().await;
    let slow = |paused| {
        let mut agent = rig.agent("one");
        agent.rate = Some("2/1h".parse().unwrap());
        agent.paused = paused;
        CatalogChange {
            put_agents: vec![agent],
            ..CatalogChange::default()
        }
    };
    rig.hub.apply(PROJECT, slow(false)).await.unwrap();
    for n in 0..5 {
        rig.send("in", &n.to_string()).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    for paused in [true, false] {
        rig.hub.apply(PROJECT, slow(paused)).await.unwrap();
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert_eq!(seen(&rig.actor("one")).len(), 2);
    }
    let mut fast = slow(false);
    fast.put_agents[0].rate = None;
    rig.hub.apply(PROJECT, fast).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(seen(&rig.actor("one")).len(), 5);
}

#[tokio::test(start_paused = true)]
async fn many_runs_are_replayed_by_one_act_and_the_originals_stay() {
    let rig = Rig::new("many").await;
    rig.usual().await;
    let mut originals = Vec::new();
    for n in 0..300 {
        originals.push(rig.send("in", &n.to_string()).await.run_ids[0]);
    }
    for id in &originals {
        rig.ended(*id).await;
    }
    let before = rig.run(originals[0]).await;
    let catalog = rig.hub.catalog();
    let [one, two] = ["one", "two"].map(|agent| {
        let agent = catalog.agent(PROJECT, &name(agent)).unwrap();
        agent.row.id
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    let of_one = RunFilter {
        agent: Some(one),
        ..RunFilter::default()
    };
    let replayed = rig.hub.replay_runs(PROJECT, of_one.clone(), None).await;
    assert_eq!(replayed.unwrap(), 300);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(seen(&rig.actor("one")).len(), 600);
    let to_two = rig.hub.replay_runs(PROJECT, of_one, Some(two)).await;
    assert_eq!(to_two.unwrap(), 600, "the replays, too");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(seen(&rig.actor("two")).len(), 300 + 600);
    let after = rig.run(originals[0]).await;
    assert_eq!(format!("{before:?}"), format!("{after:?}"));
}
