//! What comes out: due work under a lease.

use std::cmp::Reverse;

use rusqlite::{Connection, params};
use tieline_failpoint::{self as failpoint, Step};
use tieline_model::{
    AgentId, ConnectorId, Delivery, DeliveryState, Reason, Run, RunState, Timestamp,
};
use tieline_store::{Claim, ClaimedDelivery, ClaimedRun, Claims, Epoch, Lease};

use super::due::{DELIVERIES, RUNS};
use crate::failure::Failure;
use crate::{journal, rows};

pub(crate) fn claim_runs(
    connection: &Connection,
    claim: Claim<AgentId>,
) -> Result<Claims<ClaimedRun>, Failure> {
    let (of, now) = (claim.of.0, claim.lease.now);
    let read = |row: &rusqlite::Row<'_>| Ok((rows::run(row)?, row.get(rows::RUN_EPOCH)?));
    let mut found = RUNS.find(connection, (of, claim.limit), now, read)?;
    let due = &mut found.rows;
    due.sort_by_key(|(run, _)| (Reverse(run.priority), run.due_at, run.id));
    due.truncate(claim.limit as usize);
    let mut claimed = Vec::with_capacity(due.len());
    for (run, epoch) in due.drain(..) {
        claimed.push(take_run(connection, run, epoch, claim.lease)?);
    }
    let full = claimed.len() >= claim.limit as usize;
    let next_due = if full {
        None
    } else {
        RUNS.next_due(connection, of, (found, claimed.len()), claim.lease)?
    };
    Ok(Claims {
        rows: claimed,
        next_due,
    })
}

fn take_run(
    connection: &Connection,
    mut run: Run,
    epoch: u32,
    lease: Lease,
) -> Result<ClaimedRun, Failure> {
    let epoch = epoch + 1;
    // The attempt whose answer never came is still the same attempt.
    if run.reason != Some(Reason::Answer) {
        run.crashes += u32::from(run.state == RunState::Running);
        run.attempt += 1;
        run.started_at = Some(lease.now);
        run.reason = None;
        run.waiting_since = None;
    }
    run.state = RunState::Running;
    run.due_at = Some(lease.until);
    let take = "UPDATE runs SET state = 1, reason = ?3, waiting_since = ?4, attempt = ?5, \
                started_at = ?6, due_at = ?7, epoch = ?8, node = ?9, crashes = ?10 \
                WHERE project = ?1 AND id = ?2";
    connection.prepare_cached(take)?.execute(params![
        run.project.0,
        run.id.as_bytes(),
        run.reason.map(rows::reason_code),
        run.waiting_since.map(Timestamp::as_millis),
        run.attempt,
        run.started_at.map(Timestamp::as_millis),
        lease.until.as_millis(),
        epoch,
        lease.node.as_bytes(),
        run.crashes,
    ])?;
    let event = journal::event(connection, run.project, run.event)?;
    failpoint::pass(Step::ClaimWritten);
    Ok(ClaimedRun {
        event: event.ok_or(Failure::Damaged("a run has lost its event"))?,
        epoch: Epoch(epoch),
        run,
    })
}

pub(crate) fn claim_deliveries(
    connection: &Connection,
    claim: Claim<ConnectorId>,
) -> Result<Claims<ClaimedDelivery>, Failure> {
    let (of, now) = (claim.of.0, claim.lease.now);
    let read = |row: &rusqlite::Row<'_>| Ok((rows::delivery(row)?, row.get(rows::DELIVERY_EPOCH)?));
    let mut found = DELIVERIES.find(connection, (of, claim.limit), now, read)?;
    let due = &mut found.rows;
    due.sort_by_key(|(delivery, _)| (delivery.due_at, delivery.id));
    due.truncate(claim.limit as usize);
    let mut claimed = Vec::with_capacity(due.len());
    for (delivery, epoch) in due.drain(..) {
        claimed.push(take_delivery(connection, delivery, epoch, claim.lease)?);
    }
    let full = claimed.len() >= claim.limit as usize;
    let next_due = if full {
        None
    } else {
        DELIVERIES.next_due(connection, of, (found, claimed.len()), claim.lease)?
    };
    Ok(Claims {
        rows: claimed,
        next_due,
    })
}

fn take_delivery(
    connection: &Connection,
    mut delivery: Delivery,
    epoch: u32,
    lease: Lease,
) -> Result<ClaimedDelivery, Failure> {
    let epoch = epoch + 1;
    delivery.attempt += 1;
    delivery.state = DeliveryState::Running;
    delivery.reason = None;
    delivery.waiting_since = None;
    delivery.due_at = Some(lease.until);
    let take = "UPDATE deliveries SET state = 1, reason = NULL, waiting_since = NULL, \
                attempt = ?3, due_at = ?4, epoch = ?5, node = ?6 WHERE project = ?1 AND id = ?2";
    connection.prepare_cached(take)?.execute(params![
        delivery.project.0,
        delivery.id.as_bytes(),
        delivery.attempt,
        lease.until.as_millis(),
        epoch,
        lease.node.as_bytes(),
    ])?;
    Ok(ClaimedDelivery {
        epoch: Epoch(epoch),
        delivery,
    })
}
