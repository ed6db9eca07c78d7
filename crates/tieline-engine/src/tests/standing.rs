//! What a change of the catalogue leaves open.

use std::sync::Arc;

use tieline_model::audit::{Actor, AuditRecord, Outcome};
use tieline_model::{ConnectorId, Mode};
use tieline_store::CatalogChange;

use super::rig::{PROJECT, Rig, name};
use crate::LiveConnector;

fn live(rig: &Rig, connector: &str) -> Arc<LiveConnector> {
    let catalog = rig.hub.catalog();
    let id: ConnectorId = catalog.connector(PROJECT, &name(connector)).unwrap().row.id;
    Arc::clone(&catalog.connectors[&id])
}

async fn apply(rig: &Rig, change: CatalogChange) {
    rig.hub.apply(PROJECT, change).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_a_change_does_not_touch_stays_open_as_it_is() {
    let rig = Rig::new("stays_open").await;
    rig.usual().await;
    let (into, out) = (live(&rig, "in"), live(&rig, "out"));
    let change = CatalogChange {
        put_agents: vec![rig.agent("three")],
        put_connectors: vec![rig.connector("other", Mode::Inbound, &["three"])],
        ..CatalogChange::default()
    };
    apply(&rig, change).await;
    let record = AuditRecord {
        at: rig.hub.now(),
        project: PROJECT,
        actor: Actor::Hub,
        from: None,
        action: "project.make".to_owned(),
        target: "b".to_owned(),
        before: None,
        after: None,
        outcome: Outcome::Done,
    };
    rig.hub.make_project(name("b"), record).await.unwrap();
    assert!(Arc::ptr_eq(&into, &live(&rig, "in")));
    assert!(Arc::ptr_eq(&out, &live(&rig, "out")));

    let change = CatalogChange {
        put_connectors: vec![rig.connector("in", Mode::Inbound, &["one"])],
        ..CatalogChange::default()
    };
    apply(&rig, change).await;
    assert!(!Arc::ptr_eq(&into, &live(&rig, "in")), "it was put");
    assert!(Arc::ptr_eq(&out, &live(&rig, "out")));
}

#[tokio::test(start_paused = true)]
async fn a_link_leads_to_the_agent_that_has_its_name_now() {
    let rig = Rig::new("link_leads").await;
    rig.usual().await;
    let was = rig
        .hub
        .catalog()
        .agent(PROJECT, &name("two"))
        .unwrap()
        .row
        .id;
    let change = CatalogChange {
        put_agents: vec![rig.agent("two")],
        remove_agents: vec![was],
        ..CatalogChange::default()
    };
    apply(&rig, change).await;
    let now = rig
        .hub
        .catalog()
        .agent(PROJECT, &name("two"))
        .unwrap()
        .row
        .id;
    assert_ne!(now, was);
    let into = live(&rig, "in");
    assert_eq!(into.links.get(1).unwrap().agent, now);
    let accepted = rig.send("in", "1").await;
    assert_eq!(rig.run(accepted.run_ids[1]).await.agent, now);
}
