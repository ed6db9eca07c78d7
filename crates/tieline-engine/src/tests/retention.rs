//! What has ended is kept as long as the surroundings say, and no longer.

use std::time::Duration;

use tieline_model::{DeliveryState, Kept, RunState};

use super::outside::{Act, seen, tell};
use super::rig::{PROJECT, Rig, name};
use crate::{EngineError, Retention, Surroundings};

const HOUR: Duration = Duration::from_hours(1);

/// The usual rig, with hours for what is days where nobody says otherwise.
async fn short(test: &'static str) -> Rig {
    let rig = Rig::new(test).await;
    rig.usual().await;
    let surroundings = rig.hub.surroundings.load().as_ref().clone();
    let retention = Retention {
        bodies: 7 * HOUR,
        rows: 30 * HOUR,
    };
    let surroundings = Surroundings {
        retention,
        ..surroundings
    };
    rig.hub.surround(surroundings).await.unwrap();
    rig
}

#[test]
fn bodies_are_kept_for_a_week_and_the_rest_for_a_month_where_nobody_says_otherwise() {
    let kept = Retention::default();
    assert_eq!((kept.bodies, kept.rows), (7 * 24 * HOUR, 30 * 24 * HOUR));
}

#[tokio::test(start_paused = true)]
async fn bodies_go_first_and_everything_later() {
    let rig = short("kept").await;
    let accepted = rig.send("in", "1").await;
    let id = accepted.run_ids[0];
    rig.ended(id).await;
    let event = async || {
        let event = rig.hub.store().event(PROJECT, accepted.event_id).await;
        event.unwrap()
    };
    tokio::time::sleep(HOUR * 6).await;
    assert_eq!(event().await.unwrap().kept, Kept::Whole);
    tokio::time::sleep(HOUR * 2).await;
    let erased = event().await.unwrap();
    assert_eq!((erased.kept, erased.input.len()), (Kept::Erased, 0));
    assert_eq!(rig.run(id).await.kept, Kept::Erased);
    tokio::time::sleep(HOUR * 21).await;
    assert!(event().await.is_some());
    tokio::time::sleep(HOUR * 2).await;
    assert!(event().await.is_none());
    let metrics = rig.hub.metrics();
    let erased = (metrics.bodies_erased.get(), metrics.events_erased.get());
    assert_eq!(erased, (1, 1));
}

#[tokio::test(start_paused = true)]
async fn what_has_not_ended_is_kept() {
    let rig = short("open_kept").await;
    rig.hub
        .pause_agent(PROJECT, &name("one"), true)
        .await
        .unwrap();
    let id = rig.send("in", "1").await.run_ids[0];
    tokio::time::sleep(HOUR * 60).await;
    rig.hub
        .pause_agent(PROJECT, &name("one"), false)
        .await
        .unwrap();
    assert_eq!(rig.ended(id).await.state, RunState::Completed);
    assert_eq!(seen(&rig.actor("one")), ["attempt 1 of 1"]);
}

#[tokio::test(start_paused = true)]
async fn an_event_can_be_erased_once_it_has_ended() {
    let rig = Rig::new("erased").await;
    rig.usual().await;
    tell(&rig.actor("one"), &[Act::Take(Duration::from_secs(30))]);
    let accepted = rig.send("in", "1").await;
    let event = accepted.event_id;
    let early = rig.hub.erase_event(PROJECT, event).await.unwrap_err();
    assert!(matches!(early, EngineError::NotAllowed(_)), "{early:?}");
    rig.ended(accepted.run_ids[0]).await;
    rig.until(async |rig| rig.deliveries().await[0].state == DeliveryState::Delivered)
        .await;
    rig.hub.erase_event(PROJECT, event).await.unwrap();
    let stored = rig.hub.store().event(PROJECT, event).await.unwrap();
    assert_eq!(stored.unwrap().kept, Kept::Erased);
    let run = rig.run(accepted.run_ids[0]).await;
    assert_eq!((run.kept, run.output), (Kept::Erased, None));
    let delivery = rig.deliveries().await.remove(0);
    assert_eq!((delivery.kept, delivery.body.len()), (Kept::Erased, 0));
    let redriven = rig.hub.redrive_delivery(PROJECT, delivery.id).await;
    assert!(matches!(redriven, Err(EngineError::NotAllowed(_))));
}
