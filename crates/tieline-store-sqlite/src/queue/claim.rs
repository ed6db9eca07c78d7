//! What comes out: due work under a lease, and leases that end early.

use std::sync::LazyLock;

use rusqlite::{Connection, Params, params};
use tieline_model::{
    AgentId, ConnectorId, Delivery, DeliveryState, NodeId, ProjectId, Reason, Run, RunId, RunState,
    Timestamp,
};
use tieline_store::{Claim, ClaimedDelivery, ClaimedRun, Claims, Epoch, Settled};

use crate::failure::Failure;
use crate::{journal, rows};

/// The three parts of a queue: rows that are queued, rows that wait, and rows whose lease may have
/// run out.
///
/// Each is one range of one index, so that what is not due costs nothing. A queued row is due
/// whatever the clock says: its time only gives the order.
struct Parts {
    due: [String; 3],
    next: [String; 2],
}

static RUNS: LazyLock<Parts> = LazyLock::new(|| {
    let of_agent = |part: &str| {
        let columns = rows::RUN;
        format!(
            "SELECT {columns} FROM runs r INDEXED BY runs_{part} LEFT JOIN payloads p \
             ON p.seq = r.result WHERE r.agent = ?1"
        )
    };
    parts("runs", "agent", of_agent)
});

static DELIVERIES: LazyLock<Parts> = LazyLock::new(|| {
    let of_connector = |part: &str| {
        let columns = rows::DELIVERY;
        format!(
            "SELECT {columns} FROM deliveries d INDEXED BY deliveries_{part} LEFT JOIN payloads p \
             ON p.seq = d.payload WHERE d.connector = ?1"
        )
    };
    parts("deliveries", "connector", of_connector)
});

fn parts(table: &str, of: &str, select: impl Fn(&str) -> String) -> Parts {
    let in_order = "ORDER BY due_at, id LIMIT ?3";
    let due = |part: &str, which: &str| format!("{} AND {which} {in_order}", select(part));
    let next = |part: &str, which: &str| {
        format!(
            "SELECT min(due_at) FROM {table} INDEXED BY {table}_{part} \
             WHERE {of} = ?1 AND {which} AND due_at > ?2"
        )
    };
    Parts {
        due: [
            due("queued", "state = 0"),
            due("waiting", "state = 2 AND due_at <= ?2"),
            due("leased", "state = 1 AND due_at <= ?2"),
        ],
        next: [next("waiting", "state = 2"), next("leased", "state = 1")],
    }
}

