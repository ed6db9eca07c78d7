//! Everything that a store shows, as text.

use tieline_model::ProjectId;
use tieline_model::page::PageRequest;
use tieline_store::{DeliveryFilter, EventFilter, RunFilter, Store};

use super::world::World;

pub(crate) async fn all(store: &dyn Store, world: &World) -> Vec<String> {
    let mut seen = vec![
        format!("{:?}", store.catalog().await.expect("reads")),
        format!("{:?}", store.keys().await.expect("reads")),
        format!("{:?}", store.open_work().await.expect("reads")),
        format!("{:?}", store.setting("s0").await.expect("reads")),
    ];
    for project in [ProjectId(1), ProjectId(2)] {
        let page = || PageRequest::first(PageRequest::LIMIT_MAX);
        let events = store.events(project, EventFilter::default(), page()).await;
        let runs = store.runs(project, RunFilter::default(), page()).await;
        let filter = DeliveryFilter::default();
        let deliveries = store.deliveries(project, filter, page()).await;
        let (events, runs) = (events.expect("reads").rows, runs.expect("reads").rows);
        seen.extend(events.iter().map(|event| format!("{event:?}")));
        seen.extend(runs.iter().map(|run| format!("{run:?}")));
        let deliveries = deliveries.expect("reads").rows;
        seen.extend(deliveries.iter().map(|delivery| format!("{delivery:?}")));
        for id in &world.events {
            seen.push(format!(
                "{:?}",
                store.event(project, *id).await.expect("reads")
            ));
        }
        for id in &world.runs {
            seen.push(format!(
                "{:?}",
                store.run(project, *id).await.expect("reads")
            ));
            seen.push(format!(
                "{:?}",
                store.run_attempts(project, *id).await.expect("reads")
            ));
        }
        for id in &world.deliveries {
            seen.push(format!(
                "{:?}",
                store.delivery(project, *id).await.expect("reads")
            ));
            let attempts = store.delivery_attempts(project, *id).await.expect("reads");
            seen.push(format!("{attempts:?}"));
        }
        for id in &world.files {
            seen.push(format!(
                "{:?}",
                store.file(project, *id).await.expect("reads")
            ));
        }
        let log = store.audit(project, page()).await.expect("reads");
        seen.extend(log.rows.iter().map(|entry| format!("{entry:?}")));
        let ids = world.runs.iter().rev().copied().collect();
        seen.push(format!(
            "{:?}",
            store.runs_by_id(project, ids).await.expect("reads")
        ));
    }
    seen
}
