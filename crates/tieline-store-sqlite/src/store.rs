//! The promises of a store, each handed to the writer or to a reader.

use async_trait::async_trait;
use tieline_model::audit::{AuditEntry, AuditRecord};
use tieline_model::key::ApiKey;
use tieline_model::page::{Page, PageRequest};
use tieline_model::{
    AgentId, Attempt, ConnectorId, Delivery, DeliveryId, Event, EventId, FileId, Name, NodeId,
    ProjectId, Run, RunId, Timestamp,
};
use tieline_store::{
    Acceptance, Catalog, CatalogChange, Change, Claim, ClaimedDelivery, ClaimedRun, Claims,
    DeliveryFilter, Epoch, EventFilter, NewEvent, NewRun, OpenWork, Retain, Retained, RunFilter,
    SettleDelivery, SettleRun, Settled, Store, StoreError, StoredFile, Written,
};
use tieline_vault::HUB;

use crate::catalog::{SealedChange, SealedSetting};
use crate::failure::Failure;
use crate::queue::{accept, act, claim, line, release, settle};
use crate::sealing::aside;
use crate::{SqliteStore, access, catalog, journal, retain, seal};

#[async_trait]
impl Store for SqliteStore {
    async fn catalog(&self) -> Result<Catalog, StoreError> {
        Ok(self.read_sealed(catalog::read).await??)
    }

    async fn change_catalog(
        &self,
        project: ProjectId,
        change: CatalogChange,
    ) -> Result<Catalog, StoreError> {
        let key = self.key(project, SealedChange::values(&change)).await?;
        let change = SealedChange::new(&key, project, change);
        let changed = self.write_sealed(move |from| catalog::change(from, project, &change));
        Ok(changed.await??)
    }

    async fn setting(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let name = name.to_owned();
        let value = self.read_sealed(move |from| catalog::setting(from, &name));
        Ok(value.await?.transpose()?)
    }

    async fn put_setting_once(&self, name: &str, value: Vec<u8>) -> Result<Vec<u8>, StoreError> {
        let key = self.key(HUB, 1).await?;
        let put = SealedSetting::new(&key, name, &value);
        let standing = self.write_sealed(move |from| catalog::put_setting_once(from, &put));
        Ok(standing.await??)
    }

    async fn put_project(&self, name: Name, record: AuditRecord) -> Result<ProjectId, StoreError> {
        self.write(move |c| access::put_project(c, &name, &record))
            .await
    }

    async fn put_key(&self, key: ApiKey, record: AuditRecord) -> Result<(), StoreError> {
        self.write(move |c| access::put_key(c, &key, &record)).await
    }

    async fn remove_key(
        &self,
        project: ProjectId,
        name: &str,
        record: AuditRecord,
    ) -> Result<bool, StoreError> {
        let name = name.to_owned();
        self.write(move |c| access::remove_key(c, (project, &name), &record))
            .await
    }

