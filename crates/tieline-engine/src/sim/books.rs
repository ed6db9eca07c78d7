//! The store's own book, read whole.

use std::collections::BTreeMap;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tieline_model::page::{Page, PageRequest};
use tieline_model::{
    Attempt, Connector, ConnectorId, Delivery, DeliveryId, DeliveryState, Event, EventId, Run,
    RunId, RunState,
};
use tieline_store::{DeliveryFilter, EventFilter, MemoryStore, RunFilter, Store as _, StoreError};

use super::plan::PROJECT;

#[derive(Debug, Default)]
pub(super) struct Books {
    pub events: BTreeMap<EventId, Event>,
    pub runs: BTreeMap<RunId, Run>,
    pub deliveries: BTreeMap<DeliveryId, Delivery>,
    pub run_attempts: BTreeMap<RunId, Vec<Attempt>>,
    pub connectors: BTreeMap<ConnectorId, Connector>,
    pub agents: Vec<tieline_model::Agent>,
}

impl Books {
    /// Reads a store that is open and answers at once.
    pub(super) fn read(store: &MemoryStore) -> Self {
        let events = all(|page| store.events(PROJECT, EventFilter::default(), page));
        let runs = all(|page| store.runs(PROJECT, RunFilter::default(), page));
        let deliveries = all(|page| store.deliveries(PROJECT, DeliveryFilter::default(), page));
        let catalog = at_once(store.catalog());
        let attempts = runs
            .iter()
            .map(|run| (run.id, at_once(store.run_attempts(PROJECT, run.id))));
        let attempts = attempts.collect();
        Self {
            events: events.into_iter().map(|event| (event.id, event)).collect(),
            runs: runs.into_iter().map(|run| (run.id, run)).collect(),
            deliveries: deliveries.into_iter().map(|row| (row.id, row)).collect(),
            run_attempts: attempts,
            connectors: catalog.connectors.into_iter().map(|c| (c.id, c)).collect(),
            agents: catalog.agents,
        }
    }

    pub(super) fn runs_in(&self, state: RunState) -> u64 {
        self.runs.values().filter(|run| run.state == state).count() as u64
    }

    pub(super) fn deliveries_in(&self, state: DeliveryState) -> u64 {
        let deliveries = self.deliveries.values();
        deliveries.filter(|row| row.state == state).count() as u64
    }

    pub(super) fn failed_attempts(&self) -> u64 {
        self.run_attempts.values().map(Vec::len).sum::<usize>() as u64
    }
}

fn all<'a, Row>(
    list: impl Fn(PageRequest) -> BoxFuture<'a, Result<Page<Row>, StoreError>>,
) -> Vec<Row> {
    let (mut rows, mut before) = (Vec::new(), None);
    loop {
        let limit = PageRequest::LIMIT_MAX;
        let page = at_once(list(PageRequest { limit, before }));
        rows.extend(page.rows);
        before = page.next;
        if before.is_none() {
            return rows;
        }
    }
}

fn at_once<T>(answer: impl Future<Output = Result<T, StoreError>>) -> T {
    let answer = answer.now_or_never().expect("it reads at once");
    answer.expect("the store is open")
}
