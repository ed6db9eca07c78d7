//! A hub for tests: memory store, the paused clock of tokio, and helpers to fill it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, json};
use tieline_contract::IncomingEvent;
use tieline_egress::{Client, Limits};
use tieline_model::id::Entropy;
use tieline_model::page::PageRequest;
use tieline_model::{
    Agent, AgentId, Clock, Connector, ConnectorId, Delivery, Link, ManagedBy, Mode, Name, OnError,
    Policy, Priority, ProjectId, Retry, Run, RunId, Timestamp, Trust,
};
use tieline_store::{CatalogChange, DeliveryFilter, MemoryStore, Store};
use tokio::time::Instant;

use super::outside::{RUNTIMES, TYPES};
use crate::{Accepted, Arrival, Hub, HubParts, Retention, Surroundings, Types};

pub(super) const PROJECT: ProjectId = ProjectId::DEFAULT;

/// Goes with tokio's clock, which a test pauses and which then jumps from timer to timer; and
/// somebody may set it.
pub(super) struct TokioClock {
    began: Instant,
    /// How far it was set forward, in milliseconds.
    set_by: AtomicI64,
}

impl TokioClock {
    /// Right, in 2023.
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            set_by: AtomicI64::new(0),
        }
    }

    pub(super) fn set_forward(&self, ms: i64) {
        self.set_by.fetch_add(ms, Ordering::Relaxed);
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        let set = 1_700_000_000_000 + self.set_by.load(Ordering::Relaxed);
        Timestamp::from_millis(set).plus(self.began.elapsed())
    }
}

/// A seeded generator (`SplitMix64`), so that a failing test fails again.
struct Seeded(AtomicU64);

impl Entropy for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let state = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            for (byte, random) in chunk.iter_mut().zip((mixed ^ (mixed >> 31)).to_le_bytes()) {
                *byte = random;
            }
        }
    }
}

/// Each hub has its own, as each process has: two with one seed would be one node.
static SEEDS: AtomicU64 = AtomicU64::new(1);

pub(super) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// A hub whose connectors and agents are scripted. `test` is unique to the test.
pub(super) struct Rig {
    pub hub: Arc<Hub>,
    pub clock: Arc<TokioClock>,
    test: &'static str,
}

impl Rig {
    pub(super) async fn new(test: &'static str) -> Self {
        Self::on(test, Arc::new(MemoryStore::default())).await
    }

    pub(super) async fn on(test: &'static str, store: Arc<dyn Store>) -> Self {
        Self::at(test, store, Arc::new(TokioClock::new())).await
    }

    /// As the next process on a machine with this clock.
    pub(super) async fn at(
        test: &'static str,
        store: Arc<dyn Store>,
        clock: Arc<TokioClock>,
    ) -> Self {
        let policy = tieline_egress::Policy::Agents { public_only: false };
        let client = Arc::new(Client::new(policy, Limits::default()));
        let parts = HubParts {
            store,
            clock: Arc::<TokioClock>::clone(&clock),
            entropy: Arc::new(Seeded(AtomicU64::new(
                SEEDS.fetch_add(1, Ordering::Relaxed),
            ))),
            types: Types {
                connectors: TYPES,
                runtimes: RUNTIMES,
            },
            surroundings: Surroundings {
                folder: PathBuf::from("."),
                environment: Vec::new(),
                agents: Arc::clone(&client),
                outside: client,
                public_url: None,
                retention: Retention::default(),
            },
        };
        let hub = Hub::new(parts).await.unwrap();
        hub.start().await.unwrap();
        Self { hub, clock, test }
    }

    /// The name under which an agent or connector of this test is scripted.
    pub(super) fn actor(&self, name: &str) -> String {
        format!("{}/{name}", self.test)
    }

