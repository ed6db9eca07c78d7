//! What of a queue is due: which rows a claim takes, and when it is worth to ask again.
//!
//! A queue has three parts: rows that are queued, rows that wait, and rows whose lease may have
//! run out. Each is one range of one index, so that what is not due costs nothing. A queued row
//! is due whatever the clock says: its time only gives the order.

use std::sync::LazyLock;

use rusqlite::{Connection, Params, Row, params};
use tieline_model::Timestamp;
use tieline_store::Lease;

use crate::failure::Failure;
use crate::rows;

pub(super) struct Queue {
    queued: String,
    /// What waits, and what is leased: looked at only where something of it is due.
    timed: [String; 2],
    soonest: String,
}

pub(super) static RUNS: LazyLock<Queue> = LazyLock::new(|| {
    Queue::new(&Words {
        table: "runs",
        of: "agent",
        free: "AND held_back = 0",
        order: "priority DESC, due_at, id",
        columns: rows::RUN,
        short: "r",
        payload: "result",
    })
});

pub(super) static DELIVERIES: LazyLock<Queue> = LazyLock::new(|| {
    Queue::new(&Words {
        table: "deliveries",
        of: "connector",
        free: "",
        order: "due_at, id",
        columns: rows::DELIVERY,
        short: "d",
        payload: "payload",
    })
});

struct Words {
    table: &'static str,
    of: &'static str,
    /// What the queue's indexes ask for beside the state.
    free: &'static str,
    order: &'static str,
    columns: &'static str,
    short: &'static str,
    payload: &'static str,
}

/// What a claim found.
pub(super) struct Found<T> {
    /// With their epochs, not in order and maybe more than were asked for.
    pub(super) rows: Vec<(T, u32)>,
    /// When the first of those is due that wait or are leased; it may be due now.
    soonest: Option<Timestamp>,
}

impl Queue {
    fn new(words: &Words) -> Self {
        let Words {
            table,
            of,
            free,
            order,
            columns,
            short,
            payload,
        } = words;
        let body = format!("LEFT JOIN payloads p ON p.seq = {short}.{payload}");
        let queued = format!(
            "SELECT {columns} FROM {table} {short} INDEXED BY {table}_queued {body} \
             WHERE {of} = ?1 AND state = 0 {free} ORDER BY {order} LIMIT ?2"
        );
        // Sorted before the rows themselves are read: they may be many, and large.
        let timed = |part: &str, state: &str| {
            format!(
                "SELECT {columns} FROM (SELECT project, id FROM {table} INDEXED BY {table}_{part} \
                 WHERE {of} = ?1 AND {state} {free} AND due_at <= ?3 ORDER BY {order} LIMIT ?2) k \
                 CROSS JOIN {table} {short} ON {short}.project = k.project AND {short}.id = k.id \
                 {body}"
            )
        };
        let soonest = |part: &str, state: &str| {
            format!(
                "(SELECT min(due_at) FROM {table} INDEXED BY {table}_{part} \
                 WHERE {of} = ?1 AND {state} {free} AND due_at > ?2)"
            )
        };
        let (waiting, leased) = ("state = 2", "state = 1");
        Self {
            queued,
            timed: [timed("waiting", waiting), timed("leased", leased)],
            soonest: format!(
                "SELECT {}, {}",
                soonest("waiting", waiting),
                soonest("leased", leased)
            ),
        }
    }

    /// At most `limit` of each part.
    pub(super) fn find<T>(
        &self,
        connection: &Connection,
        (of, limit): (i64, u32),
        now: Timestamp,
        read: impl Fn(&Row<'_>) -> Result<(T, u32), Failure>,
    ) -> Result<Found<T>, Failure> {
        let soonest = self.soonest(connection, of, i64::MIN)?;
        let mut rows = all(connection, &self.queued, (of, limit), &read)?;
        if soonest.is_some_and(|soonest| soonest <= now) {
            for sql in &self.timed {
                let due = (of, limit, now.as_millis());
                rows.extend(all(connection, sql, due, &read)?);
            }
        }
        Ok(Found { rows, soonest })
    }

    /// When the first row becomes due that is not yet, after `found` was claimed to the last row.
    pub(super) fn next_due<T>(
        &self,
        connection: &Connection,
        of: i64,
        (found, claimed): (Found<T>, usize),
        lease: Lease,
    ) -> Result<Option<Timestamp>, Failure> {
        let now = lease.now;
        if found.soonest.is_some_and(|soonest| soonest <= now) {
            return self.soonest(connection, of, now.as_millis());
        }
        let begun = (claimed > 0 && lease.until > now).then_some(lease.until);
        Ok([found.soonest, begun].into_iter().flatten().min())
    }

    /// Of the rows that wait or are leased.
    fn soonest(
        &self,
        connection: &Connection,
        of: i64,
        after: i64,
    ) -> Result<Option<Timestamp>, Failure> {
        let mut soonest = connection.prepare_cached(&self.soonest)?;
        let times = soonest.query_row(params![of, after], |row| {
            Ok([rows::time(row, 0)?, rows::time(row, 1)?])
        })?;
        Ok(times.into_iter().flatten().min())
    }

    /// What every claim asks for.
    #[cfg(test)]
    pub(super) fn statements(&self) -> [&str; 2] {
        [&self.soonest, &self.queued]
    }
}

fn all<T>(
    connection: &Connection,
    sql: &str,
    due: impl Params,
    read: impl Fn(&Row<'_>) -> Result<T, Failure>,
) -> Result<Vec<T>, Failure> {
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query(due)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}
