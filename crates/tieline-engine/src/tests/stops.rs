//! The end of a hub, the start of the next on the same store, and changes in between.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tieline_model::{Agent, Mode, RunState};
use tieline_store::{CatalogChange, MemoryStore, Store};
use tieline_vault::CallbackClaim;

use super::outside::{Act, seen, tell};
use super::rig::{PROJECT, Rig, event, name};
use crate::{Answer, EngineError};

#[tokio::test(start_paused = true)]
async fn a_stop_finishes_what_is_in_hand_and_refuses_what_comes() {
    let rig = Rig::new("finishes").await;
    rig.usual().await;
    tell(&rig.actor("one"), &[Act::Take(Duration::from_secs(5))]);
    let id = rig.send("in", "1").await.run_ids[0];
    rig.until(async |rig| rig.run(id).await.state != RunState::Queued)
        .await;
    rig.hub.stop_claiming();
    let catalog = rig.hub.catalog();
    let connector = catalog.connector(PROJECT, &name("in")).unwrap();
    let refused = rig
        .hub
        .accept(connector, rig.arrival(), vec![event("2", None)])
        .await
        .unwrap_err();
    assert!(matches!(refused, EngineError::Stopping), "{refused:?}");
    rig.hub.stop(Duration::from_secs(30)).await;
    assert!(seen(&rig.actor("one")).len() == 1);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_finish_in_time_is_given_back_unburnt() {
    let store = Arc::new(MemoryStore::default());
    let first = Rig::on("given_back", Arc::<MemoryStore>::clone(&store)).await;
    first.usual().await;
    tell(&first.actor("one"), &[Act::Take(Duration::from_secs(50))]);
    let id = first.send("in", "1").await.run_ids[0];
    first
        .until(async |rig| rig.run(id).await.state == RunState::Running)
        .await;
    first.hub.stop(Duration::from_secs(1)).await;
    store.reopen();
    let second = Rig::on("given_back", store).await;
    let run = second.ended(id).await;
    assert_eq!((run.state, run.attempt), (RunState::Completed, 1));
}

#[tokio::test(start_paused = true)]
async fn what_a_dead_process_had_in_hand_is_taken_up_with_its_attempt_counted() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let dead = Rig::on("dead_process", Arc::clone(&store)).await;
    dead.usual().await;
    tell(&dead.actor("one"), &[Act::Take(Duration::from_secs(59))]);
    let id = dead.send("in", "1").await.run_ids[0];
    dead.until(async |rig| rig.run(id).await.state == RunState::Running)
        .await;
    // It claims no more, and its lease stands in the store, as after a kill.
    dead.hub.stop_claiming();
    let next = Rig::on("dead_process", store).await;
    let run = next.ended(id).await;
    assert_eq!((run.state, run.attempt), (RunState::Completed, 2));
}

#[tokio::test(start_paused = true)]
async fn a_change_is_made_whole_or_not_at_all_and_names_each_mistake() {
    let rig = Rig::new("whole").await;
    rig.usual().await;
    let mut nameless = rig.agent("three");
    nameless.runtime = "magic".to_owned();
    let mut bad_link = rig.connector("second", Mode::Inbound, &["one", "nobody"]);
    bad_link.links[0].when = Some("input.".to_owned());
    let change = CatalogChange {
        put_agents: vec![rig.agent("four"), nameless],
        put_connectors: vec![bad_link],
        ..CatalogChange::default()
    };
    let Err(EngineError::Settings(problems)) = rig.hub.apply(PROJECT, change).await else {
        panic!("the change was made");
    };
    let paths: Vec<_> = problems
        .iter()
        .map(|problem| problem.path.as_str())
        .collect();
    assert_eq!(
        paths,
        [
            "agents[1].runtime",
            "connectors[0].agents[0].when",
            "connectors[0].agents[1]"
        ]
    );
    assert!(rig.hub.catalog().agent(PROJECT, &name("four")).is_none());
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_a_connector_needs_cannot_be_removed_and_a_freed_one_finishes_its_work() {
    let rig = Rig::new("removed").await;
    rig.usual().await;
    let one = rig
        .hub
        .catalog()
        .agent(PROJECT, &name("one"))
        .unwrap()
        .row
        .id;
    let remove = || CatalogChange {
        remove_agents: vec![one],
        ..CatalogChange::default()
    };
    assert!(matches!(
        rig.hub.apply(PROJECT, remove()).await,
        Err(EngineError::NotAllowed(_))
    ));
    rig.hub
        .pause_agent(PROJECT, &name("one"), true)
        .await
        .unwrap();
    let id = rig.send("in", "1").await.run_ids[0];
    let mut change = remove();
    change.put_connectors = vec![
        rig.connector("in", Mode::Inbound, &["two"]),
        rig.connector("out", Mode::Outbound, &["two"]),
    ];
    assert_eq!(rig.run(id).await.state, RunState::Queued);
    rig.hub.apply(PROJECT, change).await.unwrap();
    assert!(rig.hub.catalog().agent(PROJECT, &name("one")).is_none());
    assert_eq!(rig.ended(id).await.state, RunState::Completed);
    assert_eq!(rig.hub.catalog().agent_name(one), Some(&name("one")));
}

#[tokio::test(start_paused = true)]
async fn a_missing_secret_is_generated_once_and_then_stays() {
    let rig = Rig::new("generated").await;
    let change = |rig: &Rig| CatalogChange {
        put_agents: vec![rig.agent("one")],
        put_connectors: vec![rig.connector("in", Mode::Inbound, &["one"])],
        ..CatalogChange::default()
    };
    let applied = rig.hub.apply(PROJECT, change(&rig)).await.unwrap();
    let [(connector, secret)] = &applied.generated[..] else {
        panic!("{applied:?}")
    };
    assert_eq!(connector, &name("in"));
    assert!(secret.expose().starts_with("whsec_"));
    let row = rig
        .hub
        .catalog()
        .connector(PROJECT, &name("in"))
        .unwrap()
        .row
        .clone();
    assert_eq!(row.secrets[0].expose(), secret.expose());
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_delivered_also_where_its_agent_cannot_be_opened_any_more() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let first = Rig::on("unopened", Arc::clone(&store)).await;
    first.usual().await;
    tell(&first.actor("one"), &[Act::Defer]);
    let id = first.send("in", "1").await.run_ids[0];
    first
        .until(async |rig| rig.run(id).await.state == RunState::Waiting)
        .await;
    let lost = Agent {
        runtime: "of-another-version".to_owned(),
        ..first.agent("one")
    };
    let change = CatalogChange {
        put_agents: vec![lost],
        ..CatalogChange::default()
    };
    store.change_catalog(PROJECT, change).await.unwrap();
    let second = Rig::on("unopened", store).await;
    let claim = CallbackClaim {
        project: PROJECT,
        run: id,
        epoch: 1,
    };
    let token = second.hub.tokens().for_callback(claim);
    let answer = Answer::Output(Bytes::from_static(b"1"));
    let answered = second.hub.settle_by_callback(id, &token, answer, None);
    assert_eq!(answered.await.unwrap().state, RunState::Completed);
    second
        .until(async |rig| !seen(&rig.actor("out")).is_empty())
        .await;
    assert!(seen(&second.actor("out"))[0].ends_with("one completed 1"));
}
