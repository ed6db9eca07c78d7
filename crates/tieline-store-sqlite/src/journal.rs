//! What can be read afterwards: rows by id, lists newest first, attempts oldest first.

mod lists;

use std::sync::LazyLock;

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use tieline_model::{
    AgentId, Attempt, ConnectorId, Delivery, DeliveryId, Event, EventFile, EventId, FileId,
    ProjectId, Run, RunId,
};
use tieline_store::{OpenWork, StoredFile};

pub(crate) use self::lists::{deliveries, events, runs};
use crate::failure::Failure;
use crate::{payload, rows};

static EVENT: LazyLock<String> = LazyLock::new(|| {
    let columns = rows::EVENT;
    format!(
        "SELECT {columns} FROM events e LEFT JOIN payloads p ON p.seq = e.payload \
         WHERE e.project = ?1 AND e.id = ?2"
    )
});
static RUN: LazyLock<String> = LazyLock::new(|| {
    let columns = rows::RUN;
    format!(
        "SELECT {columns} FROM runs r LEFT JOIN payloads p ON p.seq = r.result \
         WHERE r.project = ?1 AND r.id = ?2"
    )
});
static DELIVERY: LazyLock<String> = LazyLock::new(|| {
    let columns = rows::DELIVERY;
    format!(
        "SELECT {columns} FROM deliveries d LEFT JOIN payloads p ON p.seq = d.payload \
         WHERE d.project = ?1 AND d.id = ?2"
    )
});

/// The row of an id, decoded.
fn one<T>(
    connection: &Connection,
    sql: &str,
    (project, id): (ProjectId, &[u8; 16]),
    decode: impl FnOnce(&Row<'_>) -> Result<T, Failure>,
) -> Result<Option<T>, Failure> {
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query(params![project.0, id])?;
    rows.next()?.map(decode).transpose()
}

pub(crate) fn event(
    connection: &Connection,
    project: ProjectId,
    id: EventId,
) -> Result<Option<Event>, Failure> {
    let found = one(connection, &EVENT, (project, id.as_bytes()), rows::event)?;
    let Some((event, files)) = found else {
        return Ok(None);
    };
    with_files(connection, event, &files).map(Some)
}

fn with_files(
    connection: &Connection,
    mut event: Event,
    files: &[[u8; 16]],
) -> Result<Event, Failure> {
    for id in files {
        let find = "SELECT field, name, content_type, size, sha256 FROM files \
                    WHERE project = ?1 AND id = ?2";
        let mut find = connection.prepare_cached(find)?;
        let key = params![event.project.0, id];
        let found = find.query_row(key, |row| event_file(row, *id)).optional()?;
        let found = found.ok_or(Failure::Damaged("an event has lost a file"))?;
        event.files.push(found);
    }
    Ok(event)
}

fn event_file(row: &Row<'_>, id: [u8; 16]) -> rusqlite::Result<EventFile> {
    Ok(EventFile {
        id: FileId::from_bytes(id),
        field: row.get(0)?,
        name: row.get(1)?,
        content_type: row.get(2)?,
        size: rows::count(row, 3)?,
        sha256: row.get(4)?,
    })
}

pub(crate) fn file(
    connection: &Connection,
    project: ProjectId,
    id: FileId,
) -> Result<Option<StoredFile>, Failure> {
    let find = "SELECT f.field, f.name, f.content_type, f.size, f.sha256, f.event, f.connector, \
                p.body, p.extra, p.crc, f.payload FROM files f LEFT JOIN payloads p ON p.seq = f.payload \
                WHERE f.project = ?1 AND f.id = ?2";
    one(connection, find, (project, id.as_bytes()), |row| {
        let payload = payload::read(row, 7)?;
        Ok(StoredFile {
            project,
            event: EventId::from_bytes(row.get(5)?),
            connector: ConnectorId(row.get(6)?),
            file: event_file(row, *id.as_bytes())?,
            content: payload.body.unwrap_or_default(),
            kept: payload.kept,
        })
    })
}

pub(crate) fn run(
    connection: &Connection,
    project: ProjectId,
    id: RunId,
) -> Result<Option<Run>, Failure> {
    one(connection, &RUN, (project, id.as_bytes()), rows::run)
}

pub(crate) fn runs_by_id(
    connection: &Connection,
    project: ProjectId,
    ids: &[RunId],
) -> Result<Vec<Run>, Failure> {
    let found = ids.iter().map(|id| run(connection, project, *id));
    found.filter_map(Result::transpose).collect()
}

pub(crate) fn delivery(
    connection: &Connection,
    project: ProjectId,
    id: DeliveryId,
) -> Result<Option<Delivery>, Failure> {
    one(
        connection,
        &DELIVERY,
        (project, id.as_bytes()),
        rows::delivery,
    )
}

/// Of a run or of a delivery.
pub(crate) fn attempts(
    connection: &Connection,
    project: ProjectId,
    owner: [u8; 16],
) -> Result<Vec<Attempt>, Failure> {
    let all = "SELECT number, started_at, ended_at, status, error_code, error_message, response \
               FROM attempts WHERE project = ?1 AND owner = ?2 ORDER BY position";
    let mut all = connection.prepare_cached(all)?;
    let mut rows = all.query(params![project.0, owner])?;
    let mut attempts = Vec::new();
    while let Some(row) = rows.next()? {
        attempts.push(rows::attempt(row)?);
    }
    Ok(attempts)
}

/// Counts the queue indexes, which hold nothing that has ended.
pub(crate) fn open_work(connection: &Connection) -> Result<OpenWork, Failure> {
    let part = |table: &str, of: &str, part: &str, which: &str| {
        format!(
            "SELECT {of}, count(*) AS open FROM {table} INDEXED BY {table}_{part} \
             WHERE {which} GROUP BY {of}"
        )
    };
    let count = |of: &str, parts: &[String]| -> rusqlite::Result<Vec<(i64, u64)>> {
        let parts = parts.join(" UNION ALL ");
        let sql = format!("SELECT {of}, sum(open) FROM ({parts}) GROUP BY {of} ORDER BY {of}");
        let mut count = connection.prepare_cached(&sql)?;
        let rows = count.query_map([], |row| Ok((row.get(0)?, rows::count(row, 1)?)))?;
        rows.collect()
    };
    let run = |name, which: &str| part("runs", "agent", name, which);
    let runs = [
        run("queued", "state = 0 AND held_back = 0"),
        run("waiting", "state = 2 AND held_back = 0"),
        run("leased", "state = 1 AND held_back = 0"),
        run("lined", "line IS NOT NULL AND state < 3 AND held_back > 0"),
    ];
    let delivery = |name, which: &str| part("deliveries", "connector", name, which);
    let deliveries = [
        delivery("queued", "state = 0"),
        delivery("waiting", "state = 2"),
        delivery("leased", "state = 1"),
    ];
    let runs = count("agent", &runs)?.into_iter();
    let deliveries = count("connector", &deliveries)?.into_iter();
    Ok((
        runs.map(|(id, open)| (AgentId(id), open)).collect(),
        deliveries
            .map(|(id, open)| (ConnectorId(id), open))
            .collect(),
    ))
}