    pub(super) fn agent(&self, agent: &str) -> Agent {
        let settings = json!({ "actor": self.actor(agent) });
        Agent {
            id: AgentId(0),
            project: PROJECT,
            name: name(agent),
            runtime: "scripted".to_owned(),
            timeout: Duration::from_mins(1),
            concurrency: 4,
            session_concurrency: 1,
            rate: None,
            queue_ttl: None,
            retry: Retry::default(),
            settings: settings.as_object().unwrap().clone(),
            managed_by: ManagedBy::File,
            paused: false,
            removed: false,
        }
    }

    pub(super) fn connector(&self, connector: &str, mode: Mode, agents: &[&str]) -> Connector {
        let settings: Map<_, _> = json!({ "actor": self.actor(connector) })
            .as_object()
            .unwrap()
            .clone();
        let link = |agent: &&str| Link {
            agent: name(agent),
            when: None,
            session: None,
            on_error: OnError::Hold,
            policy: Policy::default(),
            debounce: None,
            priority: Priority::default(),
        };
        Connector {
            id: ConnectorId(0),
            project: PROJECT,
            name: name(connector),
            kind: "scripted".to_owned(),
            mode,
            secrets: Vec::new(),
            links: agents.iter().map(link).collect(),
            concurrency: None,
            rate: None,
            settings,
            managed_by: ManagedBy::File,
            paused: false,
            removed: false,
        }
    }

    /// Agents `one` and `two` behind `in`, and `out` taking the results of `one`.
    pub(super) async fn usual(&self) {
        let change = CatalogChange {
            put_agents: vec![self.agent("one"), self.agent("two")],
            put_connectors: vec![
                self.connector("in", Mode::Inbound, &["one", "two"]),
                self.connector("out", Mode::Outbound, &["one"]),
            ],
            ..CatalogChange::default()
        };
        self.hub.apply(PROJECT, change).await.unwrap();
    }

    pub(super) fn arrival(&self) -> Arrival {
        Arrival {
            received_at: self.hub.now(),
            trust: Trust::Secret,
        }
    }

    pub(super) async fn send(&self, connector: &str, input: &str) -> Accepted {
        let catalog = self.hub.catalog();
        let connector = catalog.connector(PROJECT, &name(connector)).unwrap();
        let events = vec![event(input, None)];
        self.hub
            .accept(connector, self.arrival(), events)
            .await
            .unwrap()
            .remove(0)
    }

    pub(super) async fn run(&self, id: RunId) -> Run {
        self.hub.store().run(PROJECT, id).await.unwrap().unwrap()
    }

    /// The run once it has ended. Time is paused, so that waiting costs none.
    pub(super) async fn ended(&self, id: RunId) -> Run {
        let waiting = self.hub.wait_for_runs(PROJECT, vec![id]).await.unwrap();
        let wait = Duration::from_hours(720);
        let run = waiting.until(self.hub.wait_until(wait)).await.remove(0);
        assert!(
            run.is_some(),
            "the run did not end within a month: {:?}",
            self.run(id).await
        );
        Run::clone(&run.expect("looked at above"))
    }

    pub(super) async fn deliveries(&self) -> Vec<Delivery> {
        let page = PageRequest::first(100);
        self.hub
            .store()
            .deliveries(PROJECT, DeliveryFilter::default(), page)
            .await
            .unwrap()
            .rows
    }

    /// Waits until `check` holds, at most ten simulated days.
    pub(super) async fn until<F: AsyncFnMut(&Self) -> bool>(&self, mut check: F) {
        for _ in 0..20_000 {
            if check(self).await {
                return;
            }
            tokio::time::sleep(Duration::from_secs(45)).await;
        }
        panic!("it did not come to pass");
    }
}

pub(super) fn event(input: &str, dedupe: Option<&str>) -> IncomingEvent {
    IncomingEvent {
        input: Bytes::copy_from_slice(input.as_bytes()),
        meta: Bytes::from_static(b"{}"),
        files: Vec::new(),
        dedupe: dedupe.map(str::to_owned),
        signed_key: None,
        digest: tieline_vault::sha256(input.as_bytes()),
    }
}
