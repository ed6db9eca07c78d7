//! The files of a store that is closed, as bytes on a disk.
//!
//! Bodies are sealed, so that no text of theirs can be looked for: SQLite says which bytes they are,
//! and these are looked for in the file.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use rusqlite::{Connection, OpenFlags};
use uuid::Uuid;

use crate::stage::Stage;

const PAGE: usize = 8192;
/// In the first byte of a page, this bit tells one kind of page from another.
const KIND: u8 = 0b1000;

/// By how many bytes a body is found: they are as good as random.
const MARK: usize = 16;

/// Where a store lies.
pub(super) struct Stored {
    pub(super) file: PathBuf,
}

impl Stored {
    pub(super) fn of(stage: &Stage) -> Self {
        Self {
            file: stage.hub.setup.data.join("tieline.db"),
        }
    }

    pub(super) fn log(&self) -> PathBuf {
        self.file.with_extension("db-wal")
    }

    /// Flips a bit of every body that belongs to a run, and says of how many.
    pub(super) fn flip_all(&self, run: Uuid) -> Result<u64> {
        let (mut bytes, places) = self.find(run)?;
        for at in &places {
            bytes[*at] ^= 1;
        }
        fs::write(&self.file, bytes)?;
        Ok(places.len() as u64)
    }

    /// Flips a bit in the head of every page that a body of a run stands on.
    pub(super) fn flip_page(&self, run: Uuid) -> Result<u64> {
        let (mut bytes, places) = self.find(run)?;
        let mut pages: Vec<_> = places.iter().map(|at| at / PAGE * PAGE).collect();
        pages.dedup();
        for at in &pages {
            bytes[*at] ^= KIND;
        }
        fs::write(&self.file, bytes)?;
        Ok(pages.len() as u64)
    }

    /// The file, and where the last bytes of each body of a run stand.
    fn find(&self, run: Uuid) -> Result<(Vec<u8>, Vec<usize>)> {
        // What stands in a log would come back from there.
        let log = fs::metadata(self.log()).map_or(0, |log| log.len());
        ensure!(
            log == 0,
            "the store was not closed: its log has {log} bytes"
        );
        let bytes = fs::read(&self.file)?;
        let mut places = Vec::new();
        for sealed in self.sealed(run)? {
            let end = sealed.len().saturating_sub(MARK);
            let mark = sealed.get(end..).unwrap_or_default();
            let mut windows = bytes.windows(MARK);
            let at = windows.position(|window| window == mark);
            places.push(at.context("a body does not stand in the file")?);
        }
        ensure!(!places.is_empty(), "run {run} has no body in the file");
        places.sort_unstable();
        Ok((bytes, places))
    }

    /// What the event of a run brought, what the run gave, and what is delivered of it.
    fn sealed(&self, run: Uuid) -> Result<Vec<Vec<u8>>> {
        let file = format!("file:{}?immutable=1", self.file.display());
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let connection = Connection::open_with_flags(file, flags)?;
        let mut bodies = connection.prepare(
            "SELECT sealed FROM payloads WHERE seq IN ( \
             SELECT e.payload FROM runs r JOIN events e ON e.id = r.event WHERE r.id = ?1 \
             UNION SELECT result FROM runs WHERE id = ?1 \
             UNION SELECT payload FROM deliveries WHERE run = ?1)",
        )?;
        let bodies = bodies.query_map([run.as_bytes()], |row| row.get(0))?;
        Ok(bodies.collect::<Result<_, _>>()?)
    }
}
