//! What the promises start from: a store, fresh ids, and short words for long requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use tieline_model::page::PageRequest;
use tieline_model::{
    Agent, AgentId, Attempt, Connector, ConnectorId, Delivery, DeliveryId, EventId, FileId,
    ManagedBy, Mode, Name, NodeId, Priority, ProjectId, Reason, Retry, Run, RunError, RunId,
    RunState, Timestamp, Trust,
};

use crate::{
    Acceptance, Claim, ClaimedDelivery, ClaimedRun, Claims, Counts, Dedupe, DeliveryOutcome, Fence,
    Lease, Line, LinePolicy, NewDelivery, NewEvent, NewRun, Next, RunOutcome, SettleDelivery,
    SettleRun, Settled, Store,
};

pub(super) const HERE: ProjectId = ProjectId::DEFAULT;
pub(super) const ELSEWHERE: ProjectId = ProjectId(2);
pub(super) const AGENT: AgentId = AgentId(1);
pub(super) const SENDER: ConnectorId = ConnectorId(1);
pub(super) const RECEIVER: ConnectorId = ConnectorId(2);

/// What an event gets whose runs take nobody's place.
pub(super) const STORED: Acceptance = Acceptance::Stored {
    displaced: Vec::new(),
};

/// How long every lease in the suite lasts, in milliseconds.
pub(super) const LEASE_MS: i64 = 60_000;

/// A moment, in milliseconds after events arrive.
pub(super) fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000 + ms)
}

/// One handle on a fresh store. Handles on the same store make different ids and are other nodes.
pub(super) struct Given {
    pub store: Arc<dyn Store>,
    pub node: NodeId,
    made: Arc<AtomicU64>,
}

