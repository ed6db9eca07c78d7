//! Runs by state, each by the index that knows them.

use tieline_model::page::{Page, PageRequest};
use tieline_model::{EventId, ProjectId, Run, RunId, RunState};
use tieline_store::{Between, RunFilter};

use super::narrow::Narrow;
use super::{Filling, page, page_of_ids, part};
use crate::failure::Failure;
use crate::rows;
use crate::sealed::{SealedRun, Source};

pub(crate) fn runs(
    from: &Source<'_>,
    project: ProjectId,
    filter: &RunFilter,
    request: &PageRequest,
) -> Result<Page<SealedRun>, Failure> {
    if let Some(event) = filter.event {
        return of_event(from, (project, event), filter, request);
    }
    let mut narrow = Narrow::new("r", project, request);
    narrow.and("r.agent =", filter.agent.map(|id| id.0));
    narrow.and("r.connector =", filter.connector.map(|id| id.0));
    narrow.and("r.dead_letter =", filter.dead_letter);
    narrow.made_before("r", filter.queued);
    narrow.within("r.queued_at", filter.queued);
    match filter.state {
        Some(state) if !state.is_final() => {
            let sql = open(state, narrow.sql());
            let one = |id| super::super::run(from, project, RunId::from_bytes(id));
            page_of_ids(from, &sql, &narrow, (request, one))
        }
        state => page(from, &ended(state, filter, &narrow), &narrow, request),
    }
}

/// The ids of runs that have not ended: they are in a queue, or held back.
fn open(state: RunState, narrowed: &str) -> String {
    let part = part(state == RunState::Queued, state == RunState::Running);
    let state = rows::run_state_code(state);
    format!(
        "SELECT id FROM (SELECT r.id FROM runs r INDEXED BY runs_{part} \
         WHERE {narrowed} AND r.state = {state} AND r.held_back = 0 \
         UNION ALL SELECT r.id FROM runs r INDEXED BY runs_lined \
         WHERE {narrowed} AND r.line IS NOT NULL AND r.state < 3 AND r.state = {state} \
         AND r.held_back > 0) ORDER BY id DESC"
    )
}

/// A dead letter is a run that failed.
fn ended(state: Option<RunState>, filter: &RunFilter, narrow: &Narrow) -> String {
    let failed = filter.dead_letter == Some(true) && state.is_none();
    let state = if failed {
        Some(RunState::Failed)
    } else {
        state
    };
    let (index, badly) = match state {
        Some(RunState::Failed | RunState::Cancelled) => {
            ("INDEXED BY runs_ended_badly", "AND r.state IN (4, 5)")
        }
        _ => ("", ""),
    };
    let of_state = state.map(|state| format!("AND r.state = {}", rows::run_state_code(state)));
    let of_state = of_state.unwrap_or_default();
    let (columns, narrowed) = (rows::RUN, narrow.sql());
    format!(
        "SELECT {columns} FROM runs r {index} LEFT JOIN payloads p ON p.seq = r.result \
         WHERE {narrowed} {of_state} {badly} ORDER BY r.id DESC"
    )
}

/// An event knows its runs, so that no index is needed to find them.
fn of_event(
    from: &Source<'_>,
    (project, event): (ProjectId, EventId),
    filter: &RunFilter,
    request: &PageRequest,
) -> Result<Page<SealedRun>, Failure> {
    let ids = "SELECT runs, replays FROM events WHERE project = ?1 AND id = ?2";
    let ids = super::super::one(from, ids, (project, event.as_bytes()), |_, row| {
        Ok([rows::ids(row, 0)?, rows::ids(row, 1)?].concat())
    })?;
    let mut ids = ids.unwrap_or_default();
    ids.retain(|id| request.before.as_ref().is_none_or(|before| id < before));
    ids.sort_unstable_by(|one, other| other.cmp(one));
    let mut filling = Filling::new(request);
    for id in ids {
        let run = super::super::run(from, project, RunId::from_bytes(id))?;
        let run = run.ok_or(Failure::Damaged("an event has lost a run"))?;
        if is_wanted(&run.run, filter) && !filling.add(run) {
            break;
        }
    }
    Ok(filling.page)
}

fn is_wanted(run: &Run, filter: &RunFilter) -> bool {
    let Between { since, until } = filter.queued;
    filter.agent.is_none_or(|agent| agent == run.agent)
        && filter.connector.is_none_or(|id| id == run.connector)
        && filter.state.is_none_or(|state| state == run.state)
        && filter
            .dead_letter
            .is_none_or(|dead| dead == run.dead_letter)
        && since.is_none_or(|since| run.queued_at >= since)
        && until.is_none_or(|until| run.queued_at < until)
}
