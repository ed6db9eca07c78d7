//! From an event to its results, and what goes wrong on the way.

use std::time::Duration;

use tieline_contract::Verdict;
use tieline_model::{DeliveryState, Mode, Reason, RunState};
use tieline_store::CatalogChange;

use super::outside::{Act, seen, tell};
use super::rig::{PROJECT, Rig, event, name};
use crate::EngineError;

#[tokio::test(start_paused = true)]
async fn an_event_runs_every_linked_agent_and_its_result_is_delivered() {
    let rig = Rig::new("every_linked_agent").await;
    rig.usual().await;
    let accepted = rig.send("in", "1").await;
    let [one, two] = accepted.run_ids[..] else {
        panic!("{accepted:?}")
    };
    assert_eq!(rig.ended(one).await.state, RunState::Completed);
    assert_eq!(rig.ended(two).await.output.unwrap(), "\"ok\"");
    rig.until(async |rig| {
        rig.deliveries()
            .await
            .iter()
            .all(|delivery| delivery.state == DeliveryState::Delivered)
    })
    .await;
    let deliveries = rig.deliveries().await;
    let [delivery] = &deliveries[..] else {
        panic!("{deliveries:?}")
    };
    assert_eq!((delivery.run, delivery.attempt), (one, 1));
    let expected = format!("{} one completed \"ok\"", delivery.id);
    assert_eq!(seen(&rig.actor("out")), [expected]);
}