impl Parts {
    fn next_due(
        &self,
        connection: &Connection,
        of: i64,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, Failure> {
        let mut next = None;
        for sql in &self.next {
            let mut min = connection.prepare_cached(sql)?;
            let min = min.query_row(params![of, now.as_millis()], |row| rows::time(row, 0))?;
            next = [next, min].into_iter().flatten().min();
        }
        Ok(next)
    }
}

fn due_runs(
    connection: &Connection,
    sql: &str,
    due: impl Params,
) -> Result<Vec<(Run, u32)>, Failure> {
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query(due)?;
    let mut runs = Vec::new();
    while let Some(row) = rows.next()? {
        runs.push((rows::run(row)?, row.get(19)?));
    }
    Ok(runs)
}

pub(crate) fn claim_runs(
    connection: &Connection,
    claim: Claim<AgentId>,
) -> Result<Claims<ClaimedRun>, Failure> {
    let lease = claim.lease;
    let due = (claim.of.0, lease.now.as_millis(), claim.limit);
    let mut found = Vec::new();
    for sql in &RUNS.due {
        found.extend(due_runs(connection, sql, due)?);
    }
    found.sort_by_key(|(run, _)| (run.due_at, run.id));
    found.truncate(claim.limit as usize);
    let take = "UPDATE runs SET state = 1, reason = ?3, waiting_since = ?4, attempt = ?5, \
                started_at = ?6, due_at = ?7, epoch = ?8, node = ?9 \
                WHERE project = ?1 AND id = ?2";
    let mut take = connection.prepare_cached(take)?;
    let mut claimed = Vec::with_capacity(found.len());
    for (mut run, epoch) in found {
        let epoch = epoch + 1;
        // The attempt whose answer never came is still the same attempt.
        if run.reason != Some(Reason::Answer) {
            run.attempt += 1;
            run.started_at = Some(lease.now);
            run.reason = None;
            run.waiting_since = None;
        }
        run.state = RunState::Running;
        run.due_at = Some(lease.until);
        take.execute(params![
            run.project.0,
            run.id.as_bytes(),
            run.reason.map(rows::reason_code),
            run.waiting_since.map(Timestamp::as_millis),
            run.attempt,
            run.started_at.map(Timestamp::as_millis),
            lease.until.as_millis(),
            epoch,
            lease.node.as_bytes(),
        ])?;
        let event = journal::event(connection, run.project, run.event)?;
        claimed.push(ClaimedRun {
            event: event.ok_or(Failure::Damaged("a run has lost its event"))?,
            epoch: Epoch(epoch),
            run,
        });
    }
    let full = claimed.len() >= claim.limit as usize;
    Ok(Claims {
        rows: claimed,
        next_due: if full {
            None
        } else {
            RUNS.next_due(connection, claim.of.0, lease.now)?
        },
    })
}

fn due_deliveries(
    connection: &Connection,
    sql: &str,
    due: impl Params,
) -> Result<Vec<(Delivery, u32)>, Failure> {
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query(due)?;
    let mut deliveries = Vec::new();
    while let Some(row) = rows.next()? {
        deliveries.push((rows::delivery(row)?, row.get(15)?));
    }
    Ok(deliveries)
}

pub(crate) fn claim_deliveries(
    connection: &Connection,
    claim: Claim<ConnectorId>,
) -> Result<Claims<ClaimedDelivery>, Failure> {
    let lease = claim.lease;
    let due = (claim.of.0, lease.now.as_millis(), claim.limit);
    let mut found = Vec::new();
    for sql in &DELIVERIES.due {
        found.extend(due_deliveries(connection, sql, due)?);
    }
    found.sort_by_key(|(delivery, _)| (delivery.due_at, delivery.id));
    found.truncate(claim.limit as usize);
    let take = "UPDATE deliveries SET state = 1, reason = NULL, waiting_since = NULL, \
                attempt = ?3, due_at = ?4, epoch = ?5, node = ?6 WHERE project = ?1 AND id = ?2";
    let mut take = connection.prepare_cached(take)?;
    let mut claimed = Vec::with_capacity(found.len());
    for (mut delivery, epoch) in found {
        let epoch = epoch + 1;
        delivery.attempt += 1;
        delivery.state = DeliveryState::Running;
        delivery.reason = None;
        delivery.waiting_since = None;
        delivery.due_at = Some(lease.until);
        take.execute(params![
            delivery.project.0,
            delivery.id.as_bytes(),
            delivery.attempt,
            lease.until.as_millis(),
            epoch,
            lease.node.as_bytes(),
        ])?;
        claimed.push(ClaimedDelivery {
            epoch: Epoch(epoch),
            delivery,
        });
    }
    let full = claimed.len() >= claim.limit as usize;
    Ok(Claims {
        rows: claimed,
        next_due: if full {
            None
        } else {
            DELIVERIES.next_due(connection, claim.of.0, lease.now)?
        },
    })
}

pub(crate) fn release_leases(
    connection: &Connection,
    keep: NodeId,
    now: Timestamp,
) -> Result<u64, Failure> {
    // What waited for an answer when it was claimed waits for it again.
    let runs = "UPDATE runs INDEXED BY runs_leased SET state = iif(reason IS 4, 2, 0), \
                due_at = ?2, node = NULL WHERE state = 1 AND node <> ?1";
    let deliveries = "UPDATE deliveries INDEXED BY deliveries_leased SET state = 0, \
                      due_at = ?2, node = NULL WHERE state = 1 AND node <> ?1";
    let mut freed = 0;
    for sql in [runs, deliveries] {
        let mut free = connection.prepare_cached(sql)?;
        freed += free.execute(params![keep.as_bytes(), now.as_millis()])?;
    }
    Ok(freed as u64)
}

pub(crate) fn release_run(
    connection: &Connection,
    (project, run): (ProjectId, RunId),
    epoch: Epoch,
    now: Timestamp,
) -> Result<Settled, Failure> {
    let free = "UPDATE runs SET state = iif(reason IS 4, 2, 0), \
                attempt = attempt - iif(reason IS 4, 0, 1), due_at = ?4, node = NULL \
                WHERE project = ?1 AND id = ?2 AND state = 1 AND epoch = ?3";
    let mut free = connection.prepare_cached(free)?;
    let freed = free.execute(params![project.0, run.as_bytes(), epoch.0, now.as_millis()])?;
    Ok(if freed == 0 {
        Settled::Fenced
    } else {
        Settled::Done
    })
}

#[cfg(test)]
pub(crate) fn statements_of_runs() -> &'static [String; 3] {
    &RUNS.due
}
