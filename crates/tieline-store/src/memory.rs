//! The store that defines the answers: plain maps behind one lock.
//!
//! Every other store is held to what this one does. It is here to be read and to be obviously
//! right, so it scans where another would keep an index, and it never survives its process.

mod accept;
mod access;
mod act;
mod catalog;
mod claim;
mod journal;
mod line;
mod release;
mod retain;
mod settle;

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::task::Poll;

use async_trait::async_trait;
use parking_lot::Mutex;
use tieline_model::audit::{AuditEntry, AuditRecord};
use tieline_model::key::ApiKey;
use tieline_model::page::{Page, PageRequest};
use tieline_model::{
    Agent, AgentId, Attempt, Connector, ConnectorId, Delivery, DeliveryId, Event, EventId, FileId,
    Name, NodeId, ProjectId, Run, RunId, Timestamp,
};

use self::line::Standing;
use crate::{
    Acceptance, Catalog, CatalogChange, Change, Claim, ClaimedDelivery, ClaimedRun, Claims,
    DeliveryFilter, Epoch, EventFilter, NewEvent, NewRun, OpenWork, RunFilter, SettleDelivery,
    SettleRun, Settled, Store, StoreError, StoredFile, Written,
};

/// Keeps everything in memory.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<State>);

/// What is stored. A row is found by its project and its id, never by its id alone.
#[derive(Debug, Default)]
struct State {
    closed: bool,
    late: bool,
    /// See [`MemoryStore::calls`].
    calls: u64,
    /// See [`MemoryStore::take_at_most`].
    largest: Option<usize>,
    /// Those beside the first.
    projects: Vec<(ProjectId, Name)>,
    agents: Vec<Agent>,
    connectors: Vec<Connector>,
    settings: BTreeMap<String, Vec<u8>>,
    keys: BTreeMap<(ProjectId, String), ApiKey>,
    audit: Vec<AuditRecord>,
    events: BTreeMap<(ProjectId, EventId), Stored>,
    runs: BTreeMap<(ProjectId, RunId), Held<Run>>,
    deliveries: BTreeMap<(ProjectId, DeliveryId), Held<Delivery>>,
    attempts: BTreeMap<(ProjectId, [u8; 16]), Vec<Attempt>>,
    files: BTreeMap<(ProjectId, FileId), StoredFile>,
    seen: BTreeMap<(ConnectorId, String), Seen>,
    lines: BTreeMap<(ProjectId, RunId), Standing>,
    /// The last place that was given out in any line.
    places: u64,
}

/// An event, with how many of its runs came with it; those after them are replays.
#[derive(Debug)]
struct Stored {
    event: Event,
    linked: usize,
}

/// A row of the queue. While it is `running`, its node is set and it is due when its lease ends.
#[derive(Debug)]
struct Held<Row> {
    row: Row,
    epoch: Epoch,
    node: Option<NodeId>,
}

/// What a dedupe key stands for.
#[derive(Debug)]
struct Seen {
    project: ProjectId,
    event: EventId,
    digest: [u8; 32],
    expires_at: Timestamp,
}

impl MemoryStore {
    fn with<T>(
        &self,
        act: impl FnOnce(&mut State) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut state = self.0.lock();
        state.calls += 1;
        if state.closed {
            return Err(StoreError::unavailable("the store is closed"));
        }
        act(&mut state)
    }
}

impl MemoryStore {
    /// Takes back a [`Store::close`], as a new process opens the file of an earlier one.
    pub fn reopen(&self) {
        self.0.lock().closed = false;
    }

    /// Whether it answers some way after its commit, as a disk does: for tests of what becomes of
    /// a caller that goes away, or of a state that changes, in between.
    pub fn answer_late(&self, late: bool) {
        self.0.lock().late = late;
    }

    /// Refuses outputs and results that are larger, as a disk store refuses what no row has room
    /// for: for tests of what becomes of a run whose outcome can never be stored.
    pub fn take_at_most(&self, bytes: usize) {
        self.0.lock().largest = Some(bytes);
    }

    /// How often it was asked for anything: for tests of what two callers cost, where neither may
    /// learn from it.
    pub fn calls(&self) -> u64 {
        self.0.lock().calls
    }

