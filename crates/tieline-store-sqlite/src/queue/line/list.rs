//! Runs that the hub has to look after: whose place was taken, and who waits too long.

use rusqlite::{Connection, Params, params};
use tieline_model::{AgentId, ProjectId, RunId, Timestamp};

use crate::failure::Failure;

pub(crate) fn displaced(
    connection: &Connection,
    limit: u32,
) -> Result<Vec<(ProjectId, RunId)>, Failure> {
    let displaced = "SELECT project, id FROM runs INDEXED BY runs_displaced \
                     WHERE held_back = 2 AND state < 3 ORDER BY project, id LIMIT ?1";
    keys(connection, displaced, params![limit])
}

/// Looks through all that an agent has not begun: in the index of what is queued, which holds all
/// that is asked for; one by one, what waits and what stands behind others.
pub(crate) fn stale(
    connection: &Connection,
    agent: AgentId,
    queued_before: Timestamp,
    limit: u32,
) -> Result<Vec<(ProjectId, RunId)>, Failure> {
    let stale = "SELECT r.project, r.id FROM ( \
           SELECT project, id FROM runs INDEXED BY runs_queued \
           WHERE state = 0 AND held_back = 0 AND agent = ?1 AND queued_at < ?2 \
         UNION ALL \
           SELECT project, id FROM runs INDEXED BY runs_waiting \
           WHERE state = 2 AND held_back = 0 AND agent = ?1 AND queued_at < ?2 \
           AND reason IS NOT 3 \
         UNION ALL \
           SELECT project, id FROM runs INDEXED BY runs_lined \
           WHERE line IS NOT NULL AND state < 3 AND agent = ?1 AND held_back = 1 \
           AND queued_at < ?2) old \
         CROSS JOIN runs r ON r.project = old.project AND r.id = old.id \
         WHERE r.attempt = 0 ORDER BY r.project, r.id LIMIT ?3";
    let narrowed = params![agent.0, queued_before.as_millis(), limit];
    keys(connection, stale, narrowed)
}

fn keys(
    connection: &Connection,
    sql: &str,
    narrowed: impl Params,
) -> Result<Vec<(ProjectId, RunId)>, Failure> {
    let mut select = connection.prepare_cached(sql)?;
    let key = |row: &rusqlite::Row<'_>| {
        let id = RunId::from_bytes(row.get(1)?);
        Ok((ProjectId(row.get(0)?), id))
    };
    let keys = select.query_map(narrowed, key)?;
    Ok(keys.collect::<Result<_, _>>()?)
}
