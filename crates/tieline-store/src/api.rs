//! The promises of a store.

use async_trait::async_trait;
use tieline_model::audit::{AuditEntry, AuditRecord};
use tieline_model::key::ApiKey;
use tieline_model::page::{Page, PageRequest};
use tieline_model::{
    AgentId, Attempt, ConnectorId, Delivery, DeliveryId, Event, EventId, FileId, Name, NodeId,
    ProjectId, Run, RunId, Timestamp,
};

use crate::{
    Acceptance, Catalog, CatalogChange, Change, Claim, ClaimedDelivery, ClaimedRun, Claims,
    DeliveryFilter, EventFilter, NewEvent, OpenWork, RunFilter, SettleDelivery, SettleRun, Settled,
    StoreError, StoredFile, Written,
};

/// Durable state: the catalogue, the queue and the journal.
///
/// Every method is one transaction, durable when it returns `Ok` (a store that survives its
/// process has synced it to disk by then). A method that fails has changed nothing. Ids are
/// authority in no method: each takes the project, and a row of another project is not there.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    // ── catalogue ──

    async fn catalog(&self) -> Result<Catalog, StoreError>;

    /// Applies a change and returns the catalogue as it then stands.
    async fn change_catalog(
        &self,
        project: ProjectId,
        change: CatalogChange,
    ) -> Result<Catalog, StoreError>;

    /// A value of the hub itself, by name: `None` where it was never put.
    async fn setting(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Puts a value of the hub itself, unless one is there; returns the one that stands.
    async fn put_setting_once(&self, name: &str, value: Vec<u8>) -> Result<Vec<u8>, StoreError>;

    // ── access ──

    /// Makes a project and writes that down, unless there is one of this name; returns its id.
    async fn put_project(&self, name: Name, record: AuditRecord) -> Result<ProjectId, StoreError>;

    /// Replaces the key of the same project and name, and writes that down.
    async fn put_key(&self, key: ApiKey, record: AuditRecord) -> Result<(), StoreError>;

    /// Removes a key and writes that down; `false` where there is none, and then nothing is
    /// written.
    async fn remove_key(
        &self,
        project: ProjectId,
        name: &str,
        record: AuditRecord,
    ) -> Result<bool, StoreError>;

    /// Notes that a key was used. An earlier use than the one that is known changes nothing, nor
    /// does one of a key that is not there.
    async fn touch_key(
        &self,
        project: ProjectId,
        name: &str,
        used_at: Timestamp,
    ) -> Result<(), StoreError>;

    /// Every key, by project and name.
    async fn keys(&self) -> Result<Vec<ApiKey>, StoreError>;

    /// Writes something down, and returns its position among what its project did, from 1. What is
    /// written is never changed and never taken away.
    async fn append_audit(&self, record: AuditRecord) -> Result<i64, StoreError>;

    /// What was done in a project, newest first. A page's `before` and `next` are positions, as
    /// 16 bytes in network order.
    async fn audit(
        &self,
        project: ProjectId,
        page: PageRequest,
    ) -> Result<Page<AuditEntry>, StoreError>;

    // ── queue ──

    /// Stores events, their files and their runs, all or none, and deduplicates them.
    ///
    /// Returns one acceptance per event, in order. A dedupe key stands until
    /// [`Store::forget_expired`] takes it away, whatever the new event's clock says.
    ///
    /// A run whose line has `width` others that may be claimed stands behind them: it is `queued`
    /// (or waits with reason `debounce`) and cannot be claimed. Those whose place a new run takes
    /// stand no longer in anybody's way, unless they are in hand.
    ///
    /// Then, in the same commit, each of `claims` is made as by [`Store::claim_runs`], whatever
    /// became of the events: one may bring a run of this call, an older one, or nothing.
    async fn accept(
        &self,
        events: Vec<NewEvent>,
        claims: Vec<Claim<AgentId>>,
    ) -> Result<Written<Vec<Acceptance>, ClaimedRun>, StoreError>;

    /// Claims due runs of one agent: each becomes `running`, with its attempt counted, its epoch
    /// raised, its lease set and `started_at` the lease's `now`.
    ///
    /// A `queued` run is due whatever `now` is: its `due_at` gives its place among the others, so
    /// that a clock which is set back holds nothing up.
    ///
    /// Of those that are due, the highest priority goes first, and then the oldest `due_at`.
    /// A run that stands behind others of its line, or whose place was taken, is not due.
    ///
    /// While it is `running` its `due_at` is the end of the lease, after which it is claimed like
    /// any other, and its last attempt counts as a crash. A run that waits for an answer is
    /// claimable when its time is over; it comes with its `reason` still `answer`, with no
    /// attempt and no crash counted, and `started_at` as it was.
    async fn claim_runs(&self, claim: Claim<AgentId>) -> Result<Claims<ClaimedRun>, StoreError>;

    /// Ends or puts back a run, adds the attempt to the journal and creates its deliveries.
    ///
    /// Where it ends, the next of its line comes forward, behind what is queued of its agent and
    /// priority, so that the sessions of an agent take turns: it is due when it was, or a
    /// millisecond after the last of theirs, whichever is later. No clock is asked. One that waits with reason `debounce` stays due when it
    /// was. `into` stays set only where it ends as `cancelled`.
    ///
    /// The next comes forward likewise wherever a run whose place was taken goes out of hand.
    ///
    /// Then, in the same commit, each of `claims` is made as by [`Store::claim_deliveries`], also
    /// where the settle was fenced.
    async fn settle_run(
        &self,
        project: ProjectId,
        settle: SettleRun,
        claims: Vec<Claim<ConnectorId>>,
    ) -> Result<Written<Settled, ClaimedDelivery>, StoreError>;

    /// Claims due deliveries of one outbound connector, as `claim_runs` does.
    async fn claim_deliveries(
        &self,
        claim: Claim<ConnectorId>,
    ) -> Result<Claims<ClaimedDelivery>, StoreError>;

    /// Ends or puts back a delivery and adds the attempt to the journal.
    async fn settle_delivery(
        &self,
        project: ProjectId,
        settle: SettleDelivery,
    ) -> Result<Settled, StoreError>;

    /// Frees what every node but `keep` has claimed: due at once, `queued`, the attempt still
    /// counted, and as a crash. Returns how many rows.
    ///
    /// Where the clock was set back, nobody waits for it to come round again. What began to wait
    /// later than `now` began now, and is due as long after it as it was. What was queued for
    /// later than `now` is due now, so that nothing new overtakes it.
    ///
    /// A run that waits for an answer is left alone; one that was claimed because its answer did
    /// not come waits for it again, due at once, and no crash is counted.
    async fn release_leases(&self, keep: NodeId, now: Timestamp) -> Result<u64, StoreError>;

    /// Frees one claimed run without burning its attempt, for a shutdown that cannot wait.
    async fn release_run(
        &self,
        project: ProjectId,
        run: RunId,
        epoch: crate::Epoch,
        now: Timestamp,
    ) -> Result<Settled, StoreError>;

    /// Frees one claimed delivery without burning its attempt, likewise.
    async fn release_delivery(
        &self,
        project: ProjectId,
        delivery: DeliveryId,
        epoch: crate::Epoch,
        now: Timestamp,
    ) -> Result<Settled, StoreError>;

    /// Moves the end of a run's lease, while that claim is the last one and the run is `running`.
    async fn extend_run(
        &self,
        project: ProjectId,
        run: RunId,
        epoch: crate::Epoch,
        until: Timestamp,
    ) -> Result<Settled, StoreError>;

    /// Runs that have not ended and whose place was taken, at most `limit`.
    async fn displaced_runs(&self, limit: u32) -> Result<Vec<(ProjectId, RunId)>, StoreError>;

    /// Runs of an agent that were never begun and were queued before, at most `limit`. Held ones
    /// are not among them, nor are those whose place was taken.
    async fn stale_runs(
        &self,
        agent: AgentId,
        queued_before: Timestamp,
        limit: u32,
    ) -> Result<Vec<(ProjectId, RunId)>, StoreError>;

    /// Frees a run that waits for a person (reason `held` or `paused`): queued and due now, with
    /// `queued_at` now, so that the time it waited makes it not stale. Of one that was paused,
    /// attempts, crashes and outages count from zero again.
    async fn release_held(
        &self,
        project: ProjectId,
        run: RunId,
        now: Timestamp,
    ) -> Result<Change, StoreError>;

    /// Gives a failed or cancelled delivery more attempts: queued and due now, count from zero.
    /// One that waits is due now. One that has no body has nothing to deliver: `NotAllowed`.
    async fn redrive_delivery(
        &self,
        project: ProjectId,
        delivery: DeliveryId,
        now: Timestamp,
    ) -> Result<Change, StoreError>;

    /// Adds runs to a stored event and queues them: a replay. `NotFound` without the event.
    /// A line that refuses does not refuse these.
    async fn add_runs(
        &self,
        project: ProjectId,
        event: EventId,
        runs: Vec<crate::NewRun>,
        now: Timestamp,
    ) -> Result<Change, StoreError>;

    /// Forgets dedupe keys that expired, at most `limit`; returns how many.
    async fn forget_expired(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError>;

    /// Erases what is no longer kept, the oldest first. An event ends with the last of its runs
    /// and deliveries; one that has not ended is left. A dedupe key whose event went whole is as
    /// if it were not there. Erased bodies read as [`tieline_model::Kept::Erased`].
    async fn retain(&self, retain: crate::Retain) -> Result<crate::Retained, StoreError>;

    /// Erases the bodies, outputs and files of an event, its runs and its deliveries, whatever
    /// their age. `NotAllowed` while any of them has not ended.
    async fn erase_event(&self, project: ProjectId, event: EventId) -> Result<Change, StoreError>;

    /// Rows that have not ended: runs by agent, deliveries by outbound connector.
    async fn open_work(&self) -> Result<OpenWork, StoreError>;

    // ── journal ──

    async fn event(&self, project: ProjectId, id: EventId) -> Result<Option<Event>, StoreError>;

    async fn events(
        &self,
        project: ProjectId,
        filter: EventFilter,
        page: PageRequest,
    ) -> Result<Page<Event>, StoreError>;

    async fn run(&self, project: ProjectId, id: RunId) -> Result<Option<Run>, StoreError>;

    /// Several runs at once, in the order asked for; unknown ones are left out.
    async fn runs_by_id(&self, project: ProjectId, ids: Vec<RunId>)
    -> Result<Vec<Run>, StoreError>;

    async fn runs(
        &self,
        project: ProjectId,
        filter: RunFilter,
        page: PageRequest,
    ) -> Result<Page<Run>, StoreError>;

    async fn delivery(
        &self,
        project: ProjectId,
        id: DeliveryId,
    ) -> Result<Option<Delivery>, StoreError>;

    async fn deliveries(
        &self,
        project: ProjectId,
        filter: DeliveryFilter,
        page: PageRequest,
    ) -> Result<Page<Delivery>, StoreError>;

    /// Attempts of a run, oldest first.
    async fn run_attempts(
        &self,
        project: ProjectId,
        run: RunId,
    ) -> Result<Vec<Attempt>, StoreError>;

    /// Attempts of a delivery, oldest first.
    async fn delivery_attempts(
        &self,
        project: ProjectId,
        delivery: DeliveryId,
    ) -> Result<Vec<Attempt>, StoreError>;

    async fn file(&self, project: ProjectId, id: FileId) -> Result<Option<StoredFile>, StoreError>;

    // ── life ──

    /// Whether a transaction can be committed now.
    async fn probe(&self) -> Result<(), StoreError>;

    /// Waits for what is being committed and refuses what comes after.
    async fn close(&self);
}
