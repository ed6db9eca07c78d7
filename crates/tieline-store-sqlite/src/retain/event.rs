//! An event with all that hangs on it, and how that goes.

use rusqlite::{Connection, OptionalExtension as _, params};
use tieline_model::Timestamp;

use crate::failure::Failure;
use crate::rows;
use crate::sealed::ERASED;

/// A row of an event, and the number of its payload where it has one.
type Part = ([u8; 16], Option<i64>);

/// What belongs to one event.
#[derive(Debug)]
pub(super) struct Kin {
    project: i64,
    event: [u8; 16],
    payload: i64,
    runs: Vec<Part>,
    deliveries: Vec<Part>,
    files: Vec<Part>,
    /// When the last of its runs and deliveries ended; `None` while one of them has not.
    pub(super) ended_at: Option<Timestamp>,
}

impl Kin {
    pub(super) fn find(
        connection: &Connection,
        project: i64,
        event: [u8; 16],
    ) -> Result<Option<Self>, Failure> {
        let find = "SELECT received_at, payload, runs, replays, files FROM events \
                    WHERE project = ?1 AND id = ?2";
        let mut find = connection.prepare_cached(find)?;
        let mut found = find.query(params![project, event])?;
        let Some(row) = found.next()? else {
            return Ok(None);
        };
        let mut kin = Self {
            project,
            event,
            payload: row.get(1)?,
            runs: Vec::new(),
            deliveries: Vec::new(),
            files: Vec::new(),
            ended_at: rows::time(row, 0)?,
        };
        for run in [rows::ids(row, 2)?, rows::ids(row, 3)?].concat() {
            let of_run = "SELECT id, result, ended_at FROM runs WHERE project = ?1 AND id = ?2";
            let found = kin.parts(connection, of_run, run)?;
            kin.runs.extend(found);
            let of_run = "SELECT id, payload, ended_at FROM deliveries \
                          INDEXED BY deliveries_by_run WHERE project = ?1 AND run = ?2";
            let found = kin.parts(connection, of_run, run)?;
            kin.deliveries.extend(found);
        }
        for file in rows::ids(row, 4)? {
            // A file has ended with its event.
            let of_file = "SELECT id, payload, 0 FROM files WHERE project = ?1 AND id = ?2";
            let found = kin.parts(connection, of_file, file)?;
            kin.files.extend(found);
        }
        Ok(Some(kin))
    }

    fn parts(
        &mut self,
        connection: &Connection,
        sql: &str,
        of: [u8; 16],
    ) -> Result<Vec<Part>, Failure> {
        let mut select = connection.prepare_cached(sql)?;
        let mut rows = select.query(params![self.project, of])?;
        let mut parts = Vec::new();
        while let Some(row) = rows.next()? {
            parts.push((row.get(0)?, row.get(1)?));
            let ended = rows::time(row, 2)?;
            self.ended_at = self.ended_at.zip(ended).map(|(one, other)| one.max(other));
        }
        Ok(parts)
    }

    /// Erases every body; `false` where the event's own was erased before.
    pub(super) fn erase(&self, connection: &Connection) -> Result<bool, Failure> {
        self.drop_payloads(connection)?;
        let id = [(self.event, Some(self.payload))];
        let erase = [
            (
                "UPDATE events SET payload = 0 WHERE project = ?1 AND id = ?2",
                &id[..],
            ),
            (
                "UPDATE files SET payload = 0 WHERE project = ?1 AND id = ?2",
                &self.files,
            ),
            (
                "UPDATE runs SET result = 0 WHERE project = ?1 AND id = ?2",
                &self.runs,
            ),
            (
                "UPDATE deliveries SET payload = 0 WHERE project = ?1 AND id = ?2",
                &self.deliveries,
            ),
        ];
        for (sql, parts) in erase {
            let erased = parts.iter().filter(|(_, payload)| is_there(*payload));
            self.for_each(connection, sql, erased)?;
        }
        // What an agent or a destination answered is a body, too.
        let answers = "UPDATE attempts SET response = NULL WHERE project = ?1 AND owner = ?2 \
                       AND response IS NOT NULL";
        self.for_each(
            connection,
            answers,
            self.runs.iter().chain(&self.deliveries),
        )?;
        Ok(self.payload != ERASED)
    }

    /// Takes everything away; always `true`.
    pub(super) fn remove(&self, connection: &Connection) -> Result<bool, Failure> {
        self.drop_payloads(connection)?;
        let owners = self.runs.iter().chain(&self.deliveries);
        let attempts = "DELETE FROM attempts WHERE project = ?1 AND owner = ?2";
        self.for_each(connection, attempts, owners)?;
        let id = [(self.event, None)];
        let remove = [
            (
                "DELETE FROM deliveries WHERE project = ?1 AND id = ?2",
                &self.deliveries[..],
            ),
            (
                "DELETE FROM runs WHERE project = ?1 AND id = ?2",
                &self.runs,
            ),
            (
                "DELETE FROM files WHERE project = ?1 AND id = ?2",
                &self.files,
            ),
            ("DELETE FROM events WHERE project = ?1 AND id = ?2", &id),
        ];
        for (sql, parts) in remove {
            self.for_each(connection, sql, parts.iter())?;
        }
        Ok(true)
    }

    /// How many bytes its bodies have.
    pub(super) fn bytes(&self, connection: &Connection) -> Result<u64, Failure> {
        let length = "SELECT length(sealed) FROM payloads WHERE seq = ?1";
        let mut length = connection.prepare_cached(length)?;
        let mut bytes = 0;
        for payload in self.payloads() {
            let length = length.query_row([payload], |row| rows::count(row, 0));
            bytes += length.optional()?.unwrap_or_default();
        }
        Ok(bytes)
    }

    fn drop_payloads(&self, connection: &Connection) -> Result<(), Failure> {
        let mut drop = connection.prepare_cached("DELETE FROM payloads WHERE seq = ?1")?;
        for payload in self.payloads() {
            drop.execute([payload])?;
        }
        Ok(())
    }

    /// The numbers of all payloads that were not erased before.
    fn payloads(&self) -> impl Iterator<Item = Option<i64>> {
        let parts = [&self.runs, &self.deliveries, &self.files];
        let payloads = parts.into_iter().flatten().map(|(_, payload)| *payload);
        let payloads = payloads.chain([Some(self.payload)]);
        payloads.filter(|payload| is_there(*payload))
    }

    fn for_each<'a>(
        &self,
        connection: &Connection,
        sql: &str,
        parts: impl Iterator<Item = &'a Part>,
    ) -> Result<(), Failure> {
        let mut change = connection.prepare_cached(sql)?;
        for (id, _) in parts {
            change.execute(params![self.project, id])?;
        }
        Ok(())
    }
}

fn is_there(payload: Option<i64>) -> bool {
    payload.is_some_and(|number| number != ERASED)
}
