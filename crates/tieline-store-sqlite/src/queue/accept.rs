//! What goes in: events with their files and runs, once.

use rusqlite::{Connection, OptionalExtension as _, params};
use tieline_failpoint::{self as failpoint, Step};
use tieline_model::{EventId, ProjectId, Reason, RunError, RunId, Timestamp};
use tieline_store::{Acceptance, Change, Dedupe, NewEvent};

use super::line;
use crate::failure::Failure;
use crate::seal::{KeyedDedupe, SealedNewEvent, SealedNewFile, SealedNewRun};
use crate::{payload, rows};

pub(crate) fn accept(
    connection: &Connection,
    events: &[SealedNewEvent],
) -> Result<Vec<Acceptance>, Failure> {
    let mut acceptances = Vec::with_capacity(events.len());
    for event in events {
        let follows = event.new.dedupe.as_ref().is_some_and(|one| one.follows);
        let repeated = match &event.dedupe {
            Some(_) if follows && acceptances.last() == Some(&Acceptance::Conflict) => {
                Some(Acceptance::Conflict)
            }
            Some(dedupe) => find_repeated(connection, &event.new, dedupe)?,
            None => None,
        };
        acceptances.push(match repeated {
            Some(repeated) => repeated,
            None if line::refuses(connection, event.new.project, &event.runs)? => Acceptance::Busy,
            None => Acceptance::Stored {
                displaced: store(connection, event)?,
            },
        });
    }
    failpoint::pass(Step::AcceptWritten);
    Ok(acceptances)
}

/// A key whose event is kept no longer is as if it were not there.
fn find_repeated(
    connection: &Connection,
    event: &NewEvent,
    dedupe: &KeyedDedupe,
) -> Result<Option<Acceptance>, Failure> {
    let find = "SELECT d.digest, d.event, e.filtered, e.runs FROM dedupe d \
                JOIN events e ON e.project = d.project AND e.id = d.event \
                WHERE d.connector = ?1 AND d.key = ?2";
    let mut find = connection.prepare_cached(find)?;
    let mut rows = find.query(params![event.connector.0, dedupe.key])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    if row.get::<_, [u8; 32]>(0)? != dedupe.digest {
        return Ok(Some(Acceptance::Conflict));
    }
    let runs = rows::ids(row, 3)?;
    Ok(Some(Acceptance::Duplicate {
        event: EventId::from_bytes(row.get(1)?),
        runs: runs.into_iter().map(RunId::from_bytes).collect(),
        filtered: row.get(2)?,
    }))
}

/// The hot path: without a key, files and lines, one payload, one event and its runs. Returns the
/// runs whose place its own take.
fn store(connection: &Connection, sealed: &SealedNewEvent) -> Result<Vec<RunId>, Failure> {
    let new = &sealed.new;
    let project = new.project;
    let payload = payload::put(connection, project, &sealed.payload)?;
    let files = joined(sealed.files.iter().map(|file| &file.id));
    let runs = joined(sealed.runs.iter().map(|run| run.new.id.as_bytes()));
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
    let event = (project, new.id, new.connector.0);
    let mut displaced = Vec::new();
    for run in &sealed.runs {
        displaced.extend(queue(connection, event, run, new.queued_at)?);
    }
    for file in &sealed.files {
        put_file(connection, new, file)?;
    }
    if let (Some(dedupe), Some(keyed)) = (&new.dedupe, &sealed.dedupe) {
        put_dedupe(connection, new, (dedupe, keyed))?;
    }
    Ok(displaced)
}

fn joined<'a>(ids: impl Iterator<Item = &'a [u8; 16]>) -> Option<Vec<u8>> {
    let ids = ids.flatten().copied().collect::<Vec<u8>>();
    (!ids.is_empty()).then_some(ids)
}

/// Writes a run of an event (its project, id and connector), and returns those whose place it
/// takes.
fn queue(
    connection: &Connection,
    event: (ProjectId, EventId, i64),
    sealed: &SealedNewRun,
    now: Timestamp,
) -> Result<Vec<RunId>, Failure> {
    let standing = line::stand(connection, event, sealed, now)?;
    let run = &sealed.new;
    let held = run.held.as_ref().map(|_: &RunError| (Reason::Held, now));
    let quiet = standing.due.quiet_since;
    let waits = held.or_else(|| quiet.map(|since| (Reason::Debounce, since)));
    let put = "INSERT INTO runs (project, id, event, agent, session, state, reason, \
               waiting_since, due_at, queued_at, error_code, error_message, connector, \
               priority, line, place, width, held_back, merged) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, \
               ?17, ?18, ?19)";
    connection.prepare_cached(put)?.execute(params![
        event.0.0,
        run.id.as_bytes(),
        event.1.as_bytes(),
        run.agent.0,
        sealed.session,
        waits.map_or(rows::QUEUED, |_| rows::WAITING),
        waits.map(|(reason, _)| rows::reason_code(reason)),
        waits.map(|(_, since)| since.as_millis()),
        held.is_none().then_some(standing.due.at.as_millis()),
        now.as_millis(),
        rows::error_code(run.held.as_ref()),
        sealed.message,
        event.2,
        rows::priority_code(run.priority),
        standing.line,
        standing.place,
        standing.width,
        standing.held_back,
        standing.merged,
    ])?;
    Ok(standing.displaced)
}

fn put_file(connection: &Connection, event: &NewEvent, new: &SealedNewFile) -> Result<(), Failure> {
    let payload = payload::put(connection, event.project, &new.payload)?;
    let put = "INSERT INTO files (project, id, event, connector, about, payload) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    connection.prepare_cached(put)?.execute(params![
        event.project.0,
        new.id,
        event.id.as_bytes(),
        event.connector.0,
        new.about,
        payload,
    ])?;
    Ok(())
}

/// Replaces a key that has lost its event; any other was found before.
fn put_dedupe(
    connection: &Connection,
    event: &NewEvent,
    (new, keyed): (&Dedupe, &KeyedDedupe),
) -> Result<(), Failure> {
    let put = "INSERT OR REPLACE INTO dedupe (connector, key, project, event, digest, \
               expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    connection.prepare_cached(put)?.execute(params![
        event.connector.0,
        keyed.key,
        event.project.0,
        event.id.as_bytes(),
        keyed.digest,
        new.expires_at.as_millis(),
    ])?;
    Ok(())
}

pub(crate) fn add_runs(
    connection: &Connection,
    event: (ProjectId, EventId),
    runs: &[SealedNewRun],
    now: Timestamp,
) -> Result<Change, Failure> {
    // `||` makes text of blobs, and joins them byte by byte.
    let add = "UPDATE events SET replays = CAST(coalesce(replays, x'') || ?3 AS BLOB) \
               WHERE project = ?1 AND id = ?2 RETURNING connector";
    let ids = joined(runs.iter().map(|run| run.new.id.as_bytes())).unwrap_or_default();
    let mut add = connection.prepare_cached(add)?;
    let added = params![event.0.0, event.1.as_bytes(), ids];
    let connector = add.query_row(added, |row| row.get(0)).optional()?;
    let Some(connector) = connector else {
        return Ok(Change::NotFound);
    };
    for run in runs {
        queue(connection, (event.0, event.1, connector), run, now)?;
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