    async fn touch_key(
        &self,
        project: ProjectId,
        name: &str,
        used_at: Timestamp,
    ) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.write(move |c| access::touch_key(c, (project, &name), used_at))
            .await
    }

    async fn keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        self.read(access::keys).await
    }

    async fn append_audit(&self, record: AuditRecord) -> Result<i64, StoreError> {
        self.write(move |c| access::append(c, &record)).await
    }

    async fn audit(
        &self,
        project: ProjectId,
        page: PageRequest,
    ) -> Result<Page<AuditEntry>, StoreError> {
        self.read(move |c| access::audit(c, project, &page)).await
    }

    async fn accept(
        &self,
        events: Vec<NewEvent>,
        claims: Vec<Claim<AgentId>>,
    ) -> Result<Written<Vec<Acceptance>, ClaimedRun>, StoreError> {
        let events = self.seal_events(events).await?;
        self.write_sealed(move |from| {
            let done = accept::accept(from, &events)?;
            let claims = claims.iter().map(|claim| claim::claim_runs(from, *claim));
            let claims = claims.collect::<Result<_, _>>()?;
            Ok(Written { done, claims })
        })
        .await
    }

    async fn claim_runs(&self, claim: Claim<AgentId>) -> Result<Claims<ClaimedRun>, StoreError> {
        self.write_sealed(move |from| claim::claim_runs(from, claim))
            .await
    }

    async fn settle_run(
        &self,
        project: ProjectId,
        settle: SettleRun,
        claims: Vec<Claim<ConnectorId>>,
    ) -> Result<Written<Settled, ClaimedDelivery>, StoreError> {
        let key = self.key(project, seal::values_of_settle(&settle)).await?;
        let bytes = seal::bytes_of_settle(&settle);
        let settle = aside(bytes, move || seal::settle(&key, project, settle)).await?;
        self.write_sealed(move |from| {
            let done = settle::settle_run(from, project, &settle)?;
            let claims = claims
                .iter()
                .map(|claim| claim::claim_deliveries(from, *claim));
            let claims = claims.collect::<Result<_, _>>()?;
            Ok(Written { done, claims })
        })
        .await
    }

    async fn claim_deliveries(
        &self,
        claim: Claim<ConnectorId>,
    ) -> Result<Claims<ClaimedDelivery>, StoreError> {
        self.write_sealed(move |from| claim::claim_deliveries(from, claim))
            .await
    }

    async fn settle_delivery(
        &self,
        project: ProjectId,
        settle: SettleDelivery,
    ) -> Result<Settled, StoreError> {
        let key = self.key(project, 3).await?;
        let settle = seal::settle_delivery(&key, project, settle);
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
        let key = self.key(project, 2 * runs.len() as u64).await?;
        let seal = |new| seal::run(&self.vault, &key, project, new);
        let runs: Vec<_> = runs.into_iter().map(seal).collect();
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
        self.read_sealed(move |from| journal::event(from, project, id))
            .await
    }

    async fn events(
        &self,
        project: ProjectId,
        filter: EventFilter,
        page: PageRequest,
    ) -> Result<Page<Event>, StoreError> {
        self.read_sealed(move |from| journal::events(from, project, &filter, &page))
            .await
    }

    async fn run(&self, project: ProjectId, id: RunId) -> Result<Option<Run>, StoreError> {
        self.read_sealed(move |from| journal::run(from, project, id))
            .await
    }

    async fn runs_by_id(
        &self,
        project: ProjectId,
        ids: Vec<RunId>,
    ) -> Result<Vec<Run>, StoreError> {
        self.read_sealed(move |from| journal::runs_by_id(from, project, &ids))
            .await
    }

    async fn runs(
        &self,
        project: ProjectId,
        filter: RunFilter,
        page: PageRequest,
    ) -> Result<Page<Run>, StoreError> {
        self.read_sealed(move |from| journal::runs(from, project, &filter, &page))
            .await
    }

    async fn delivery(
        &self,
        project: ProjectId,
        id: DeliveryId,
    ) -> Result<Option<Delivery>, StoreError> {
        self.read_sealed(move |from| journal::delivery(from, project, id))
            .await
    }

    async fn deliveries(
        &self,
        project: ProjectId,
        filter: DeliveryFilter,
        page: PageRequest,
    ) -> Result<Page<Delivery>, StoreError> {
        self.read_sealed(move |from| journal::deliveries(from, project, &filter, &page))
            .await
    }

    async fn run_attempts(
        &self,
        project: ProjectId,
        run: RunId,
    ) -> Result<Vec<Attempt>, StoreError> {
        self.read_sealed(move |from| journal::attempts(from, project, *run.as_bytes()))
            .await
    }

    async fn delivery_attempts(
        &self,
        project: ProjectId,
        delivery: DeliveryId,
    ) -> Result<Vec<Attempt>, StoreError> {
        self.read_sealed(move |from| journal::attempts(from, project, *delivery.as_bytes()))
            .await
    }

    async fn file(&self, project: ProjectId, id: FileId) -> Result<Option<StoredFile>, StoreError> {
        self.read_sealed(move |from| journal::file(from, project, id))
            .await
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
