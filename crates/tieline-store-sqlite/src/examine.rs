//! What a doctor asks of a store's file, also while a hub uses it.
//!
//! It only reads, and it never stops at damage: what cannot be read is a finding like any other.
//! Nothing in here repairs anything.

mod bodies;
mod links;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode};
use tieline_model::{DeliveryState, Reason, RunId, RunState, Timestamp};
use tieline_vault::{MasterId, Vault};

use crate::failure::Failure;
use crate::open::{self, OpenError};
use crate::{SqliteStore, limits, migrate, rows};

/// How much of the file to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Every page, but neither indexes against their tables nor bodies: as fast as the disk.
    Quick,
    /// Everything: each index, each sealed body, each reference.
    Full,
}

/// What an examination has shown.
#[derive(Clone, Debug, Default)]
pub struct Examination {
    /// The version of the schema; this binary may know a newer one.
    pub schema: i64,
    /// Bytes of the file and of its write-ahead log.
    pub file_bytes: u64,
    pub log_bytes: u64,
    /// Pages of the file, and how many of them are free to be used again.
    pub pages: u64,
    pub free_pages: u64,
    /// The master key that the store needs, where it has one.
    pub master: Option<MasterId>,
    /// How many bodies were opened to see whether they are whole.
    pub bodies: u64,
    /// What has not ended, by state and reason.
    pub runs: Vec<Open<RunState>>,
    pub deliveries: Vec<Open<DeliveryState>>,
    /// When the newest event came, by the clock of the hub then.
    pub newest: Option<Timestamp>,
    /// The most severe first; empty where all is well.
    pub findings: Vec<Finding>,
}

/// How many rows are in one state for one reason, and since when the first of them is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Open<State> {
    pub state: State,
    pub reason: Option<Reason>,
    pub count: u64,
    pub since: Timestamp,
}

/// Something that a person should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub severity: Severity,
    /// What is the matter, as a fragment.
    pub what: String,
    /// What to do, as a fragment.
    pub fix: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something is lost or damaged.
    Error,
    /// It will get worse, or somebody may read what is not theirs.
    Warning,
    /// Good to know.
    Note,
}