impl Given {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            node: NodeId::from_bytes([1; 16]),
            made: Arc::default(),
        }
    }

    pub(super) fn beside(&self, store: Arc<dyn Store>) -> Self {
        Self {
            store,
            node: NodeId::from_bytes([2; 16]),
            made: Arc::clone(&self.made),
        }
    }

    /// Made at `at(0)`, and larger than every one before, as ids of one process are.
    fn id(&self) -> [u8; 16] {
        let count = self.made.fetch_add(1, Ordering::Relaxed);
        (u128::from(count) + (1_800_000_000_000 << 80)).to_be_bytes()
    }

    pub(super) fn run_id(&self) -> RunId {
        RunId::from_bytes(self.id())
    }

    pub(super) fn file_id(&self) -> FileId {
        FileId::from_bytes(self.id())
    }

    pub(super) fn new_run(&self, agent: AgentId) -> NewRun {
        NewRun {
            id: self.run_id(),
            agent,
            session: None,
            held: None,
            priority: Priority::Normal,
            line: None,
        }
    }

    pub(super) fn new_event(&self, runs: Vec<NewRun>) -> NewEvent {
        NewEvent {
            id: EventId::from_bytes(self.id()),
            project: HERE,
            connector: SENDER,
            received_at: at(0),
            queued_at: at(0),
            trust: Trust::Secret,
            input: Bytes::from_static(b"{\"n\":1}"),
            meta: Bytes::from_static(b"{\"headers\":{}}"),
            files: Vec::new(),
            dedupe: None,
            filtered: false,
            runs,
        }
    }

    /// An event of one run, with a dedupe key that expires after 1000 ms.
    pub(super) fn keyed_event(&self, key: &str, body: u8) -> NewEvent {
        let dedupe = Dedupe {
            key: key.to_owned(),
            digest: [body; 32],
            expires_at: at(1000),
            follows: false,
        };
        NewEvent {
            dedupe: Some(dedupe),
            ..self.new_event(vec![self.new_run(AGENT)])
        }
    }

    pub(super) fn new_delivery(&self) -> NewDelivery {
        NewDelivery {
            id: DeliveryId::from_bytes(self.id()),
            connector: RECEIVER,
            body: Bytes::from_static(b"{\"output\":\"done\"}"),
            failed: None,
        }
    }

    pub(super) async fn accept(&self, events: Vec<NewEvent>) -> Vec<Acceptance> {
        let accepted = self.store.accept(events, vec![]).await;
        accepted.expect("accepts").done
    }

    /// Stores an event with one run, due at once.
    pub(super) async fn queue(&self) -> RunId {
        let run = self.new_run(AGENT);
        let id = run.id;
        self.accept(vec![self.new_event(vec![run])]).await;
        id
    }

    /// Stores an event with one run in a line, queued at a moment.
    pub(super) async fn accept_in(&self, line: Line, now: Timestamp) -> (RunId, Acceptance) {
        let event = self.lined_event(line, now);
        let id = event.runs.first().expect("it has one").id;
        let mut acceptances = self.accept(vec![event]).await;
        (id, acceptances.remove(0))
    }

    /// As `accept_in`, where no other's place is taken.
    pub(super) async fn queue_in(&self, line: Line, now: Timestamp) -> RunId {
        let (id, acceptance) = self.accept_in(line, now).await;
        assert_eq!(acceptance, STORED);
        id
    }

    pub(super) fn lined_event(&self, line: Line, now: Timestamp) -> NewEvent {
        let run = NewRun {
            line: Some(line),
            ..self.new_run(AGENT)
        };
        NewEvent {
            queued_at: now,
            ..self.new_event(vec![run])
        }
    }

    pub(super) fn request<Of>(&self, of: Of, limit: u32, now: Timestamp) -> Claim<Of> {
        let until = Timestamp::from_millis(now.as_millis() + LEASE_MS);
        let node = self.node;
        Claim {
            of,
            limit,
            lease: Lease { node, now, until },
        }
    }

    pub(super) async fn claim(&self, limit: u32, now: Timestamp) -> Claims<ClaimedRun> {
        let claim = self.request(AGENT, limit, now);
        self.store.claim_runs(claim).await.expect("claims")
    }

    /// Claims the one run that is due.
    pub(super) async fn claim_one(&self, now: Timestamp) -> ClaimedRun {
        let mut claims = self.claim(10, now).await;
        assert_eq!(claims.rows.len(), 1, "one run is due");
        claims.rows.remove(0)
    }

    /// The runs that a claim brings, in its order.
    pub(super) async fn claimed(&self, now: Timestamp) -> Vec<RunId> {
        let claims = self.claim(100, now).await;
        claims.rows.iter().map(|row| row.run.id).collect()
    }

    pub(super) async fn claim_delivery(&self, now: Timestamp) -> ClaimedDelivery {
        let mut claims = self.claim_deliveries(now).await;
        assert_eq!(claims.rows.len(), 1, "one delivery is due");
        claims.rows.remove(0)
    }

    pub(super) async fn claim_deliveries(&self, now: Timestamp) -> Claims<ClaimedDelivery> {
        let claim = self.request(RECEIVER, 10, now);
        self.store.claim_deliveries(claim).await.expect("claims")
    }

    pub(super) async fn settle(&self, settle: SettleRun) -> Settled {
        let settled = self.store.settle_run(HERE, settle, vec![]).await;
        settled.expect("settles").done
    }

    pub(super) async fn settle_delivery(&self, settle: SettleDelivery) -> Settled {
        let settled = self.store.settle_delivery(HERE, settle).await;
        settled.expect("settles")
    }

    pub(super) async fn run(&self, id: RunId) -> Run {
        let run = self.store.run(HERE, id).await.expect("reads");
        run.expect("the run is there")
    }

    pub(super) async fn delivery(&self, id: DeliveryId) -> Delivery {
        let delivery = self.store.delivery(HERE, id).await.expect("reads");
        delivery.expect("the delivery is there")
    }

    /// Ends a fresh run with one delivery, and returns that one.
    pub(super) async fn queue_delivery(&self) -> DeliveryId {
        self.queue().await;
        let claimed = self.claim_one(at(0)).await;
        let new = self.new_delivery();
        let id = new.id;
        let settle = SettleRun {
            deliveries: vec![new],
            ..ended(&claimed, RunState::Completed)
        };
        assert_eq!(self.settle(settle).await, Settled::Done);
        id
    }
}

