//! Lists, newest first. A page ends early where its bodies grow too large to hold.

mod narrow;
mod runs;

use rusqlite::{Row, params_from_iter};
use tieline_model::page::{Page, PageRequest};
use tieline_model::{DeliveryId, DeliveryState, ProjectId, RunId};
use tieline_store::{DeliveryFilter, EventFilter};

use self::narrow::Narrow;
pub(crate) use self::runs::runs;
use crate::failure::Failure;
use crate::sealed::{Sealed as _, SealedDelivery, SealedEvent, SealedRun, Source};
use crate::{limits, rows};

/// A row of a list: its id, and how many bytes of bodies it holds.
trait Listed: Sized {
    fn read(from: &Source<'_>, row: &Row<'_>) -> Result<Self, Failure>;
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
    from: &Source<'_>,
    sql: &str,
    narrow: &Narrow,
    request: &PageRequest,
) -> Result<Page<T>, Failure> {
    let mut select = from.prepare_cached(sql)?;
    let mut rows = select.query(params_from_iter(narrow.values()))?;
    let mut filling = Filling::new(request);
    while let Some(row) = rows.next()? {
        if !filling.add(T::read(from, row)?) {
            break;
        }
    }
    Ok(filling.page)
}

/// A page of what has not ended. Its rows are read one by one once their ids are in order: all
/// that is open may be much more than a page.
fn page_of_ids<T: Listed>(
    from: &Source<'_>,
    sql: &str,
    narrow: &Narrow,
    (request, one): (
        &PageRequest,
        impl Fn([u8; 16]) -> Result<Option<T>, Failure>,
    ),
) -> Result<Page<T>, Failure> {
    let mut filling = Filling::new(request);
    let sql = format!("{sql} LIMIT {}", filling.limit + 1);
    let mut select = from.prepare_cached(&sql)?;
    let ids = select.query_map(params_from_iter(narrow.values()), |row| row.get(0))?;
    for id in ids {
        let row = one(id?)?.ok_or(Failure::Damaged("an index has lost its row"))?;
        if !filling.add(row) {
            break;
        }
    }
    Ok(filling.page)
}

impl Listed for (SealedEvent, Vec<[u8; 16]>) {
    fn read(from: &Source<'_>, row: &Row<'_>) -> Result<Self, Failure> {
        rows::event(from, row)
    }

    fn id(&self) -> [u8; 16] {
        *self.0.event.id.as_bytes()
    }

    fn bytes(&self) -> usize {
        self.0.bytes()
    }
}

impl Listed for SealedRun {
    fn read(from: &Source<'_>, row: &Row<'_>) -> Result<Self, Failure> {
        rows::run(from, row)
    }

    fn id(&self) -> [u8; 16] {
        *self.run.id.as_bytes()
    }

    fn bytes(&self) -> usize {
        self.result.bytes()
    }
}

impl Listed for SealedDelivery {
    fn read(from: &Source<'_>, row: &Row<'_>) -> Result<Self, Failure> {
        rows::delivery(from, row)
    }

    fn id(&self) -> [u8; 16] {
        *self.delivery.id.as_bytes()
    }

    fn bytes(&self) -> usize {
        self.payload.bytes()
    }
}

pub(crate) fn events(
    from: &Source<'_>,
    project: ProjectId,
    filter: &EventFilter,
    request: &PageRequest,
) -> Result<Page<SealedEvent>, Failure> {
    let mut narrow = Narrow::new("e", project, request);
    narrow.and("e.connector =", filter.connector.map(|id| id.0));
    narrow.made_within("e", filter.received);
    narrow.within("e.received_at", filter.received);
    let (columns, narrowed) = (rows::EVENT, narrow.sql());
    let sql = format!(
        "SELECT {columns} FROM events e LEFT JOIN payloads p ON p.seq = e.payload \
         WHERE {narrowed} ORDER BY e.id DESC"
    );
    let page = page::<(SealedEvent, _)>(from, &sql, &narrow, request)?;
    let rows = page.rows.into_iter();
    let rows = rows.map(|(event, files)| super::with_files(from, event, &files));
    Ok(Page {
        next: page.next,
        rows: rows.collect::<Result<_, _>>()?,
    })
}

pub(crate) fn deliveries(
    from: &Source<'_>,
    project: ProjectId,
    filter: &DeliveryFilter,
    request: &PageRequest,
) -> Result<Page<SealedDelivery>, Failure> {
    let mut narrow = Narrow::new("d", project, request);
    narrow.and("d.connector =", filter.connector.map(|id| id.0));
    narrow.made_within("d", filter.created);
    narrow.within("d.created_at", filter.created);
    let run = filter.run.as_ref().map(|id| RunId::as_bytes(id).to_vec());
    narrow.and("d.run =", run);
    // The numbers are written out: a partial index is used only where it is asked for literally.
    let state = filter.state.map(rows::delivery_state_code);
    let of_state = state.map(|state| format!("AND d.state = {state}"));
    let of_state = of_state.unwrap_or_default();
    let (columns, narrowed) = (rows::DELIVERY, narrow.sql());
    let (index, badly) = match (filter.run, filter.state) {
        (Some(_), _) => ("INDEXED BY deliveries_by_run", ""),
        (None, Some(DeliveryState::Failed | DeliveryState::Cancelled)) => {
            ("INDEXED BY deliveries_ended_badly", "AND d.state IN (4, 5)")
        }
        (None, Some(state)) if !state.is_final() => {
            let part = part(
                state == DeliveryState::Queued,
                state == DeliveryState::Running,
            );
            let sql = format!(
                "SELECT d.id FROM deliveries d INDEXED BY deliveries_{part} \
                 WHERE {narrowed} {of_state} ORDER BY d.id DESC"
            );
            let one = |id| super::delivery(from, project, DeliveryId::from_bytes(id));
            return page_of_ids(from, &sql, &narrow, (request, one));
        }
        (None, _) => ("", ""),
    };
    let sql = format!(
        "SELECT {columns} FROM deliveries d {index} LEFT JOIN payloads p ON p.seq = d.payload \
         WHERE {narrowed} {of_state} {badly} ORDER BY d.id DESC"
    );
    page(from, &sql, &narrow, request)
}

/// The part of a queue that an open row is in.
const fn part(queued: bool, running: bool) -> &'static str {
    if queued {
        "queued"
    } else if running {
        "leased"
    } else {
        "waiting"
    }
}