    async fn answered(&self) {
        let mut left = if self.0.lock().late { 200 } else { 0 };
        poll_fn(|context| {
            if left == 0 {
                return Poll::Ready(());
            }
            left -= 1;
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn catalog(&self) -> Result<Catalog, StoreError> {
        self.with(|state| Ok(state.catalog()))
    }

    async fn change_catalog(
        &self,
        project: ProjectId,
        change: CatalogChange,
    ) -> Result<Catalog, StoreError> {
        let changed = self.with(|state| Ok(state.change_catalog(project, change)));
        self.answered().await;
        changed
    }

    async fn setting(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.with(|state| Ok(state.settings.get(name).cloned()))
    }

    async fn put_setting_once(&self, name: &str, value: Vec<u8>) -> Result<Vec<u8>, StoreError> {
        self.with(|state| {
            let standing = state.settings.entry(name.to_owned()).or_insert(value);
            Ok(standing.clone())
        })
    }

    async fn put_project(&self, name: Name, record: AuditRecord) -> Result<ProjectId, StoreError> {
        self.with(|state| Ok(state.put_project(name, record)))
    }

    async fn put_key(&self, key: ApiKey, record: AuditRecord) -> Result<(), StoreError> {
        let put = self.with(|state| {
            state.keys.insert((key.project, key.name.clone()), key);
            state.audit.push(record);
            Ok(())
        });
        self.answered().await;
        put
    }

    async fn remove_key(
        &self,
        project: ProjectId,
        name: &str,
        record: AuditRecord,
    ) -> Result<bool, StoreError> {
        let removed = self.with(|state| Ok(state.remove_key((project, name), record)));
        self.answered().await;
        removed
    }

    async fn touch_key(
        &self,
        project: ProjectId,
        name: &str,
        used_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.with(|state| {
            if let Some(key) = state.keys.get_mut(&(project, name.to_owned())) {
                key.last_used_at = key.last_used_at.max(Some(used_at));
            }
            Ok(())
        })
    }

    async fn keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        self.with(|state| Ok(state.keys.values().cloned().collect()))
    }

    async fn append_audit(&self, record: AuditRecord) -> Result<i64, StoreError> {
        self.with(|state| {
            let project = record.project;
            state.audit.push(record);
            let of_project = state.audit.iter().filter(|one| one.project == project);
            Ok(i64::try_from(of_project.count()).expect("what is in memory can be counted"))
        })
    }

    async fn audit(
        &self,
        project: ProjectId,
        page: PageRequest,
    ) -> Result<Page<AuditEntry>, StoreError> {
        self.with(|state| Ok(state.list_audit(project, &page)))
    }

    async fn accept(
        &self,
        events: Vec<NewEvent>,
        claims: Vec<Claim<AgentId>>,
    ) -> Result<Written<Vec<Acceptance>, ClaimedRun>, StoreError> {
        let accepted = self.with(|state| {
            let done = state.accept(events)?;
            let claims = claims.into_iter().map(|claim| state.claim_runs(claim));
            let claims = claims.collect();
            Ok(Written { done, claims })
        });
        self.answered().await;
        accepted
    }

    async fn claim_runs(&self, claim: Claim<AgentId>) -> Result<Claims<ClaimedRun>, StoreError> {
        let claimed = self.with(|state| Ok(state.claim_runs(claim)));
        self.answered().await;
        claimed
    }

    async fn settle_run(
        &self,
        project: ProjectId,
        settle: SettleRun,
        claims: Vec<Claim<ConnectorId>>,
    ) -> Result<Written<Settled, ClaimedDelivery>, StoreError> {
        let settled = self.with(|state| {
            let done = state.settle_run(project, settle)?;
            let claims = claims
                .into_iter()
                .map(|claim| state.claim_deliveries(claim));
            let claims = claims.collect();
            Ok(Written { done, claims })
        });
        self.answered().await;
        settled
    }

    async fn claim_deliveries(
        &self,
        claim: Claim<ConnectorId>,
    ) -> Result<Claims<ClaimedDelivery>, StoreError> {
        self.with(|state| Ok(state.claim_deliveries(claim)))
    }

    async fn settle_delivery(
        &self,
        project: ProjectId,
        settle: SettleDelivery,
    ) -> Result<Settled, StoreError> {
        self.with(|state| state.settle_delivery(project, settle))
    }

    async fn release_leases(&self, keep: NodeId, now: Timestamp) -> Result<u64, StoreError> {
        self.with(|state| Ok(state.release_leases(keep, now)))
    }

    async fn release_run(
        &self,
        project: ProjectId,
        run: RunId,
        epoch: Epoch,
        now: Timestamp,
    ) -> Result<Settled, StoreError> {
        self.with(|state| Ok(state.release_run((project, run), epoch, now)))
    }

    async fn release_delivery(
        &self,
        project: ProjectId,
        delivery: DeliveryId,
        epoch: Epoch,
        now: Timestamp,
    ) -> Result<Settled, StoreError> {
        self.with(|state| Ok(state.release_delivery((project, delivery), epoch, now)))
    }

    async fn extend_run(
        &self,
        project: ProjectId,
        run: RunId,
        epoch: Epoch,
        until: Timestamp,
    ) -> Result<Settled, StoreError> {
        self.with(|state| Ok(state.extend_run((project, run), epoch, until)))
    }

    async fn displaced_runs(&self, limit: u32) -> Result<Vec<(ProjectId, RunId)>, StoreError> {
        self.with(|state| Ok(state.displaced_runs(limit)))
    }

    async fn stale_runs(
        &self,
        agent: AgentId,
        queued_before: Timestamp,
        limit: u32,
    ) -> Result<Vec<(ProjectId, RunId)>, StoreError> {
        self.with(|state| Ok(state.stale_runs(agent, queued_before, limit)))
    }

    async fn release_held(
        &self,
        project: ProjectId,
        run: RunId,
        now: Timestamp,
    ) -> Result<Change, StoreError> {
        let change = self.with(|state| Ok(state.release_held((project, run), now)));
        self.answered().await;
        change
    }

    async fn redrive_delivery(
        &self,
        project: ProjectId,
        delivery: DeliveryId,
        now: Timestamp,
    ) -> Result<Change, StoreError> {
        let change = self.with(|state| Ok(state.redrive_delivery((project, delivery), now)));
        self.answered().await;
        change
    }

    async fn add_runs(
        &self,
        project: ProjectId,
        event: EventId,
        runs: Vec<NewRun>,
        now: Timestamp,
    ) -> Result<Change, StoreError> {
        self.with(|state| state.add_runs((project, event), runs, now))
    }

    async fn forget_expired(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.with(|state| Ok(state.forget_expired(now, limit)))
    }

    async fn retain(&self, retain: crate::Retain) -> Result<crate::Retained, StoreError> {
        self.with(|state| Ok(state.retain(retain)))
    }

    async fn erase_event(&self, project: ProjectId, event: EventId) -> Result<Change, StoreError> {
        self.with(|state| Ok(state.erase_event((project, event))))
    }

    async fn open_work(&self) -> Result<OpenWork, StoreError> {
        self.with(|state| Ok(state.open_work()))
    }

    async fn event(&self, project: ProjectId, id: EventId) -> Result<Option<Event>, StoreError> {
        self.with(|state| Ok(state.events.get(&(project, id)).map(|s| s.event.clone())))
    }

    async fn events(
        &self,
        project: ProjectId,
        filter: EventFilter,
        page: PageRequest,
    ) -> Result<Page<Event>, StoreError> {
        self.with(|state| Ok(state.list_events(project, &filter, &page)))
    }

    async fn run(&self, project: ProjectId, id: RunId) -> Result<Option<Run>, StoreError> {
        self.with(|state| Ok(state.runs.get(&(project, id)).map(|held| held.row.clone())))
    }

    async fn runs_by_id(
        &self,
        project: ProjectId,
        ids: Vec<RunId>,
    ) -> Result<Vec<Run>, StoreError> {
        self.with(|state| {
            let known = |id| state.runs.get(&(project, id)).map(|held| held.row.clone());
            Ok(ids.into_iter().filter_map(known).collect())
        })
    }

    async fn runs(
        &self,
        project: ProjectId,
        filter: RunFilter,
        page: PageRequest,
    ) -> Result<Page<Run>, StoreError> {
        self.with(|state| Ok(state.list_runs(project, &filter, &page)))
    }

    async fn delivery(
        &self,
        project: ProjectId,
        id: DeliveryId,
    ) -> Result<Option<Delivery>, StoreError> {
        self.with(|state| {
            let held = state.deliveries.get(&(project, id));
            Ok(held.map(|held| held.row.clone()))
        })
    }

    async fn deliveries(
        &self,
        project: ProjectId,
        filter: DeliveryFilter,
        page: PageRequest,
    ) -> Result<Page<Delivery>, StoreError> {
        self.with(|state| Ok(state.list_deliveries(project, &filter, &page)))
    }

    async fn run_attempts(
        &self,
        project: ProjectId,
        run: RunId,
    ) -> Result<Vec<Attempt>, StoreError> {
        self.with(|state| Ok(state.attempts_of(project, *run.as_bytes())))
    }

    async fn delivery_attempts(
        &self,
        project: ProjectId,
        delivery: DeliveryId,
    ) -> Result<Vec<Attempt>, StoreError> {
        self.with(|state| Ok(state.attempts_of(project, *delivery.as_bytes())))
    }

    async fn file(&self, project: ProjectId, id: FileId) -> Result<Option<StoredFile>, StoreError> {
        self.with(|state| Ok(state.files.get(&(project, id)).cloned()))
    }

    async fn probe(&self) -> Result<(), StoreError> {
        self.with(|_| Ok(()))
    }

    async fn close(&self) {
        self.0.lock().closed = true;
    }
}

#[cfg(test)]
mod tests;
