//! Lists, newest first. A page ends early where its bodies grow too large to hold.

use rusqlite::{Connection, Params, Row, params};
use tieline_model::page::{Page, PageRequest};
use tieline_model::{Delivery, DeliveryState, Event, EventId, ProjectId, Run, RunId, RunState};
use tieline_store::{DeliveryFilter, EventFilter, RunFilter};

use crate::failure::Failure;
use crate::{limits, rows};

/// Larger than every id, which are 16 bytes long.
const AFTER_ALL: [u8; 17] = [0xff; 17];

fn before(request: &PageRequest) -> &[u8] {
    request.before.as_ref().map_or(&AFTER_ALL, |id| &id[..])
}

/// A row of a list: its id, and how many bytes of bodies it holds.
trait Listed: Sized {
    fn read(row: &Row<'_>) -> Result<Self, Failure>;
    fn id(&self) -> [u8; 16];
    fn bytes(&self) -> usize;
}

/// A page that is being filled.
struct Filling<T> {
    page: Page<T>,
    limit: usize,
    bytes: usize,
}

impl<T: Listed> Filling<T> {
    fn new(request: &PageRequest) -> Self {
        let page = Page {
            rows: Vec::new(),
            next: None,
        };
        Self {
            page,
            limit: request.limit.clamp(1, PageRequest::LIMIT_MAX) as usize,
            bytes: 0,
        }
    }

    /// Takes a row; `false` where the page was full, so that another one begins with this row.
    fn add(&mut self, listed: T) -> bool {
        let rows = &mut self.page.rows;
        if rows.len() == self.limit || self.bytes > limits::LIST_BYTES {
            self.page.next = rows.last().map(T::id);
            return false;
        }
        self.bytes += listed.bytes();
        rows.push(listed);
        true
    }
}

fn page<T: Listed>(
    connection: &Connection,
    sql: &str,
    filter: impl Params,
    request: &PageRequest,
) -> Result<Page<T>, Failure> {
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query(filter)?;
    let mut filling = Filling::new(request);
    while let Some(row) = rows.next()? {
        if !filling.add(T::read(row)?) {
            break;
        }
    }
    Ok(filling.page)
}

impl Listed for (Event, Vec<[u8; 16]>) {
    fn read(row: &Row<'_>) -> Result<Self, Failure> {
        rows::event(row)
    }

    fn id(&self) -> [u8; 16] {
        *self.0.id.as_bytes()
    }

    fn bytes(&self) -> usize {
        self.0.input.len() + self.0.meta.len()
    }
}

impl Listed for Run {
    fn read(row: &Row<'_>) -> Result<Self, Failure> {
        rows::run(row)
    }

    fn id(&self) -> [u8; 16] {
        *self.id.as_bytes()
    }

    fn bytes(&self) -> usize {
        let bodies = [&self.output, &self.usage];
        bodies.into_iter().flatten().map(bytes::Bytes::len).sum()
    }
}

impl Listed for Delivery {
    fn read(row: &Row<'_>) -> Result<Self, Failure> {
        rows::delivery(row)
    }

    fn id(&self) -> [u8; 16] {
        *self.id.as_bytes()
    }