#[tokio::test(start_paused = true)]
async fn a_caller_in_sync_mode_gets_the_result_and_a_repeat_attaches() {
    let rig = Rig::new("sync").await;
    rig.usual().await;
    let change = CatalogChange {
        put_connectors: vec![rig.connector("ask", Mode::Sync, &["one"])],
        ..CatalogChange::default()
    };
    rig.hub.apply(PROJECT, change).await.unwrap();
    let catalog = rig.hub.catalog();
    let ask = catalog.connector(PROJECT, &name("ask")).unwrap();
    let mut ids = Vec::new();
    for duplicate in [false, true] {
        let sent = event("1", Some("key"));
        let (accepted, waiting) = rig
            .hub
            .accept_and_wait(ask, rig.arrival(), sent)
            .await
            .unwrap();
        assert_eq!(accepted.duplicate, duplicate);
        let runs = waiting
            .until(rig.hub.wait_until(Duration::from_secs(5)))
            .await;
        assert_eq!(runs[0].as_ref().unwrap().state, RunState::Completed);
        ids.push(accepted.run_ids);
    }
    assert_eq!(ids[0], ids[1]);
    let other = vec![event("2", Some("key"))];
    let refused = rig.hub.accept(ask, rig.arrival(), other).await.unwrap_err();
    assert!(
        matches!(refused, EngineError::IdempotencyConflict),
        "{refused:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn faults_are_retried_until_the_attempts_are_used_up() {
    let rig = Rig::new("used_up").await;
    rig.usual().await;
    tell(
        &rig.actor("one"),
        &[Act::Fault(Verdict::Later), Act::Say("\"at last\"")],
    );
    tell(
        &rig.actor("two"),
        &[const { Act::Fault(Verdict::Later) }; 3],
    );
    let accepted = rig.send("in", "1").await;
    let one = rig.ended(accepted.run_ids[0]).await;
    assert_eq!(
        (one.state, one.attempt, one.output.unwrap().as_ref()),
        (RunState::Completed, 2, b"\"at last\"".as_slice())
    );
    let two = rig.ended(accepted.run_ids[1]).await;
    assert_eq!(
        (two.state, two.attempt, two.dead_letter),
        (RunState::Failed, 3, true)
    );
    assert_eq!(two.error.unwrap().code, "scripted");
    let attempts = rig.hub.store().run_attempts(PROJECT, two.id).await.unwrap();
    assert_eq!(
        attempts
            .iter()
            .map(|attempt| attempt.number)
            .collect::<Vec<_>>(),
        [1, 2, 3]
    );
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_cannot_start_costs_no_attempt() {
    let rig = Rig::new("not_started").await;
    rig.usual().await;
    tell(
        &rig.actor("one"),
        &[const { Act::Fault(Verdict::NotStarted(None)) }; 20],
    );
    let accepted = rig.send("in", "1").await;
    let run = rig.ended(accepted.run_ids[0]).await;
    assert_eq!((run.state, run.attempt), (RunState::Completed, 1));
    assert_eq!(seen(&rig.actor("one")), ["attempt 1 of 1"; 21]);
}

#[tokio::test(start_paused = true)]
async fn what_an_agent_does_at_its_worst_ends_its_own_run_alone() {
    let rig = Rig::new("worst").await;
    rig.usual().await;
    tell(
        &rig.actor("one"),
        &[
            Act::Panic,
            Act::FailItself,
            Act::Take(Duration::from_hours(1)),
        ],
    );
    let mut codes = Vec::new();
    for n in ["1", "2", "3"] {
        let accepted = rig.send("in", n).await;
        let run = rig.ended(accepted.run_ids[0]).await;
        codes.push(
            run.error
                .map_or_else(|| format!("{}", run.attempt), |error| error.code),
        );
    }
    // The third overran its time once, and was tried again.
    assert_eq!(codes, ["internal", "own", "2"]);
}

#[tokio::test(start_paused = true)]
async fn a_deferred_run_waits_for_its_answer_and_is_tried_again_without_one() {
    let rig = Rig::new("deferred").await;
    rig.usual().await;
    tell(&rig.actor("one"), &[Act::Defer]);
    let accepted = rig.send("in", "1").await;
    let id = accepted.run_ids[0];
    rig.until(async |rig| rig.run(id).await.reason == Some(Reason::Answer))
        .await;
    let run = rig.ended(id).await;
    assert_eq!((run.state, run.attempt), (RunState::Completed, 2));
    let attempts = rig.hub.store().run_attempts(PROJECT, id).await.unwrap();
    assert_eq!(attempts[0].error.as_ref().unwrap().code, "no-answer");
}

#[tokio::test(start_paused = true)]
async fn a_cancel_ends_the_run_and_the_attempt_in_hand() {
    let rig = Rig::new("cancel").await;
    rig.usual().await;
    tell(&rig.actor("one"), &[Act::Take(Duration::from_secs(50))]);
    let accepted = rig.send("in", "1").await;
    let id = accepted.run_ids[0];
    rig.until(async |rig| rig.run(id).await.state == RunState::Running)
        .await;
    let cancelled = rig.hub.cancel_run(PROJECT, id).await.unwrap();
    assert_eq!(cancelled.state, RunState::Cancelled);
    tokio::time::sleep(Duration::from_mins(10)).await;
    let run = rig.run(id).await;
    assert_eq!(
        (run.state, run.attempt, run.output),
        (RunState::Cancelled, 1, None)
    );
    let again = rig.hub.cancel_run(PROJECT, id).await.unwrap_err();
    assert!(matches!(again, EngineError::NotAllowed(_)), "{again:?}");
}

#[tokio::test(start_paused = true)]
async fn a_replay_is_a_new_run_of_the_same_event() {
    let rig = Rig::new("replay").await;
    rig.usual().await;
    tell(&rig.actor("one"), &[Act::FailItself]);
    let accepted = rig.send("in", "1").await;
    let original = rig.ended(accepted.run_ids[0]).await;
    let replayed = rig
        .hub
        .replay_run(PROJECT, original.id, None)
        .await
        .unwrap();
    let run = rig.ended(replayed).await;
    assert_eq!(
        (run.state, run.event),
        (RunState::Completed, original.event)
    );
    assert_eq!(rig.run(original.id).await.state, RunState::Failed);
    let event = rig
        .hub
        .store()
        .event(PROJECT, original.event)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(event.runs.last(), Some(&replayed));
}

#[tokio::test(start_paused = true)]
async fn conditions_filter_hold_and_a_release_frees() {
    let rig = Rig::new("conditions").await;
    rig.usual().await;
    let mut connector = rig.connector("in", Mode::Inbound, &["one"]);
    connector.links[0].when = Some("input.total > 100".to_owned());
    let change = CatalogChange {
        put_connectors: vec![connector],
        ..CatalogChange::default()
    };
    rig.hub.apply(PROJECT, change).await.unwrap();
    let filtered = rig.send("in", r#"{"total":1}"#).await;
    assert!(
        filtered.filtered && filtered.run_ids.is_empty(),
        "{filtered:?}"
    );
    let held = rig.send("in", "{}").await.run_ids[0];
    let run = rig.run(held).await;
    assert_eq!(
        (run.state, run.reason),
        (RunState::Waiting, Some(Reason::Held))
    );
    rig.hub.release_run(PROJECT, held).await.unwrap();
    assert_eq!(rig.ended(held).await.state, RunState::Completed);
    assert!(rig.hub.release_run(PROJECT, held).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_delivery_is_tried_over_days_with_the_same_bytes_and_can_be_redriven() {
    let rig = Rig::new("days").await;
    rig.usual().await;
    tell(
        &rig.actor("out"),
        &[const { Act::Fault(Verdict::Later) }; 10],
    );
    let accepted = rig.send("in", "1").await;
    rig.ended(accepted.run_ids[0]).await;
    rig.until(async |rig| rig.deliveries().await[0].state == DeliveryState::Failed)
        .await;
    let dead = rig.deliveries().await.remove(0);
    assert_eq!(dead.attempt, 10);
    rig.hub.redrive_delivery(PROJECT, dead.id).await.unwrap();
    rig.until(async |rig| rig.deliveries().await[0].state == DeliveryState::Delivered)
        .await;
    let lines = seen(&rig.actor("out"));
    assert_eq!(lines.len(), 11);
    assert!(lines.iter().all(|line| *line == lines[0]), "{lines:?}");
    let attempts = rig
        .hub
        .store()
        .delivery_attempts(PROJECT, dead.id)
        .await
        .unwrap();
    assert_eq!(attempts.len(), 11);
    assert_eq!(attempts[0].status, Some(500));
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_is_gone_pauses_its_connector() {
    let rig = Rig::new("gone").await;
    rig.usual().await;
    tell(&rig.actor("out"), &[Act::Fault(Verdict::Gone)]);
    let first = rig.send("in", "1").await;
    rig.ended(first.run_ids[0]).await;
    let paused = async |rig: &Rig| {
        rig.hub
            .catalog()
            .connector(PROJECT, &name("out"))
            .unwrap()
            .row
            .paused
    };
    rig.until(paused).await;
    let second = rig.send("in", "2").await;
    rig.ended(second.run_ids[0]).await;
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(seen(&rig.actor("out")).len(), 1);
    rig.hub
        .pause_connector(PROJECT, &name("out"), false)
        .await
        .unwrap();
    rig.until(async |rig| seen(&rig.actor("out")).len() == 2)
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_result_that_cannot_be_written_is_a_failed_delivery_that_can_be_seen() {
    let rig = Rig::new("unwritable").await;
    rig.usual().await;
    let change = CatalogChange {
        put_connectors: vec![rig.connector("unwritable", Mode::Outbound, &["two"])],
        ..CatalogChange::default()
    };
    rig.hub.apply(PROJECT, change).await.unwrap();
    let accepted = rig.send("in", "1").await;
    assert_eq!(
        rig.ended(accepted.run_ids[1]).await.state,
        RunState::Completed
    );
    let deliveries = rig.deliveries().await;
    let failed = deliveries
        .iter()
        .find(|d| d.run == accepted.run_ids[1])
        .unwrap();
    assert_eq!(failed.state, DeliveryState::Failed);
    assert_eq!(failed.error.as_ref().unwrap().code, "template-failed");
}

#[tokio::test(start_paused = true)]
async fn an_outlet_that_was_linked_while_the_agent_worked_gets_the_result() {
    let rig = Rig::new("linked_meanwhile").await;
    rig.usual().await;
    tell(&rig.actor("two"), &[Act::Take(Duration::from_secs(55))]);
    let id = rig.send("in", "1").await.run_ids[1];
    rig.until(async |rig| rig.run(id).await.state != RunState::Queued)
        .await;
    let change = CatalogChange {
        put_connectors: vec![rig.connector("late", Mode::Outbound, &["two"])],
        ..CatalogChange::default()
    };
    rig.hub.apply(PROJECT, change).await.unwrap();
    rig.ended(id).await;
    let deliveries = rig.deliveries().await;
    assert!(
        deliveries.iter().any(|delivery| delivery.run == id),
        "{deliveries:?}"
    );
}
