//! What goes in: events with their files and runs, once.

use rusqlite::{Connection, OptionalExtension as _, params};
use tieline_model::{EventId, ProjectId, Reason, RunError, RunId, Timestamp};
use tieline_store::{Acceptance, Change, Dedupe, NewEvent, NewFile, NewRun};

use super::put_payload;
use crate::failure::Failure;
use crate::rows;

pub(crate) fn accept(
    connection: &Connection,
    events: &[NewEvent],
) -> Result<Vec<Acceptance>, Failure> {
    let mut acceptances = Vec::with_capacity(events.len());
    for event in events {
        let repeated = match &event.dedupe {
            Some(dedupe) => find_repeated(connection, event, dedupe)?,
            None => None,
        };
        if let Some(acceptance) = repeated {
            acceptances.push(acceptance);
        } else {
            store(connection, event)?;
            acceptances.push(Acceptance::Stored);
        }
    }
    Ok(acceptances)
}

fn find_repeated(
    connection: &Connection,
    event: &NewEvent,
    dedupe: &Dedupe,
) -> Result<Option<Acceptance>, Failure> {
    let find = "SELECT project, event, digest FROM dedupe \
                WHERE connector = ?1 AND key = ?2 AND expires_at > ?3";
    let mut find = connection.prepare_cached(find)?;
    let place = params![event.connector.0, dedupe.key, event.received_at.as_millis()];
    let seen = find.query_row(place, |row| {
        let first: (i64, [u8; 16]) = (row.get(0)?, row.get(1)?);
        Ok((first, row.get::<_, [u8; 32]>(2)?))
    });
    match seen.optional()? {
        None => Ok(None),
        Some((_, digest)) if digest != dedupe.digest => Ok(Some(Acceptance::Conflict)),
        Some(((project, event), _)) => duplicate(connection, project, event).map(Some),
    }
}

fn duplicate(
    connection: &Connection,
    project: i64,
    event: [u8; 16],
) -> Result<Acceptance, Failure> {
    let find = "SELECT runs, filtered FROM events WHERE project = ?1 AND id = ?2";
    let mut find = connection.prepare_cached(find)?;
    let mut rows = find.query(params![project, event])?;
    let Some(row) = rows.next()? else {
        return Err(Failure::Damaged("a dedupe key has lost its event"));
    };
    let runs = rows::ids(row, 0)?;
    Ok(Acceptance::Duplicate {
        event: EventId::from_bytes(event),
        runs: runs.into_iter().map(RunId::from_bytes).collect(),
        filtered: row.get(1)?,
    })
}

/// The hot path: without a key and files, one payload, one event and its runs.
fn store(connection: &Connection, new: &NewEvent) -> Result<(), Failure> {
    let project = new.project;
    let payload = put_payload(connection, project, Some(&new.input), Some(&new.meta))?;
    let files = joined(new.files.iter().map(|new| new.file.id.as_bytes()));
    let runs = joined(new.runs.iter().map(|run| run.id.as_bytes()));
    let put = "INSERT INTO events (project, id, connector, received_at, trust, filtered, \
               payload, files, runs) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    connection.prepare_cached(put)?.execute(params![
        project.0,
        new.id.as_bytes(),
        new.connector.0,
        new.received_at.as_millis(),
        rows::trust_code(new.trust),
        new.filtered,
        payload,
        files,
        runs,
    ])?;
    for run in &new.runs {
        queue(connection, (project, new.id), run, new.received_at)?;
    }
    for file in &new.files {
        put_file(connection, new, file)?;
    }
    if let Some(dedupe) = &new.dedupe {
        put_dedupe(connection, new, dedupe)?;
    }
    Ok(())
}

fn joined<'a>(ids: impl Iterator<Item = &'a [u8; 16]>) -> Option<Vec<u8>> {
    let ids = ids.flatten().copied().collect::<Vec<u8>>();
    (!ids.is_empty()).then_some(ids)
}

fn queue(
    connection: &Connection,
    event: (ProjectId, EventId),
    run: &NewRun,
    now: Timestamp,
) -> Result<(), Failure> {
    let at = now.as_millis();
    let (code, message) = rows::error_columns(run.held.as_ref());
    let held = run.held.as_ref().map(|_: &RunError| Reason::Held);
    let put = "INSERT INTO runs (project, id, event, agent, session, state, reason, \
               waiting_since, due_at, queued_at, error_code, error_message) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    connection.prepare_cached(put)?.execute(params![
        event.0.0,
        run.id.as_bytes(),
        event.1.as_bytes(),
        run.agent.0,
        run.session,
        held.map_or(rows::QUEUED, |_| rows::WAITING),
        held.map(rows::reason_code),
        held.map(|_| at),
        held.is_none().then_some(at),
        at,
        code,
        message,
    ])?;
    Ok(())
}

fn put_file(connection: &Connection, event: &NewEvent, new: &NewFile) -> Result<(), Failure> {
    let payload = put_payload(connection, event.project, Some(&new.content), None)?;
    let put = "INSERT INTO files (project, id, event, connector, field, name, content_type, \
               size, sha256, payload) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    let size = i64::try_from(new.file.size);
    connection.prepare_cached(put)?.execute(params![
        event.project.0,
        new.file.id.as_bytes(),
        event.id.as_bytes(),
        event.connector.0,
        new.file.field,
        new.file.name,
        new.file.content_type,
        size.map_err(|_| Failure::Refused("a file has an impossible size"))?,
        new.file.sha256,
        payload,
    ])?;
    Ok(())
}

/// Replaces a key that has expired; one that has not was found before.
fn put_dedupe(connection: &Connection, event: &NewEvent, new: &Dedupe) -> Result<(), Failure> {
    let put = "INSERT OR REPLACE INTO dedupe (connector, key, project, event, digest, \
               expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    connection.prepare_cached(put)?.execute(params![
        event.connector.0,
        new.key,
        event.project.0,
        event.id.as_bytes(),
        new.digest,
        new.expires_at.as_millis(),
    ])?;
    Ok(())
}

pub(crate) fn add_runs(
    connection: &Connection,
    event: (ProjectId, EventId),
    runs: &[NewRun],
    now: Timestamp,
) -> Result<Change, Failure> {
    // `||` makes text of blobs, and joins them byte by byte.
    let add = "UPDATE events SET replays = CAST(coalesce(replays, x'') || ?3 AS BLOB) \
               WHERE project = ?1 AND id = ?2";
    let ids = joined(runs.iter().map(|run| run.id.as_bytes())).unwrap_or_default();
    let mut add = connection.prepare_cached(add)?;
    if add.execute(params![event.0.0, event.1.as_bytes(), ids])? == 0 {
        return Ok(Change::NotFound);
    }
    for run in runs {
        queue(connection, event, run, now)?;
    }
    Ok(Change::Done)
}

pub(crate) fn forget_expired(
    connection: &Connection,
    now: Timestamp,
    limit: u32,
) -> Result<u64, Failure> {
    let forget = "DELETE FROM dedupe WHERE (connector, key) IN (SELECT connector, key \
                  FROM dedupe WHERE expires_at <= ?1 ORDER BY expires_at, connector, key LIMIT ?2)";
    let mut forget = connection.prepare_cached(forget)?;
    Ok(forget.execute(params![now.as_millis(), limit])? as u64)
}
