//! What can be read afterwards: lists, newest first, and attempts, oldest first.

use std::collections::BTreeMap;

use tieline_model::page::{Page, PageRequest};
use tieline_model::{
    AgentId, Attempt, Delivery, DeliveryId, Event, EventId, ProjectId, Reason, Run, RunId,
    Timestamp,
};

use super::State;
use super::line::is_never_begun;
use crate::{Between, DeliveryFilter, EventFilter, OpenWork, RunFilter};

impl State {
    pub(super) fn list_events(
        &self,
        project: ProjectId,
        filter: &EventFilter,
        request: &PageRequest,
    ) -> Page<Event> {
        let rows = self.events.iter().rev();
        let rows = rows.filter(|((of, _), _)| *of == project);
        let rows = rows.map(|(_, stored)| &stored.event);
        let rows = rows.filter(|event| {
            is(filter.connector, &event.connector) && within(filter.received, event.received_at)
        });
        page(rows, |event| *EventId::as_bytes(&event.id), request)
    }

    pub(super) fn list_runs(
        &self,
        project: ProjectId,
        filter: &RunFilter,
        request: &PageRequest,
    ) -> Page<Run> {
        let rows = self.runs.values().rev().map(|held| &held.row);
        let rows = rows.filter(|run| {
            run.project == project
                && is(filter.agent, &run.agent)
                && is(filter.connector, &run.connector)
                && is(filter.state, &run.state)
                && is(filter.event, &run.event)
                && is(filter.dead_letter, &run.dead_letter)
                && within(filter.queued, run.queued_at)
        });
        page(rows, |run| *RunId::as_bytes(&run.id), request)
    }

    pub(super) fn list_deliveries(
        &self,
        project: ProjectId,
        filter: &DeliveryFilter,
        request: &PageRequest,
    ) -> Page<Delivery> {
        let rows = self.deliveries.values().rev().map(|held| &held.row);
        let rows = rows.filter(|delivery| {
            delivery.project == project
                && is(filter.connector, &delivery.connector)
                && is(filter.state, &delivery.state)
                && is(filter.run, &delivery.run)
                && within(filter.created, delivery.created_at)
        });
        page(
            rows,
            |delivery| *DeliveryId::as_bytes(&delivery.id),
            request,
        )
    }

    pub(super) fn attempts_of(&self, project: ProjectId, owner: [u8; 16]) -> Vec<Attempt> {
        let attempts = self.attempts.get(&(project, owner));
        attempts.cloned().unwrap_or_default()
    }

    pub(super) fn open_work(&self) -> OpenWork {
        let runs = self.runs.values().map(|held| &held.row);
        let runs = runs
            .filter(|run| !run.state.is_final())
            .map(|run| run.agent);
        let deliveries = self.deliveries.values().map(|held| &held.row);
        let deliveries = deliveries.filter(|delivery| !delivery.state.is_final());
        (
            count(runs),
            count(deliveries.map(|delivery| delivery.connector)),
        )
    }

    pub(super) fn displaced_runs(&self, limit: u32) -> Vec<(ProjectId, RunId)> {
        let rows = self.runs.values().map(|held| &held.row);
        let displaced = rows.filter(|run| self.is_displaced(run));
        let keys = displaced.map(|run| (run.project, run.id));
        keys.take(limit as usize).collect()
    }

    /// One whose place was taken is cancelled as that, whatever its age.
    pub(super) fn stale_runs(
        &self,
        agent: AgentId,
        queued_before: Timestamp,
        limit: u32,
    ) -> Vec<(ProjectId, RunId)> {
        let rows = self.runs.values().map(|held| &held.row);
        let stale = rows.filter(|run| {
            run.agent == agent
                && is_never_begun(run)
                && run.queued_at < queued_before
                && run.reason != Some(Reason::Held)
                && !self.is_displaced(run)
        });
        let keys = stale.map(|run| (run.project, run.id));
        keys.take(limit as usize).collect()
    }
}

fn is<T: PartialEq>(wanted: Option<T>, value: &T) -> bool {
    wanted.is_none_or(|wanted| wanted == *value)
}

fn within(range: Between, moment: Timestamp) -> bool {
    range.since.is_none_or(|since| moment >= since)
        && range.until.is_none_or(|until| moment < until)
}

fn page<'a, T: Clone + 'a>(
    newest_first: impl Iterator<Item = &'a T>,
    id: impl Fn(&T) -> [u8; 16],
    request: &PageRequest,
) -> Page<T> {
    let limit = request.limit.clamp(1, PageRequest::LIMIT_MAX) as usize;
    let older = newest_first.filter(|row| request.before.is_none_or(|before| id(row) < before));
    let mut rows: Vec<T> = older.take(limit + 1).cloned().collect();
    let more = rows.len() > limit;
    rows.truncate(limit);
    Page {
        next: rows.last().filter(|_| more).map(id),
        rows,
    }
}

fn count<Id: Ord>(rows: impl Iterator<Item = Id>) -> Vec<(Id, u64)> {
    let mut counts = BTreeMap::new();
    for id in rows {
        *counts.entry(id).or_insert(0) += 1;
    }
    counts.into_iter().collect()
}
