//! Every body against its checksum, and every row against its body.

use rusqlite::Connection;
use tieline_model::EventId;

use super::{Examination, Severity};
use crate::failure::Failure;
use crate::{limits, payload};

/// Rows that have a body.
struct Owner {
    body: &'static str,
    table: &'static str,
    /// The column with the number of the payload.
    payload: &'static str,
    /// The column with the event.
    event: &'static str,
}

const OWNERS: [Owner; 4] = [
    owner("input of event", ("events", "payload", "id")),
    owner("output of run", ("runs", "result", "event")),
    owner("body of delivery", ("deliveries", "payload", "event")),
    owner("content of file", ("files", "payload", "event")),
];

const fn owner(
    body: &'static str,
    (table, payload, event): (&'static str, &'static str, &'static str),
) -> Owner {
    Owner {
        body,
        table,
        payload,
        event,
    }
}

pub(super) fn examine(connection: &Connection, seen: &mut Examination) -> Result<(), Failure> {
    let mut damaged = Vec::new();
    // Also where the bodies cannot be read to their end, those that are known are named.
    let checked = check(connection, seen, &mut damaged);
    let mut unnamed = damaged.len();
    damaged.truncate(limits::FINDINGS);
    let numbers: Vec<String> = damaged.iter().map(i64::to_string).collect();
    for owner in &OWNERS {
        let which = format!("{} IN ({})", owner.payload, numbers.join(", "));
        unnamed -= owner.name(connection, seen, &which, "does not fit its checksum")?;
        let column = owner.payload;
        let lost =
            format!("{column} <> 0 AND NOT EXISTS (SELECT 1 FROM payloads WHERE seq = {column})");
        owner.name(connection, seen, &lost, "is lost")?;
    }
    if unnamed > 0 {
        let what = format!("{unnamed} more bodies do not fit their checksums");
        seen.add(Severity::Error, what, super::RESTORE);
    }
    checked
}

/// In slices, each a snapshot of its own: a long one would keep the log from beginning anew.
fn check(
    connection: &Connection,
    seen: &mut Examination,
    damaged: &mut Vec<i64>,
) -> Result<(), Failure> {
    let slice = "SELECT seq, body, extra, crc FROM payloads WHERE seq > ?1 ORDER BY seq LIMIT ?2";
    let mut slice = connection.prepare(slice)?;
    let mut last = i64::MIN;
    loop {
        let before = seen.bodies;
        let mut rows = slice.query((last, limits::EXAMINED))?;
        while let Some(row) = rows.next()? {
            last = row.get(0)?;
            seen.bodies += 1;
            let (body, extra) = (row.get_ref(1)?, row.get_ref(2)?);
            if payload::fitting(body, extra, row.get_ref(3)?).is_none() {
                damaged.push(last);
            }
        }
        if seen.bodies == before {
            return Ok(());
        }
    }
}

impl Owner {
    /// A finding for each of its rows for which something is true; returns how many.
    fn name(
        &self,
        connection: &Connection,
        seen: &mut Examination,
        which: &str,
        matter: &str,
    ) -> Result<usize, Failure> {
        let sql = format!(
            "SELECT id, {} FROM {} WHERE {which} LIMIT {}",
            self.event,
            self.table,
            limits::FINDINGS
        );
        let mut select = connection.prepare(&sql)?;
        let mut rows = select.query([])?;
        let mut named = 0;
        while let Some(row) = rows.next()? {
            let (id, event) = (super::id(row.get(0)?), EventId::from_bytes(row.get(1)?));
            let fix = format!("have event `{event}` sent again, or take it from a backup");
            let what = format!("the {} `{id}` {matter}", self.body);
            seen.add(Severity::Error, what, fix);
            named += 1;
        }
        Ok(named)
    }
}
