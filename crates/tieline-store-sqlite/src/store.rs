//! The promises of a store, each handed to the writer or to a reader.

use async_trait::async_trait;
use tieline_model::key::ApiKey;
use tieline_model::page::{Page, PageRequest};
use tieline_model::{
    AgentId, Attempt, ConnectorId, Delivery, DeliveryId, Event, EventId, FileId, NodeId, ProjectId,
    Run, RunId, Timestamp,
};
use tieline_store::{
    Acceptance, Catalog, CatalogChange, Change, Claim, ClaimedDelivery, ClaimedRun, Claims,
    DeliveryFilter, Epoch, EventFilter, NewEvent, NewRun, OpenWork, Retain, Retained, RunFilter,
    SettleDelivery, SettleRun, Settled, Store, StoreError, StoredFile, Written,
};

use crate::failure::Failure;
use crate::queue::{accept, act, claim, line, release, settle};
use crate::{SqliteStore, catalog, journal, retain};

#[async_trait]
impl Store for SqliteStore {
    async fn catalog(&self) -> Result<Catalog, StoreError> {
        self.read(catalog::read).await
    }

    async fn change_catalog(
        &self,
        project: ProjectId,
        change: CatalogChange,
    ) -> Result<Catalog, StoreError> {
        self.write(move |c| catalog::change(c, project, &change))
            .await
    }

    async fn setting(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let name = name.to_owned();
        self.read(move |c| catalog::setting(c, &name)).await
    }

    async fn put_setting_once(&self, name: &str, value: Vec<u8>) -> Result<Vec<u8>, StoreError> {
        let name = name.to_owned();
        self.write(move |c| catalog::put_setting_once(c, &name, &value))
            .await
    }

    async fn put_key(&self, key: ApiKey) -> Result<(), StoreError> {
        self.write(move |c| catalog::put_key(c, &key)).await
    }

