//! Claims that end early, and leases that last longer.

use rusqlite::{Connection, params};
use tieline_model::{DeliveryId, NodeId, ProjectId, RunId, Timestamp};
use tieline_store::{Epoch, Settled};

use super::line::{self, Left};
use crate::failure::Failure;

/// A run goes back to where it was claimed from: what waited for an answer waits for it again,
/// and has had no crash.
const FREE_RUNS: [&str; 2] = [
    "UPDATE runs INDEXED BY runs_leased SET state = iif(reason IS 4, 2, 0), \
     crashes = crashes + iif(reason IS 4, 0, 1), due_at = ?2, node = NULL \
     WHERE state = 1 AND held_back = 0 AND node <> ?1",
    "UPDATE runs INDEXED BY runs_displaced SET state = iif(reason IS 4, 2, 0), \
     crashes = crashes + iif(reason IS 4, 0, 1), due_at = ?2, node = NULL \
     WHERE held_back = 2 AND state < 3 AND state = 1 AND node <> ?1",
];

const FREE_DELIVERIES: &str = "UPDATE deliveries INDEXED BY deliveries_leased SET state = 0, \
     due_at = ?2, node = NULL WHERE state = 1 AND node <> ?1";

/// What was queued in the future is due now. What began to wait there begins now, and waits as
/// long.
///
/// Each queue is asked for its end alone, so that a start costs the same however long they are;
/// the next one is found by a jump in the index.
const BEGIN_BY_NOW: [&str; 4] = [
    "WITH RECURSIVE queues (agent) AS ( \
       SELECT min(agent) FROM runs INDEXED BY runs_queued WHERE state = 0 AND held_back = 0 \
       UNION ALL \
       SELECT (SELECT min(agent) FROM runs INDEXED BY runs_queued \
               WHERE state = 0 AND held_back = 0 AND agent > queues.agent) \
       FROM queues WHERE agent IS NOT NULL) \
     UPDATE runs INDEXED BY runs_queued SET due_at = ?1 \
     WHERE agent IN (SELECT agent FROM queues) AND priority IN (0, 1, 2) \
     AND state = 0 AND held_back = 0 AND due_at > ?1",
    "WITH RECURSIVE queues (connector) AS ( \
       SELECT min(connector) FROM deliveries INDEXED BY deliveries_queued WHERE state = 0 \
       UNION ALL \
       SELECT (SELECT min(connector) FROM deliveries INDEXED BY deliveries_queued \
               WHERE state = 0 AND connector > queues.connector) \
       FROM queues WHERE connector IS NOT NULL) \
     UPDATE deliveries INDEXED BY deliveries_queued SET due_at = ?1 \
     WHERE connector IN (SELECT connector FROM queues) AND state = 0 AND due_at > ?1",
    "UPDATE runs INDEXED BY runs_waiting SET waiting_since = ?1, \
     due_at = ?1 + max(due_at - waiting_since, 0) \
     WHERE state = 2 AND held_back = 0 AND waiting_since > ?1",
    "UPDATE deliveries INDEXED BY deliveries_waiting SET waiting_since = ?1, \
     due_at = ?1 + max(due_at - waiting_since, 0) \
     WHERE state = 2 AND waiting_since > ?1",
];

/// The same for what stands behind others. It is no part of a queue's index, so that each of them
/// has to be read.
const BEHIND_BY_NOW: [&str; 2] = [
    "UPDATE runs INDEXED BY runs_lined SET due_at = ?1 \
     WHERE line IS NOT NULL AND state < 3 AND held_back > 0 AND state = 0 AND due_at > ?1",
    "UPDATE runs INDEXED BY runs_lined SET waiting_since = ?1, \
     due_at = ?1 + max(due_at - waiting_since, 0) \
     WHERE line IS NOT NULL AND state < 3 AND held_back > 0 AND state = 2 \
     AND waiting_since > ?1",
];

