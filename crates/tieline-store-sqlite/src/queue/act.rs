//! What people do to rows: free what is held, deliver again.

use rusqlite::{Connection, Params, params};
use tieline_model::{DeliveryId, ProjectId, RunId, Timestamp};
use tieline_store::Change;

use super::line;
use crate::failure::Failure;
use crate::sealed::EMPTY;

pub(crate) fn release_held(
    connection: &Connection,
    (project, run): (ProjectId, RunId),
    now: Timestamp,
) -> Result<Change, Failure> {
    // Of one that was paused, everything counts from zero.
    let act = "UPDATE runs SET state = 0, reason = NULL, waiting_since = NULL, \
               error_code = NULL, error_message = NULL, due_at = ?3, queued_at = ?3, \
               attempt = iif(reason = 2, 0, attempt), crashes = iif(reason = 2, 0, crashes), \
               outages = iif(reason = 2, 0, outages) \
               WHERE project = ?1 AND id = ?2 AND state = 2 AND reason IN (2, 3)";
    let row = params![project.0, run.as_bytes(), now.as_millis()];
    if connection.prepare_cached(act)?.execute(row)? > 0 {
        line::timed(connection, now)?;
        return Ok(Change::Done);
    }
    let known = "SELECT 1 FROM runs WHERE project = ?1 AND id = ?2";
    unchanged(connection, known, params![project.0, run.as_bytes()])
}

pub(crate) fn redrive_delivery(
    connection: &Connection,
    (project, delivery): (ProjectId, DeliveryId),
    now: Timestamp,
) -> Result<Change, Failure> {
    // One that has nothing to deliver, or not any more, stays as it is.
    let from_zero = "UPDATE deliveries SET state = 0, attempt = 0, ended_at = NULL, \
                     error_code = NULL, error_message = NULL, due_at = ?3 \
                     WHERE project = ?1 AND id = ?2 AND state IN (4, 5) AND \
                     (SELECT length(sealed) FROM payloads WHERE seq = payload) > ?4";
    let at_once = "UPDATE deliveries SET due_at = ?3 \
                   WHERE project = ?1 AND id = ?2 AND state = 2";
    let (id, now) = (delivery.as_bytes(), now.as_millis());
    let empty = i64::try_from(EMPTY).expect("what is empty is short");
    let mut from_zero = connection.prepare_cached(from_zero)?;
    if from_zero.execute(params![project.0, id, now, empty])? > 0 {
        return Ok(Change::Done);
    }
    if connection
        .prepare_cached(at_once)?
        .execute(params![project.0, id, now])?
        > 0
    {
        return Ok(Change::Done);
    }
    let known = "SELECT 1 FROM deliveries WHERE project = ?1 AND id = ?2";
    unchanged(connection, known, params![project.0, delivery.as_bytes()])
}

fn unchanged(connection: &Connection, known: &str, row: impl Params) -> Result<Change, Failure> {
    let known = connection.prepare_cached(known)?.exists(row)?;
    Ok(if known {
        Change::NotAllowed
    } else {
        Change::NotFound
    })
}
