//! How often and how long a run is tried: errors, crashes and waiting each have their own measure.

use std::sync::Arc;
use std::time::Duration;

use tieline_contract::Verdict;
use tieline_model::{Agent, Exhausted, Mode, NodeId, Reason, RunId, RunState};
use tieline_store::{CatalogChange, Claim, Lease, MemoryStore, Store};

use super::outside::{Act, seen, tell};
use super::rig::{PROJECT, Rig, name};

/// Agent `one` behind `in`, as changed.
async fn with_agent(rig: &Rig, change: impl FnOnce(&mut Agent)) {
    let mut agent = rig.agent("one");
    change(&mut agent);
    let change = CatalogChange {
        put_agents: vec![agent],
        put_connectors: vec![rig.connector("in", Mode::Inbound, &["one"])],
        ..CatalogChange::default()
    };
    rig.hub.apply(PROJECT, change).await.unwrap();
}

async fn pause(rig: &Rig, paused: bool) {
    let one = name("one");
    rig.hub.pause_agent(PROJECT, &one, paused).await.unwrap();
}

async fn send(rig: &Rig) -> RunId {
    rig.send("in", "1").await.run_ids[0]
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_crashes_is_tried_as_often_as_its_crashes_allow() {
    let rig = Rig::new("crashes").await;
    with_agent(&rig, |agent| {
        agent.retry.attempts = 2;
        agent.retry.crashes = 4;
    })
    .await;
    let crash = Act::Fault(Verdict::Crashed);
    let error = Act::Fault(Verdict::Later);
    tell(
        &rig.actor("one"),
        &[crash.clone(), error, crash.clone(), crash.clone(), crash],
    );
    let run = rig.ended(send(&rig).await).await;
    assert_eq!(
        (run.state, run.dead_letter, run.attempt),
        (RunState::Failed, true, 5)
    );
    let attempts = rig.hub.store().run_attempts(PROJECT, run.id).await.unwrap();
    assert_eq!(attempts.len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_attempts_are_used_up_waits_for_a_person_where_its_agent_asks_for_it() {
    let rig = Rig::new("exhausted").await;
    with_agent(&rig, |agent| {
        agent.retry.attempts = 2;
        agent.retry.exhausted = Exhausted::Pause;
    })
    .await;
    tell(
        &rig.actor("one"),
        &[const { Act::Fault(Verdict::Later) }; 3],
    );
    let id = send(&rig).await;
    rig.until(async |rig| rig.run(id).await.reason == Some(Reason::Paused))
        .await;
    let run = rig.run(id).await;
    assert_eq!((run.state, run.due_at), (RunState::Waiting, None));
    assert_eq!(run.error.unwrap().code, "scripted");
    tokio::time::sleep(Duration::from_hours(2)).await;
    assert_eq!(seen(&rig.actor("one")).len(), 2);
    rig.hub.release_run(PROJECT, id).await.unwrap();
    let run = rig.ended(id).await;
    assert_eq!((run.state, run.attempt), (RunState::Completed, 2));
}

#[tokio::test(start_paused = true)]
async fn a_paused_run_can_be_cancelled() {
    let rig = Rig::new("paused_cancel").await;
    with_agent(&rig, |agent| {
        agent.retry.attempts = 1;
        agent.retry.exhausted = Exhausted::Pause;
    })
    .await;
    tell(&rig.actor("one"), &[Act::Fault(Verdict::Later)]);
    let id = send(&rig).await;
    rig.until(async |rig| rig.run(id).await.reason == Some(Reason::Paused))
        .await;
    let run = rig.hub.cancel_run(PROJECT, id).await.unwrap();
    assert_eq!(run.state, RunState::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_nobody_begins_in_its_time_fails_and_can_be_replayed() {
    let rig = Rig::new("expires").await;
    with_agent(&rig, |agent| agent.queue_ttl = Some(Duration::from_mins(5))).await;
    pause(&rig, true).await;
    let id = send(&rig).await;
    let run = rig.ended(id).await;
    let waited = run.ended_at.unwrap().since(run.queued_at);
    assert!((300..340).contains(&waited.as_secs()), "{waited:?}");
    assert_eq!(
        (run.state, run.dead_letter, run.attempt),
        (RunState::Failed, false, 0)
    );
    assert_eq!(run.error.unwrap().code, "expired");
    assert_eq!(rig.hub.metrics().runs_expired.get(), 1);
    let again = rig.hub.replay_run(PROJECT, id, None).await.unwrap();
    pause(&rig, false).await;
    assert_eq!(rig.ended(again).await.state, RunState::Completed);
    assert_eq!(seen(&rig.actor("one")).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_claimed_too_late_is_not_started() {
    let rig = Rig::new("too_late").await;
    with_agent(&rig, |agent| {
        agent.concurrency = 1;
        agent.queue_ttl = Some(Duration::from_secs(5));
    })
    .await;
    // Before the first sweep.
    tell(&rig.actor("one"), &[Act::Take(Duration::from_secs(10))]);
    let (first, second) = (send(&rig).await, send(&rig).await);
    let run = rig.ended(second).await;
    assert_eq!(
        (run.state, run.error.unwrap().code.as_str()),
        (RunState::Failed, "expired")
    );
    let begun = rig.ended(first).await;
    assert_eq!(begun.state, RunState::Completed, "it was begun in time");
    assert_eq!(seen(&rig.actor("one")).len(), 1);
    let attempts = rig.hub.store().run_attempts(PROJECT, second).await.unwrap();
    assert_eq!(attempts.len(), 0, "nothing was tried");
    assert_eq!(rig.hub.metrics().runs_expired.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_released_has_its_whole_time_again() {
    let rig = Rig::new("released_ttl").await;
    with_agent(&rig, |agent| agent.queue_ttl = Some(Duration::from_mins(1))).await;
    let mut connector = rig.connector("in", Mode::Inbound, &["one"]);
    connector.links[0].when = Some("input.missing > 1".to_owned());
    let change = CatalogChange {
        put_connectors: vec![connector],
        ..CatalogChange::default()
    };
    rig.hub.apply(PROJECT, change).await.unwrap();
    let id = rig.send("in", "{}").await.run_ids[0];
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(rig.run(id).await.reason, Some(Reason::Held));
    rig.hub.release_run(PROJECT, id).await.unwrap();
    assert_eq!(rig.ended(id).await.state, RunState::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_outcome_can_never_be_stored_fails_and_does_not_stay_in_hand() {
    // Room for the result of a failed run, and then not even for that.
    for (largest, results, test) in [(12, 1, "refused_output"), (3, 0, "refused_result")] {
        let store = Arc::new(MemoryStore::default());
        let rig = Rig::on(test, Arc::<MemoryStore>::clone(&store) as Arc<dyn Store>).await;
        rig.usual().await;
        store.take_at_most(largest);
        tell(&rig.actor("one"), &[Act::Say("\"longer than that\"")]);
        let run = rig.ended(send(&rig).await).await;
        assert_eq!((run.state, run.output), (RunState::Failed, None));
        assert_eq!(run.error.unwrap().code, "internal");
        assert_eq!(rig.deliveries().await.len(), results);
        assert_eq!(seen(&rig.actor("one")).len(), 1);
    }
}

/// A process that claims the run and goes down with it.
async fn die_with_it(rig: &Rig, store: &MemoryStore) {
    let catalog = rig.hub.catalog();
    let agent = catalog.agent(PROJECT, &name("one")).unwrap().row.id;
    let now = rig.hub.steady();
    let lease = Lease {
        node: NodeId::from_bytes([7; 16]),
        now,
        until: tieline_model::Timestamp::END,
    };
    let claim = Claim {
        of: agent,
        limit: 1,
        lease,
    };
    assert_eq!(store.claim_runs(claim).await.unwrap().rows.len(), 1);
    let freed = store.release_leases(NodeId::from_bytes([8; 16]), now).await;
    assert_eq!(freed.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_took_the_hub_down_too_often_is_a_dead_letter_and_not_started_again() {
    for (deaths, test) in [(2, "deaths_two"), (3, "deaths_three")] {
        let store = Arc::new(MemoryStore::default());
        let rig = Rig::on(test, Arc::<MemoryStore>::clone(&store) as Arc<dyn Store>).await;
        with_agent(&rig, |agent| {
            agent.retry.attempts = 1;
            agent.retry.crashes = 3;
        })
        .await;
        pause(&rig, true).await;
        let id = send(&rig).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        for _ in 0..deaths {
            die_with_it(&rig, &store).await;
        }
        pause(&rig, false).await;
        let run = rig.ended(id).await;
        let code = run.error.map(|error| error.code);
        let started = seen(&rig.actor("one")).len();
        if deaths < 3 {
            assert_eq!((run.state, code, started), (RunState::Completed, None, 1));
        } else {
            assert_eq!((code.as_deref(), run.dead_letter), (Some("crashed"), true));
            assert_eq!(started, 0);
        }
    }
}
