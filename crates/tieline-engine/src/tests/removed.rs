//! Removed agents and outbound connectors: they finish their work, and then cost nothing.

use std::sync::Arc;
use std::time::Duration;

use tieline_contract::Verdict;
use tieline_model::{AgentId, ConnectorId, DeliveryState, Mode, RunState};
use tieline_store::{CatalogChange, MemoryStore, Store};

use super::outside::{Act, seen, tell};
use super::rig::{PROJECT, Rig, name};
use crate::limits::POLL;

fn ids(rig: &Rig) -> (AgentId, ConnectorId) {
    let catalog = rig.hub.catalog();
    let agent = catalog.agent(PROJECT, &name("one")).unwrap().row.id;
    let outlet = catalog.connector(PROJECT, &name("out")).unwrap().row.id;
    (agent, outlet)
}

/// Removes agent `one` and outbound connector `out`.
async fn remove(rig: &Rig) {
    let (agent, outlet) = ids(rig);
    let change = CatalogChange {
        put_connectors: vec![rig.connector("in", Mode::Inbound, &["two"])],
        remove_agents: vec![agent],
        remove_connectors: vec![outlet],
        ..CatalogChange::default()
    };
    rig.hub.apply(PROJECT, change).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_tasks_of_what_was_removed_end_with_its_work() {
    let rig = Rig::new("tasks_end").await;
    rig.usual().await;
    let slow = Act::Take(Duration::from_secs(50));
    tell(&rig.actor("one"), &[Act::Say("1"), slow]);
    tell(&rig.actor("out"), &[Act::Fault(Verdict::Later)]);
    let first = rig.send("in", "1").await.run_ids[0];
    rig.ended(first).await;
    let second = rig.send("in", "2").await.run_ids[0];
    tokio::time::sleep(Duration::from_secs(1)).await;
    let with_work = rig.hub.tasks.len();
    remove(&rig).await;
    assert_eq!(rig.ended(second).await.state, RunState::Completed);
    rig.until(async |rig| rig.deliveries().await[0].state == DeliveryState::Delivered)
        .await;
    assert_eq!(seen(&rig.actor("out")).len(), 2);
    tokio::time::sleep(POLL * 10).await;
    // The attempt's, and those of the two desks.
    assert_eq!(rig.hub.tasks.len(), with_work - 3);
    let change = CatalogChange {
        put_agents: vec![rig.agent("three")],
        ..CatalogChange::default()
    };
    rig.hub.apply(PROJECT, change).await.unwrap();
    assert_eq!(
        rig.hub.tasks.len(),
        with_work - 2,
        "a change brings none back"
    );
}

#[tokio::test(start_paused = true)]
async fn a_removed_outlet_delivers_what_a_person_redrives() {
    let rig = Rig::new("removed_redriven").await;
    rig.usual().await;
    tell(&rig.actor("out"), &[Act::Fault(Verdict::Never)]);
    let id = rig.send("in", "1").await.run_ids[0];
    rig.ended(id).await;
    remove(&rig).await;
    tokio::time::sleep(POLL * 10).await;
    let dead = rig.deliveries().await.remove(0);
    assert_eq!(dead.state, DeliveryState::Failed);
    rig.hub.redrive_delivery(PROJECT, dead.id).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(seen(&rig.actor("out")).len(), 2);
    assert_eq!(
        rig.deliveries().await[0].state,
        DeliveryState::Delivered,
        "its task came back"
    );
}

#[tokio::test(start_paused = true)]
async fn a_stop_gives_a_delivery_back_unburnt() {
    let store = Arc::new(MemoryStore::default());
    let first = Rig::on("delivery_back", Arc::<MemoryStore>::clone(&store)).await;
    first.usual().await;
    tell(&first.actor("out"), &[Act::Take(Duration::from_mins(5))]);
    let id = first.send("in", "1").await.run_ids[0];
    first.ended(id).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(
        first.deliveries().await[0].state,
        DeliveryState::Running,
        "it is in hand"
    );
    first.hub.stop(Duration::from_secs(1)).await;
    store.reopen();
    let store: Arc<dyn Store> = store;
    let next = Rig::on("delivery_back", store).await;
    next.until(async |rig| rig.deliveries().await[0].state.is_final())
        .await;
    let delivery = next.deliveries().await.remove(0);
    assert_eq!(
        (delivery.state, delivery.attempt),
        (DeliveryState::Delivered, 1)
    );
}