/// Ends a claimed run at 10 ms with an output.
pub(super) fn ended(claimed: &ClaimedRun, state: RunState) -> SettleRun {
    SettleRun {
        run: claimed.run.id,
        fence: Fence::Claim(claimed.epoch),
        now: at(10),
        outcome: RunOutcome::Ended {
            state,
            output: Some(Bytes::from_static(b"\"out\"")),
            error: None,
            usage: Some(Bytes::from_static(b"{\"tokens\":3}")),
            dead_letter: false,
        },
        attempt: None,
        deliveries: Vec::new(),
    }
}

/// Lets a claimed run go on at a time, decided at 10 ms.
pub(super) fn goes_on(claimed: &ClaimedRun, reason: Reason, due_at: Timestamp) -> SettleRun {
    SettleRun {
        outcome: RunOutcome::Again(Next {
            reason,
            due_at,
            error: Some(RunError::new("timeout", "took too long")),
            counts: counts(reason),
        }),
        ..ended(claimed, RunState::Completed)
    }
}

pub(super) fn counts(reason: Reason) -> Counts {
    if reason == Reason::Outage {
        Counts::Outage
    } else {
        Counts::Attempt
    }
}

/// Cancels a run at 10 ms, whoever has it.
pub(super) fn cancelled(run: RunId) -> SettleRun {
    SettleRun {
        run,
        fence: Fence::Open,
        now: at(10),
        outcome: RunOutcome::Ended {
            state: RunState::Cancelled,
            output: None,
            error: None,
            usage: None,
            dead_letter: false,
        },
        attempt: None,
        deliveries: Vec::new(),
    }
}

/// The line `s:1` of one width.
pub(super) fn line(policy: LinePolicy) -> Line {
    Line {
        key: "s:1".to_owned(),
        policy,
        width: 1,
        debounce: None,
    }
}

/// Settles a claimed delivery at 10 ms.
pub(super) fn delivered(claimed: &ClaimedDelivery, outcome: DeliveryOutcome) -> SettleDelivery {
    SettleDelivery {
        delivery: claimed.delivery.id,
        epoch: Some(claimed.epoch),
        now: at(10),
        outcome,
        attempt: None,
    }
}

pub(super) fn attempt(number: u32) -> Attempt {
    Attempt {
        number,
        started_at: at(1),
        ended_at: at(2),
        status: Some(503),
        error: Some(RunError::new("agent-failed", "no")),
        response: Some("try later".to_owned()),
    }
}

pub(super) fn agent(name: &str) -> Agent {
    Agent {
        id: AgentId(0),
        project: HERE,
        name: Name::new(name).expect("a name"),
        runtime: "http".to_owned(),
        timeout: std::time::Duration::from_millis(1500),
        concurrency: 8,
        session_concurrency: 1,
        rate: None,
        queue_ttl: None,
        retry: Retry::default(),
        settings: serde_json::Map::new(),
        managed_by: ManagedBy::File,
        paused: false,
        removed: false,
    }
}

pub(super) fn connector(name: &str) -> Connector {
    Connector {
        id: ConnectorId(0),
        project: HERE,
        name: Name::new(name).expect("a name"),
        kind: "webhook".to_owned(),
        mode: Mode::Inbound,
        secrets: Vec::new(),
        links: Vec::new(),
        concurrency: None,
        rate: None,
        settings: serde_json::Map::new(),
        managed_by: ManagedBy::Api,
        paused: false,
        removed: false,
    }
}

pub(super) fn page(limit: u32) -> PageRequest {
    PageRequest::first(limit)
}