    async fn keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        self.read(catalog::keys).await
    }

    async fn accept(
        &self,
        events: Vec<NewEvent>,
        claims: Vec<Claim<AgentId>>,
    ) -> Result<Written<Vec<Acceptance>, ClaimedRun>, StoreError> {
        self.write(move |c| {
            let done = accept::accept(c, &events)?;
            let claims = claims.iter().map(|claim| claim::claim_runs(c, *claim));
            let claims = claims.collect::<Result<_, _>>()?;
            Ok(Written { done, claims })
        })
        .await
    }

    async fn claim_runs(&self, claim: Claim<AgentId>) -> Result<Claims<ClaimedRun>, StoreError> {
        self.write(move |c| claim::claim_runs(c, claim)).await
    }

    async fn settle_run(
        &self,
        project: ProjectId,
        settle: SettleRun,
        claims: Vec<Claim<ConnectorId>>,
    ) -> Result<Written<Settled, ClaimedDelivery>, StoreError> {
        self.write(move |c| {
            let done = settle::settle_run(c, project, &settle)?;
            let claims = claims
                .iter()
                .map(|claim| claim::claim_deliveries(c, *claim));
            let claims = claims.collect::<Result<_, _>>()?;
            Ok(Written { done, claims })
        })
        .await
    }

    async fn claim_deliveries(
        &self,
        claim: Claim<ConnectorId>,
    ) -> Result<Claims<ClaimedDelivery>, StoreError> {
        self.write(move |c| claim::claim_deliveries(c, claim)).await
    }

    async fn settle_delivery(
        &self,
        project: ProjectId,
        settle: SettleDelivery,
    ) -> Result<Settled, StoreError> {
        self.write(move |c| settle::settle_delivery(c, project, &settle))
            .await
    }

    async fn release_leases(&self, keep: NodeId, now: Timestamp) -> Result<u64, StoreError> {
        self.write(move |c| release::release_leases(c, keep, now))
            .await
    }

    async fn release_run(
        &self,
        project: ProjectId,
        run: RunId,
        epoch: Epoch,
        now: Timestamp,
    ) -> Result<Settled, StoreError> {
        self.write(move |c| release::release_run(c, (project, run), epoch, now))
            .await
    }

    async fn release_delivery(
        &self,
        project: ProjectId,
        delivery: DeliveryId,
        epoch: Epoch,
        now: Timestamp,
    ) -> Result<Settled, StoreError> {
        self.write(move |c| release::release_delivery(c, (project, delivery), epoch, now))
            .await
    }

    async fn extend_run(
        &self,
        project: ProjectId,
        run: RunId,
        epoch: Epoch,
        until: Timestamp,
    ) -> Result<Settled, StoreError> {
        self.write(move |c| release::extend_run(c, (project, run), epoch, until))
            .await
    }

    async fn displaced_runs(&self, limit: u32) -> Result<Vec<(ProjectId, RunId)>, StoreError> {
        self.read(move |c| line::displaced(c, limit)).await
    }

    async fn stale_runs(
        &self,
        agent: AgentId,
        queued_before: Timestamp,
        limit: u32,
    ) -> Result<Vec<(ProjectId, RunId)>, StoreError> {
        self.read(move |c| line::stale(c, agent, queued_before, limit))
            .await
    }

    async fn release_held(
        &self,
        project: ProjectId,
        run: RunId,
        now: Timestamp,
    ) -> Result<Change, StoreError> {
        self.write(move |c| act::release_held(c, (project, run), now))
            .await
    }

    async fn redrive_delivery(
        &self,
        project: ProjectId,
        delivery: DeliveryId,
        now: Timestamp,
    ) -> Result<Change, StoreError> {
        self.write(move |c| act::redrive_delivery(c, (project, delivery), now))
            .await
    }

    async fn add_runs(
        &self,
        project: ProjectId,
        event: EventId,
        runs: Vec<NewRun>,
        now: Timestamp,
    ) -> Result<Change, StoreError> {
        self.write(move |c| accept::add_runs(c, (project, event), &runs, now))
            .await
    }

    async fn forget_expired(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.write(move |c| accept::forget_expired(c, now, limit))
            .await
    }

    async fn retain(&self, retain: Retain) -> Result<Retained, StoreError> {
        self.write(move |c| retain::retain(c, &retain)).await
    }

    async fn erase_event(&self, project: ProjectId, event: EventId) -> Result<Change, StoreError> {
        self.write(move |c| retain::erase_event(c, project, event))
            .await
    }

    async fn open_work(&self) -> Result<OpenWork, StoreError> {
        self.read(journal::open_work).await
    }

    async fn event(&self, project: ProjectId, id: EventId) -> Result<Option<Event>, StoreError> {
        self.read(move |c| journal::event(c, project, id)).await
    }

    async fn events(
        &self,
        project: ProjectId,
        filter: EventFilter,
        page: PageRequest,
    ) -> Result<Page<Event>, StoreError> {
        self.read(move |c| journal::events(c, project, &filter, &page))
            .await
    }

    async fn run(&self, project: ProjectId, id: RunId) -> Result<Option<Run>, StoreError> {
        self.read(move |c| journal::run(c, project, id)).await
    }

    async fn runs_by_id(
        &self,
        project: ProjectId,
        ids: Vec<RunId>,
    ) -> Result<Vec<Run>, StoreError> {
        self.read(move |c| journal::runs_by_id(c, project, &ids))
            .await
    }

    async fn runs(
        &self,
        project: ProjectId,
        filter: RunFilter,
        page: PageRequest,
    ) -> Result<Page<Run>, StoreError> {
        self.read(move |c| journal::runs(c, project, &filter, &page))
            .await
    }

    async fn delivery(
        &self,
        project: ProjectId,
        id: DeliveryId,
    ) -> Result<Option<Delivery>, StoreError> {
        self.read(move |c| journal::delivery(c, project, id)).await
    }

    async fn deliveries(
        &self,
        project: ProjectId,
        filter: DeliveryFilter,
        page: PageRequest,
    ) -> Result<Page<Delivery>, StoreError> {
        self.read(move |c| journal::deliveries(c, project, &filter, &page))
            .await
    }

    async fn run_attempts(
        &self,
        project: ProjectId,
        run: RunId,
    ) -> Result<Vec<Attempt>, StoreError> {
        self.read(move |c| journal::attempts(c, project, *run.as_bytes()))
            .await
    }

    async fn delivery_attempts(
        &self,
        project: ProjectId,
        delivery: DeliveryId,
    ) -> Result<Vec<Attempt>, StoreError> {
        self.read(move |c| journal::attempts(c, project, *delivery.as_bytes()))
            .await
    }

    async fn file(&self, project: ProjectId, id: FileId) -> Result<Option<StoredFile>, StoreError> {
        self.read(move |c| journal::file(c, project, id)).await
    }

    /// Commits for real: nothing less shows that a commit is possible.
    async fn probe(&self) -> Result<(), StoreError> {
        self.write(|c| -> Result<(), Failure> {
            let count = "UPDATE probe SET commits = commits + 1";
            c.prepare_cached(count)?.execute([])?;
            Ok(())
        })
        .await
    }

    async fn close(&self) {
        self.readers.close();
        self.writer.close().await;
    }
}
