//! The promises of a store.

use async_trait::async_trait;
use tieline_model::key::ApiKey;
use tieline_model::page::{Page, PageRequest};
use tieline_model::{
    AgentId, Attempt, ConnectorId, Delivery, DeliveryId, Event, EventId, FileId, NodeId, ProjectId,
    Run, RunId, Timestamp,
};

use crate::{
    Acceptance, Catalog, CatalogChange, Change, Claim, ClaimedDelivery, ClaimedRun, Claims,
    DeliveryFilter, EventFilter, NewEvent, OpenWork, RunFilter, SettleDelivery, SettleRun, Settled,
    StoreError, StoredFile,
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

    /// Replaces the key of the same project and name.
    async fn put_key(&self, key: ApiKey) -> Result<(), StoreError>;

    async fn keys(&self) -> Result<Vec<ApiKey>, StoreError>;

    // ── queue ──

    /// Stores events, their files and their runs, all or none, and deduplicates them.
    ///
    /// Returns one acceptance per event, in order. A dedupe key whose `expires_at` is not after
    /// the new event's `received_at` is as if it were not there.
    async fn accept(&self, events: Vec<NewEvent>) -> Result<Vec<Acceptance>, StoreError>;

    /// Claims due runs of one agent: each becomes `running`, with its attempt counted, its epoch
    /// raised, its lease set and `started_at` the lease's `now`.
    ///
    /// A `queued` run is due whatever `now` is: its `due_at` gives its place among the others, so
    /// that a clock which is set back holds nothing up.
    ///
    /// While it is `running` its `due_at` is the end of the lease, after which it is claimed like
    /// any other. A run that waits for an answer is claimable when its time is over; it comes with
    /// its `reason` still `answer`, and with no attempt counted and `started_at` as it was.
    async fn claim_runs(&self, claim: Claim<AgentId>) -> Result<Claims<ClaimedRun>, StoreError>;

    /// Ends or puts back a run, adds the attempt to the journal and creates its deliveries.
    ///
    /// With an epoch, only while that claim is the last one and the run is `running` (or waits
    /// for an answer); without, while it has not ended.
    async fn settle_run(
        &self,
        project: ProjectId,
        settle: SettleRun,
    ) -> Result<Settled, StoreError>;

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
    /// counted. Returns how many rows. A run that waits for an answer is left alone; one that was
    /// claimed because its answer did not come waits for it again, due at once.
    async fn release_leases(&self, keep: NodeId, now: Timestamp) -> Result<u64, StoreError>;

    /// Frees one claimed run without burning its attempt, for a shutdown that cannot wait.
    async fn release_run(
        &self,
        project: ProjectId,
        run: RunId,
        epoch: crate::Epoch,
        now: Timestamp,
    ) -> Result<Settled, StoreError>;

    /// Frees a run that is held: queued and due now.
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
    async fn add_runs(
        &self,
        project: ProjectId,
        event: EventId,
        runs: Vec<crate::NewRun>,
        now: Timestamp,
    ) -> Result<Change, StoreError>;

    /// Forgets dedupe keys that expired, at most `limit`; returns how many.
    async fn forget_expired(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError>;

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
