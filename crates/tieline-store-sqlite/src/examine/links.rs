//! Rows that name other rows, which have to be there.

use rusqlite::{Connection, params};

use super::{Examination, Severity};
use crate::failure::Failure;
use crate::{limits, rows};

/// Rows whose parent is not there. The first column of each query is an id.
const ORPHANS: [(&str, &str); 3] = [
    (
        "run has lost its event",
        "SELECT r.id FROM runs r WHERE NOT EXISTS \
         (SELECT 1 FROM events e WHERE e.project = r.project AND e.id = r.event)",
    ),
    (
        "delivery has lost its run",
        "SELECT d.id FROM deliveries d WHERE NOT EXISTS \
         (SELECT 1 FROM runs r WHERE r.project = d.project AND r.id = d.run)",
    ),
    (
        "file has lost its event",
        "SELECT f.id FROM files f WHERE NOT EXISTS \
         (SELECT 1 FROM events e WHERE e.project = f.project AND e.id = f.event)",
    ),
];

pub(super) fn examine(connection: &Connection, seen: &mut Examination) -> Result<(), Failure> {
    for (matter, sql) in ORPHANS {
        let sql = format!("{sql} LIMIT {}", limits::FINDINGS);
        let mut select = connection.prepare(&sql)?;
        let mut found = select.query([])?;
        while let Some(row) = found.next()? {
            add(seen, matter, row.get(0)?);
        }
    }
    keys(connection, seen)?;
    lists(connection, seen)
}

fn add(seen: &mut Examination, matter: &str, id: [u8; 16]) {
    let what = format!("a {matter}: `{}`", super::id(id));
    seen.add(Severity::Error, what, super::RESTORE);
}

/// Keys may outlive an event that is kept no longer; they mean nothing then.
fn keys(connection: &Connection, seen: &mut Examination) -> Result<(), Failure> {
    let count = "SELECT count(*) FROM dedupe d WHERE NOT EXISTS \
                 (SELECT 1 FROM events e WHERE e.project = d.project AND e.id = d.event)";
    let count = connection.query_row(count, [], |row| rows::count(row, 0))?;
    if count > 0 {
        let what = format!("{count} dedupe keys have outlived their events");
        let fix = "keep rows at least as long as dedupe keys; these go when they expire";
        seen.add(Severity::Note, what, fix);
    }
    Ok(())
}

/// The runs and files that an event lists, in slices, each a snapshot of its own.
fn lists(connection: &Connection, seen: &mut Examination) -> Result<(), Failure> {
    let slice = "SELECT project, id, runs, replays, files FROM events \
                 WHERE (project, id) > (?1, ?2) ORDER BY project, id LIMIT ?3";
    let mut slice = connection.prepare(slice)?;
    let mut run = connection.prepare("SELECT 1 FROM runs WHERE project = ?1 AND id = ?2")?;
    let mut file = connection.prepare("SELECT 1 FROM files WHERE project = ?1 AND id = ?2")?;
    let mut last: (i64, Vec<u8>) = (i64::MIN, Vec::new());
    let mut lost = 0;
    while lost < limits::FINDINGS {
        let mut events = slice.query(params![last.0, last.1, limits::EXAMINED])?;
        let mut some = false;
        while let Some(event) = events.next()? {
            some = true;
            let id: [u8; 16] = event.get(1)?;
            last = (event.get(0)?, id.to_vec());
            let runs = [rows::ids(event, 2)?, rows::ids(event, 3)?].concat();
            for of in runs {
                if !run.exists(params![last.0, of])? {
                    add(seen, "run of an event is lost", of);
                    lost += 1;
                }
            }
            for of in rows::ids(event, 4)? {
                if !file.exists(params![last.0, of])? {
                    add(seen, "file of an event is lost", of);
                    lost += 1;
                }
            }
        }
        if !some {
            break;
        }
    }
    Ok(())
}