impl Severity {
    /// As it stands in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// What to do about a file that is damaged as such.
const RESTORE: &str = "stop the hub, put the file and its log aside, and go on with the last \
                       backup; `sqlite3 FILE .recover` may save what is newer";

impl SqliteStore {
    /// Examines a file without changing it.
    ///
    /// Fails where there is no such file, where it is not the hub's, and where its schema is newer
    /// than this binary: what that means is not known here. Damage is no failure but a finding.
    /// `vault` has the master key of the store, where that is at hand: without it no body is looked
    /// at, which is said. Waits for the disk. [`Depth::Full`] reads every byte, and while it goes through the pages a
    /// hub that is at work cannot begin its log anew: that grows with what is written meanwhile.
    pub fn examine(
        path: impl AsRef<Path>,
        depth: Depth,
        vault: Option<&Vault>,
    ) -> Result<Examination, OpenError> {
        let path = path.as_ref();
        let mut seen = Examination::default();
        // First: a look into the file makes an empty log beside it, where nobody has it open.
        seen.outside(path);
        let examined = open::reader(path).and_then(|connection| {
            let version = migrate::version(&connection)?;
            Ok((connection, version))
        });
        let (connection, version) = match examined {
            Ok(examined) => examined,
            Err(error) if is_damage(&error) => {
                seen.add(
                    Severity::Error,
                    format!("the file is damaged: {error}"),
                    RESTORE,
                );
                return Ok(seen);
            }
            Err(source) => {
                let path = path.to_owned();
                return Err(OpenError::Open { path, source });
            }
        };
        let path = path.to_owned();
        let known = migrate::known();
        seen.schema = match version {
            None => return Err(OpenError::Foreign { path }),
            Some(found) if found > known => return Err(OpenError::Newer { path, found, known }),
            Some(found) => found,
        };
        seen.section("the pages", |seen| seen.pages(&connection, depth));
        if seen.schema < known {
            let what = format!("the schema has version {}, not {known}", seen.schema);
            seen.add(
                Severity::Note,
                what,
                "nothing: the next start of the hub brings it there",
            );
        } else {
            seen.content(&connection, depth, vault);
        }
        seen.findings.sort_by_key(|finding| finding.severity);
        Ok(seen)
    }
}

/// How an id is written, of whatever it is.
fn id(bytes: [u8; 16]) -> RunId {
    RunId::from_bytes(bytes)
}

fn is_damage(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(
        code,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}

impl Examination {
    fn add(&mut self, severity: Severity, what: String, fix: impl Into<String>) {
        let fix = fix.into();
        self.findings.push(Finding {
            severity,
            what,
            fix,
        });
    }

    /// Goes on where a part cannot be read.
    fn section(&mut self, name: &str, look: impl FnOnce(&mut Self) -> Result<(), Failure>) {
        if let Err(failure) = look(self) {
            let what = format!("{name} could not be read to their end: {failure}");
            self.add(Severity::Error, what, RESTORE);
        }
    }

    fn content(&mut self, connection: &Connection, depth: Depth, vault: Option<&Vault>) {
        self.section("the open rows", |seen| seen.open_rows(connection));
        let mut opener = None;
        self.section("the keys", |seen| {
            opener = bodies::key(connection, vault, seen)?;
            Ok(())
        });
        if let Some(vault) = opener {
            let look = |seen: &mut Self| bodies::catalogue(connection, vault, seen);
            self.section("the catalogue", look);
        }
        if depth == Depth::Full {
            let look = |seen: &mut Self| bodies::examine(connection, opener, seen);
            self.section("the bodies", look);
            self.section("the references", |seen| links::examine(connection, seen));
        }
    }

    /// What the file system says. The file is not opened for it: closing it would take the locks
    /// away from a store that is open in this process.
    fn outside(&mut self, path: &Path) {
        let beside = |suffix: &str| {
            let mut name = path.as_os_str().to_owned();
            name.push(suffix);
            PathBuf::from(name)
        };
        let log = beside("-wal");
        for file in [path.to_owned(), log.clone(), beside("-shm")] {
            let Ok(metadata) = fs::metadata(&file) else {
                continue;
            };
            let mode = metadata.permissions().mode() & 0o777;
            if mode & 0o077 != 0 {
                let name = file.display();
                let what = format!("others may read `{name}`, its mode is {mode:o}");
                self.add(Severity::Warning, what, format!("`chmod 600 {name}`"));
            }
            if file == path {
                self.file_bytes = metadata.len();
            } else if file == log {
                self.log_bytes = metadata.len();
            }
        }
        if self.log_bytes > limits::LONG_LOG_BYTES {
            let what = format!("the write-ahead log has grown to {} bytes", self.log_bytes);
            let fix = "look for a program that reads the file without end; a restart of the hub \
                       copies the log back";
            self.add(Severity::Warning, what, fix);
        }
    }

    fn pages(&mut self, connection: &Connection, depth: Depth) -> Result<(), Failure> {
        let number = |pragma: &str| {
            connection.query_row(&format!("PRAGMA {pragma}"), [], |row| rows::count(row, 0))
        };
        self.pages = number("page_count")?;
        self.free_pages = number("freelist_count")?;
        let free_bytes = self.free_pages * number("page_size")?;
        if free_bytes > limits::MUCH_FREE_BYTES && self.free_pages > self.pages / 2 {
            let what = format!("{free_bytes} bytes of the file are free");
            let fix = "nothing: they are used again; to give them back, stop the hub and run \
                       `sqlite3 FILE VACUUM`";
            self.add(Severity::Note, what, fix);
        }
        let check = match depth {
            Depth::Quick => "quick_check",
            Depth::Full => "integrity_check",
        };
        let check = format!("PRAGMA {check}({})", limits::FINDINGS);
        let mut check = connection.prepare(&check)?;
        let mut said = check.query([])?;
        while let Some(row) = said.next()? {
            let what: String = row.get(0)?;
            if what != "ok" {
                self.add(
                    Severity::Error,
                    format!("the file is damaged: {what}"),
                    RESTORE,
                );
            }
        }
        Ok(())
    }

    fn open_rows(&mut self, connection: &Connection) -> Result<(), Failure> {
        let runs = "SELECT state, reason, count(*), min(coalesce(waiting_since, queued_at)) \
                    FROM runs WHERE state < 3 GROUP BY state, reason ORDER BY state, reason";
        self.runs = open_rows(connection, runs, rows::run_state)?;
        let deliveries = "SELECT state, reason, count(*), min(coalesce(waiting_since, created_at)) \
                          FROM deliveries WHERE state < 3 GROUP BY state, reason \
                          ORDER BY state, reason";
        self.deliveries = open_rows(connection, deliveries, rows::delivery_state)?;
        let newest = "SELECT max(received_at) FROM events";
        let newest: Option<i64> = connection.query_row(newest, [], |row| row.get(0))?;
        self.newest = newest.map(Timestamp::from_millis);
        Ok(())
    }
}

fn open_rows<State>(
    connection: &Connection,
    sql: &str,
    state: impl Fn(i64) -> Result<State, Failure>,
) -> Result<Vec<Open<State>>, Failure> {
    let mut select = connection.prepare(sql)?;
    let mut found = select.query([])?;
    let mut open = Vec::new();
    while let Some(row) = found.next()? {
        open.push(Open {
            state: state(row.get(0)?)?,
            reason: rows::reason(row, 1)?,
            count: rows::count(row, 2)?,
            since: Timestamp::from_millis(row.get(3)?),
        });
    }
    Ok(open)
}

#[cfg(test)]
mod tests;
