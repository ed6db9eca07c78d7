//! What comes out: due work under a lease.

use std::cmp::Reverse;

use rusqlite::params;
use tieline_failpoint::{self as failpoint, Step};
use tieline_model::{AgentId, ConnectorId, DeliveryState, Reason, RunState, Timestamp};
use tieline_store::{Claim, Claims, Epoch, Lease};

use super::due::{DELIVERIES, RUNS};
use crate::failure::Failure;
use crate::sealed::{SealedClaim, SealedDelivery, SealedRun, Source};
use crate::{journal, rows};

pub(crate) fn claim_runs(
    from: &Source<'_>,
    claim: Claim<AgentId>,
) -> Result<Claims<SealedClaim>, Failure> {
    let (of, now) = (claim.of.0, claim.lease.now);
    let read = |row: &rusqlite::Row<'_>| Ok((rows::run(from, row)?, row.get(rows::RUN_EPOCH)?));
    let mut found = RUNS.find(from, (of, claim.limit), now, read)?;
    let due = &mut found.rows;
    due.sort_by_key(|(sealed, _): &(SealedRun, u32)| {
        let run = &sealed.run;
        (Reverse(run.priority), run.due_at, run.id)
    });
    due.truncate(claim.limit as usize);
    let mut claimed = Vec::with_capacity(due.len());
    for (run, epoch) in due.drain(..) {
        claimed.push(take_run(from, run, epoch, claim.lease)?);
    }
    let full = claimed.len() >= claim.limit as usize;
    let next_due = if full {
        None
    } else {
        RUNS.next_due(from, of, (found, claimed.len()), claim.lease)?
    };
    Ok(Claims {
        rows: claimed,
        next_due,
    })
}

fn take_run(
    from: &Source<'_>,
    mut sealed: SealedRun,
    epoch: u32,
    lease: Lease,
) -> Result<SealedClaim, Failure> {
    let run = &mut sealed.run;
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
    from.prepare_cached(take)?.execute(params![
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
    let event = journal::event(from, run.project, run.event)?;
    failpoint::pass(Step::ClaimWritten);
    Ok(SealedClaim {
        event: event.ok_or(Failure::Damaged("a run has lost its event"))?,
        epoch: Epoch(epoch),
        run: sealed,
    })
}

pub(crate) fn claim_deliveries(
    from: &Source<'_>,
    claim: Claim<ConnectorId>,
) -> Result<Claims<(SealedDelivery, Epoch)>, Failure> {
    let (of, now) = (claim.of.0, claim.lease.now);
    let read =
        |row: &rusqlite::Row<'_>| Ok((rows::delivery(from, row)?, row.get(rows::DELIVERY_EPOCH)?));
    let mut found = DELIVERIES.find(from, (of, claim.limit), now, read)?;
    let due = &mut found.rows;
    due.sort_by_key(|(sealed, _): &(SealedDelivery, u32)| {
        (sealed.delivery.due_at, sealed.delivery.id)
    });
    due.truncate(claim.limit as usize);
    let mut claimed = Vec::with_capacity(due.len());
    for (delivery, epoch) in due.drain(..) {
        claimed.push(take_delivery(from, delivery, epoch, claim.lease)?);
    }
    let full = claimed.len() >= claim.limit as usize;
    let next_due = if full {
        None
    } else {
        DELIVERIES.next_due(from, of, (found, claimed.len()), claim.lease)?
    };
    Ok(Claims {
        rows: claimed,
        next_due,
    })
}

fn take_delivery(
    from: &Source<'_>,
    mut sealed: SealedDelivery,
    epoch: u32,
    lease: Lease,
) -> Result<(SealedDelivery, Epoch), Failure> {
    let delivery = &mut sealed.delivery;
    let epoch = epoch + 1;
    delivery.attempt += 1;
    delivery.state = DeliveryState::Running;
    delivery.reason = None;
    delivery.waiting_since = None;
    delivery.due_at = Some(lease.until);
    let take = "UPDATE deliveries SET state = 1, reason = NULL, waiting_since = NULL, \
                attempt = ?3, due_at = ?4, epoch = ?5, node = ?6 WHERE project = ?1 AND id = ?2";
    from.prepare_cached(take)?.execute(params![
        delivery.project.0,
        delivery.id.as_bytes(),
        delivery.attempt,
        lease.until.as_millis(),
        epoch,
        lease.node.as_bytes(),
    ])?;
    Ok((sealed, Epoch(epoch)))
}
