//! What can be read afterwards: rows by id, lists newest first, attempts oldest first.

mod lists;

use std::sync::LazyLock;

use bytes::Bytes;
use rusqlite::{Connection, Row, params};
use tieline_model::{
    AgentId, ConnectorId, DeliveryId, EventFile, EventId, FileId, Kept, ProjectId, RunId,
};
use tieline_store::{OpenWork, StoredFile};

pub(crate) use self::lists::{deliveries, events, runs};
use crate::failure::Failure;
use crate::rows;
use crate::sealed::{SealedAttempt, SealedDelivery, SealedEvent, SealedFile, SealedRun, Source};

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
    from: &Source<'_>,
    sql: &str,
    (project, id): (ProjectId, &[u8; 16]),
    decode: impl FnOnce(&Source<'_>, &Row<'_>) -> Result<T, Failure>,
) -> Result<Option<T>, Failure> {
    let mut select = from.prepare_cached(sql)?;
    let mut rows = select.query(params![project.0, id])?;
    rows.next()?.map(|row| decode(from, row)).transpose()
}

pub(crate) fn event(
    from: &Source<'_>,
    project: ProjectId,
    id: EventId,
) -> Result<Option<SealedEvent>, Failure> {
    let found = one(from, &EVENT, (project, id.as_bytes()), rows::event)?;
    let Some((event, files)) = found else {
        return Ok(None);
    };
    with_files(from, event, &files).map(Some)
}

fn with_files(
    from: &Source<'_>,
    mut sealed: SealedEvent,
    files: &[[u8; 16]],
) -> Result<SealedEvent, Failure> {
    for id in files {
        let find = "SELECT about FROM files WHERE project = ?1 AND id = ?2";
        let about = one(from, find, (sealed.event.project, id), |from, row| {
            about(from, row, 0)
        })?;
        let about = about.ok_or(Failure::Damaged("an event has lost a file"))?;
        sealed.files.push((FileId::from_bytes(*id), about));
    }
    Ok(sealed)
}

fn about(from: &Source<'_>, row: &Row<'_>, column: usize) -> Result<Vec<u8>, Failure> {
    let about = from.value(row, column)?;
    about.ok_or(Failure::Damaged("a file has no description"))
}

pub(crate) fn file(
    from: &Source<'_>,
    project: ProjectId,
    id: FileId,
) -> Result<Option<SealedFile>, Failure> {
    let find = "SELECT f.about, f.event, f.connector, p.sealed, f.payload FROM files f \
                LEFT JOIN payloads p ON p.seq = f.payload WHERE f.project = ?1 AND f.id = ?2";
    one(from, find, (project, id.as_bytes()), |from, row| {
        let file = StoredFile {
            project,
            event: EventId::from_bytes(row.get(1)?),
            connector: ConnectorId(row.get(2)?),
            file: unknown_file(id),
            content: Bytes::new(),
            kept: Kept::Whole,
        };
        Ok(SealedFile {
            file,
            about: about(from, row, 0)?,
            payload: from.payload(row, 3)?,
        })
    })
}

/// What is known of a file whose description is sealed.
fn unknown_file(id: FileId) -> EventFile {
    EventFile {
        id,
        field: None,
        name: None,
        content_type: "application/octet-stream".to_owned(),
        size: 0,
        sha256: String::new(),
    }
}

pub(crate) fn run(
    from: &Source<'_>,
    project: ProjectId,
    id: RunId,
) -> Result<Option<SealedRun>, Failure> {
    one(from, &RUN, (project, id.as_bytes()), rows::run)
}

pub(crate) fn runs_by_id(
    from: &Source<'_>,
    project: ProjectId,
    ids: &[RunId],
) -> Result<Vec<SealedRun>, Failure> {
    let found = ids.iter().map(|id| run(from, project, *id));
    found.filter_map(Result::transpose).collect()
}

pub(crate) fn delivery(
    from: &Source<'_>,
    project: ProjectId,
    id: DeliveryId,
) -> Result<Option<SealedDelivery>, Failure> {
    one(from, &DELIVERY, (project, id.as_bytes()), rows::delivery)
}

/// Of a run or of a delivery.
pub(crate) fn attempts(
    from: &Source<'_>,
    project: ProjectId,
    owner: [u8; 16],
) -> Result<Vec<SealedAttempt>, Failure> {
    let all = "SELECT number, started_at, ended_at, status, error_code, error_message, response \
               FROM attempts WHERE project = ?1 AND owner = ?2 ORDER BY position";
    let mut all = from.prepare_cached(all)?;
    let mut rows = all.query(params![project.0, owner])?;
    let mut attempts = Vec::new();
    while let Some(row) = rows.next()? {
        attempts.push(rows::attempt(from, row, (project, owner))?);
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