    fn bytes(&self) -> usize {
        self.body.len()
    }
}

pub(crate) fn events(
    connection: &Connection,
    project: ProjectId,
    filter: &EventFilter,
    request: &PageRequest,
) -> Result<Page<Event>, Failure> {
    let columns = rows::EVENT;
    let sql = format!(
        "SELECT {columns} FROM events e LEFT JOIN payloads p ON p.seq = e.payload \
         WHERE e.project = ?1 AND e.id < ?2 AND (?3 IS NULL OR e.connector = ?3) \
         ORDER BY e.id DESC"
    );
    let connector = filter.connector.map(|id| id.0);
    let narrowed = params![project.0, before(request), connector];
    let page = page::<(Event, _)>(connection, &sql, narrowed, request)?;
    let rows = page.rows.into_iter();
    let rows = rows.map(|(event, files)| super::with_files(connection, event, &files));
    Ok(Page {
        next: page.next,
        rows: rows.collect::<Result<_, _>>()?,
    })
}

pub(crate) fn runs(
    connection: &Connection,
    project: ProjectId,
    filter: &RunFilter,
    request: &PageRequest,
) -> Result<Page<Run>, Failure> {
    if let Some(event) = filter.event {
        return runs_of_event(connection, (project, event), filter, request);
    }
    let (index, by) = match filter.state {
        Some(RunState::Failed | RunState::Cancelled) => (
            "INDEXED BY runs_ended_badly",
            "AND r.state IN (4, 5) AND r.state = ?3",
        ),
        _ => ("", ""),
    };
    let columns = rows::RUN;
    let sql = format!(
        "SELECT {columns} FROM runs r {index} LEFT JOIN payloads p ON p.seq = r.result \
         WHERE r.project = ?1 AND r.id < ?2 AND (?3 IS NULL OR r.state = ?3) \
         AND (?4 IS NULL OR r.agent = ?4) {by} ORDER BY r.id DESC"
    );
    let narrowed = params![
        project.0,
        before(request),
        filter.state.map(rows::run_state_code),
        filter.agent.map(|id| id.0),
    ];
    page(connection, &sql, narrowed, request)
}

/// An event knows its runs, so that no index is needed to find them.
fn runs_of_event(
    connection: &Connection,
    (project, event): (ProjectId, EventId),
    filter: &RunFilter,
    request: &PageRequest,
) -> Result<Page<Run>, Failure> {
    let ids = "SELECT runs, replays FROM events WHERE project = ?1 AND id = ?2";
    let ids = super::one(connection, ids, (project, event.as_bytes()), |row| {
        Ok([rows::ids(row, 0)?, rows::ids(row, 1)?].concat())
    })?;
    let mut ids = ids.unwrap_or_default();
    ids.retain(|id| id.as_slice() < before(request));
    ids.sort_unstable_by(|one, other| other.cmp(one));
    let mut filling = Filling::new(request);
    for id in ids {
        let run = super::run(connection, project, RunId::from_bytes(id))?;
        let run = run.ok_or(Failure::Damaged("an event has lost a run"))?;
        let wanted = filter.agent.is_none_or(|agent| agent == run.agent)
            && filter.state.is_none_or(|state| state == run.state);
        if wanted && !filling.add(run) {
            break;
        }
    }
    Ok(filling.page)
}

pub(crate) fn deliveries(
    connection: &Connection,
    project: ProjectId,
    filter: &DeliveryFilter,
    request: &PageRequest,
) -> Result<Page<Delivery>, Failure> {
    let (index, by) = match (filter.run, filter.state) {
        (Some(_), _) => ("INDEXED BY deliveries_by_run", "AND d.run = ?5"),
        (None, Some(DeliveryState::Failed | DeliveryState::Cancelled)) => (
            "INDEXED BY deliveries_ended_badly",
            "AND d.state IN (4, 5) AND d.state = ?3 AND ?5 IS NULL",
        ),
        (None, _) => ("", "AND ?5 IS NULL"),
    };
    let columns = rows::DELIVERY;
    let sql = format!(
        "SELECT {columns} FROM deliveries d {index} LEFT JOIN payloads p ON p.seq = d.payload \
         WHERE d.project = ?1 AND d.id < ?2 AND (?3 IS NULL OR d.state = ?3) \
         AND (?4 IS NULL OR d.connector = ?4) {by} ORDER BY d.id DESC"
    );
    let narrowed = params![
        project.0,
        before(request),
        filter.state.map(rows::delivery_state_code),
        filter.connector.map(|id| id.0),
        filter.run.as_ref().map(RunId::as_bytes),
    ];
    page(connection, &sql, narrowed, request)
}