pub(crate) fn release_leases(
    connection: &Connection,
    keep: NodeId,
    now: Timestamp,
) -> Result<u64, Failure> {
    let left = left_by_displaced(connection, keep)?;
    let mut freed = 0;
    for sql in FREE_RUNS.into_iter().chain([FREE_DELIVERIES]) {
        let mut free = connection.prepare_cached(sql)?;
        freed += free.execute(params![keep.as_bytes(), now.as_millis()])?;
    }
    let latest = "SELECT latest > ?1 FROM places";
    let mut latest = connection.prepare_cached(latest)?;
    let set_back = latest.query_row([now.as_millis()], |row| row.get(0))?;
    let behind: &[&str] = if set_back { &BEHIND_BY_NOW } else { &[] };
    for sql in BEGIN_BY_NOW.iter().chain(behind) {
        connection.prepare_cached(sql)?.execute([now.as_millis()])?;
    }
    // What is freed behind others has this time, and nothing behind them has a later one.
    let latest = "UPDATE places SET latest = ?1";
    connection
        .prepare_cached(latest)?
        .execute([now.as_millis()])?;
    for (project, left) in left {
        left.make_way(connection, project)?;
    }
    Ok(freed as u64)
}

/// The lines in whose way those stand that are not claimed again once they are freed.
fn left_by_displaced(
    connection: &Connection,
    keep: NodeId,
) -> Result<Vec<(ProjectId, Left)>, Failure> {
    let leased = "SELECT project, agent, line, held_back FROM runs INDEXED BY runs_displaced \
                  WHERE held_back = 2 AND state < 3 AND state = 1 AND node <> ?1 \
                  ORDER BY project, id";
    let mut leased = connection.prepare_cached(leased)?;
    let mut rows = leased.query(params![keep.as_bytes()])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let project = ProjectId(row.get(0)?);
        all.extend(Left::read(row, 1)?.map(|left| (project, left)));
    }
    Ok(all)
}

pub(crate) fn release_run(
    connection: &Connection,
    (project, run): (ProjectId, RunId),
    epoch: Epoch,
    now: Timestamp,
) -> Result<Settled, Failure> {
    let free = "UPDATE runs SET state = iif(reason IS 4, 2, 0), \
                attempt = attempt - iif(reason IS 4, 0, 1), due_at = ?4, node = NULL \
                WHERE project = ?1 AND id = ?2 AND state = 1 AND epoch = ?3 \
                RETURNING agent, line, held_back";
    let mut free = connection.prepare_cached(free)?;
    let mut rows = free.query(params![project.0, run.as_bytes(), epoch.0, now.as_millis()])?;
    let Some(row) = rows.next()? else {
        return Ok(Settled::Fenced);
    };
    let left = Left::read(row, 0)?;
    drop(rows);
    if let Some(left) = left.filter(|left| left.displaced) {
        line::timed(connection, now)?;
        left.make_way(connection, project)?;
    }
    Ok(Settled::Done)
}

pub(crate) fn release_delivery(
    connection: &Connection,
    (project, delivery): (ProjectId, DeliveryId),
    epoch: Epoch,
    now: Timestamp,
) -> Result<Settled, Failure> {
    let free = "UPDATE deliveries SET state = 0, attempt = attempt - 1, due_at = ?4, node = NULL \
                WHERE project = ?1 AND id = ?2 AND state = 1 AND epoch = ?3";
    let row = params![project.0, delivery.as_bytes(), epoch.0, now.as_millis()];
    Ok(settled(connection.prepare_cached(free)?.execute(row)?))
}

pub(crate) fn extend_run(
    connection: &Connection,
    (project, run): (ProjectId, RunId),
    epoch: Epoch,
    until: Timestamp,
) -> Result<Settled, Failure> {
    let extend = "UPDATE runs SET due_at = ?4 \
                  WHERE project = ?1 AND id = ?2 AND state = 1 AND epoch = ?3";
    let row = params![project.0, run.as_bytes(), epoch.0, until.as_millis()];
    Ok(settled(connection.prepare_cached(extend)?.execute(row)?))
}

const fn settled(changed: usize) -> Settled {
    if changed == 0 {
        Settled::Fenced
    } else {
        Settled::Done
    }
}
