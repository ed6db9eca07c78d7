//! What is kept no longer: which events are looked at, and when again.
//!
//! Events lie in the order of their arrival. For each stage a cursor goes through them once, up to
//! the first that came too lately; what it passes by because it has not ended, or ended late, is
//! put down among the lingering ones and looked at again. Nothing is scanned twice, nothing is
//! forgotten, and accepting an event costs nothing for it.

mod event;

use rusqlite::{Connection, OptionalExtension as _, params};
use tieline_model::{EventId, ProjectId, Timestamp};
use tieline_store::{Change, Retain, Retained};

use self::event::Kin;
use crate::failure::Failure;
use crate::{limits, rows};

/// What becomes of an event whose time is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Bodies,
    Rows,
}

pub(crate) fn retain(connection: &Connection, retain: &Retain) -> Result<Retained, Failure> {
    let mut left = retain.limit;
    // What goes whole needs not be erased before.
    let rows = all_projects(connection, Stage::Rows, retain.rows_before, &mut left)?;
    let bodies = all_projects(connection, Stage::Bodies, retain.bodies_before, &mut left)?;
    Ok(Retained {
        bodies,
        rows,
        more: left == 0,
    })
}

pub(crate) fn erase_event(
    connection: &Connection,
    project: ProjectId,
    event: EventId,
) -> Result<Change, Failure> {
    let Some(kin) = Kin::find(connection, project.0, *event.as_bytes())? else {
        return Ok(Change::NotFound);
    };
    if kin.ended_at.is_none() {
        return Ok(Change::NotAllowed);
    }
    kin.erase(connection)?;
    Ok(Change::Done)
}

fn all_projects(
    connection: &Connection,
    stage: Stage,
    before: Timestamp,
    left: &mut u32,
) -> Result<u64, Failure> {
    let mut done = 0;
    let mut project = i64::MIN;
    // One step through the tree for each project, however many events it has.
    let next = "SELECT min(project) FROM events WHERE project > ?1";
    let mut next = connection.prepare_cached(next)?;
    while *left > 0 {
        let found: Option<i64> = next.query_row([project], |row| row.get(0))?;
        let Some(found) = found else {
            break;
        };
        project = found;
        let mut pass = Pass {
            connection,
            stage,
            project,
            before,
            left: *left,
            erased_bytes: 0,
            done: 0,
        };
        pass.run()?;
        *left = pass.left;
        done += pass.done;
    }
    Ok(done)
}

/// One stage over one project.
struct Pass<'a> {
    connection: &'a Connection,
    stage: Stage,
    project: i64,
    before: Timestamp,
    /// How many events may still be looked at.
    left: u32,
    /// Erasing overwrites, and all others wait for the commit that does it.
    erased_bytes: u64,
    /// How many were dealt with.
    done: u64,
}

impl Pass<'_> {
    fn run(&mut self) -> Result<(), Failure> {
        let cursor = self.cursor()?;
        self.look_again()?;
        self.go_on(&cursor)
    }

    /// The last event that was passed; empty where all begins anew.
    fn cursor(&self) -> Result<Vec<u8>, Failure> {
        let find = "SELECT begun, before, event FROM retention WHERE stage = ?1 AND project = ?2";
        let place = params![self.stage.code(), self.project];
        let mut find = self.connection.prepare_cached(find)?;
        let found = find.query_row(place, |row| {
            let times = (rows::time(row, 0)?, rows::time(row, 1)?);
            Ok((times, row.get::<_, [u8; 16]>(2)?))
        });
        let (times, event) = match found.optional()? {
            Some(((Some(begun), Some(before)), event)) => ((begun, before), event),
            _ => return Ok(Vec::new()),
        };
        if !self.begins_anew(times, event) {
            return Ok(event.to_vec());
        }
        for forget in [
            "DELETE FROM retention WHERE stage = ?1 AND project = ?2",
            "DELETE FROM lingering WHERE stage = ?1 AND project = ?2",
        ] {
            self.connection.prepare_cached(forget)?.execute(place)?;
        }
        Ok(Vec::new())
    }

    /// Whether there may be events behind the cursor that it has never seen.
    ///
    /// So it is where more is kept than before, or the clock was set back; and while the id at the
    /// cursor holds a time that is still to come, because the clock was wrong once: then every
    /// event may come to lie behind it, and all are looked at once a day.
    fn begins_anew(&self, (begun, before): (Timestamp, Timestamp), cursor: [u8; 16]) -> bool {
        // The first 48 bits of a UUIDv7, RFC 9562, section 5.7.
        let of_id = u128::from_be_bytes(cursor) >> 80;
        let ahead = i128::try_from(of_id).is_ok_and(|ms| ms >= self.before.as_millis().into());
        before > self.before || (ahead && begun.plus(limits::BEGIN_ANEW) <= self.before)
    }

    /// Looks at those that were passed by and whose time may have come.
    fn look_again(&mut self) -> Result<(), Failure> {
        let due = "SELECT look_at, event FROM lingering WHERE stage = ?1 AND project = ?2 \
                   AND look_at < ?3 ORDER BY look_at, event LIMIT ?4";
        let mut due = self.connection.prepare_cached(due)?;
        let before = self.before.as_millis();
        let due = due.query_map(
            params![self.stage.code(), self.project, before, self.left],
            |row| Ok((row.get::<_, i64>(0)?, row.get::<_, [u8; 16]>(1)?)),
        )?;
        let take = "DELETE FROM lingering WHERE stage = ?1 AND project = ?2 AND look_at = ?3 \
                    AND event = ?4";
        let mut take = self.connection.prepare_cached(take)?;
        for (look_at, event) in due.collect::<Result<Vec<_>, _>>()? {
            if self.left == 0 {
                break;
            }
            take.execute(params![self.stage.code(), self.project, look_at, event])?;
            self.look_at(event)?;
        }
        Ok(())
    }

    /// Looks at those that come after the cursor.
    fn go_on(&mut self, cursor: &[u8]) -> Result<(), Failure> {
        let next = "SELECT id, received_at FROM events WHERE project = ?1 AND id > ?2 \
                    ORDER BY id LIMIT ?3";
        let mut next = self.connection.prepare_cached(next)?;
        let next = next.query_map(params![self.project, cursor, self.left], |row| {
            Ok((row.get::<_, [u8; 16]>(0)?, row.get::<_, i64>(1)?))
        })?;
        let mut passed = None;
        for (event, received_at) in next.collect::<Result<Vec<_>, _>>()? {
            if self.left == 0 {
                break;
            }
            if received_at < self.before.as_millis() {
                self.look_at(event)?;
            } else if self.is_out_of_order(received_at)? {
                self.linger(event, received_at)?;
                self.left -= 1;
            } else {
                break;
            }
            passed = Some(event);
        }
        let Some(passed) = passed else {
            return Ok(());
        };
        let put = "INSERT INTO retention (stage, project, begun, before, event) \
                   VALUES (?1, ?2, ?3, ?3, ?4) ON CONFLICT (stage, project) \
                   DO UPDATE SET before = excluded.before, event = excluded.event";
        let before = self.before.as_millis();
        let mut put = self.connection.prepare_cached(put)?;
        put.execute(params![self.stage.code(), self.project, before, passed])?;
        Ok(())
    }

    /// Whether the newest event came earlier than this time: then the clock was wrong, and those
    /// in between must not wait until it comes round.
    fn is_out_of_order(&self, received_at: i64) -> Result<bool, Failure> {
        let newest = "SELECT received_at FROM events WHERE project = ?1 ORDER BY id DESC LIMIT 1";
        let mut newest = self.connection.prepare_cached(newest)?;
        let newest: i64 = newest.query_row([self.project], |row| row.get(0))?;
        Ok(newest < received_at)
    }

    fn look_at(&mut self, event: [u8; 16]) -> Result<(), Failure> {
        self.left -= 1;
        let Some(kin) = Kin::find(self.connection, self.project, event)? else {
            return Ok(());
        };
        match kin.ended_at {
            None => {
                let later = self.before.plus(limits::LOOK_AGAIN);
                self.linger(event, later.as_millis())
            }
            Some(ended_at) if ended_at >= self.before => self.linger(event, ended_at.as_millis()),
            Some(_) => {
                self.erased_bytes += kin.bytes(self.connection)?;
                if self.erased_bytes >= limits::ERASED_BYTES {
                    self.left = 0;
                }
                self.done += u64::from(match self.stage {
                    Stage::Bodies => kin.erase(self.connection)?,
                    Stage::Rows => kin.remove(self.connection)?,
                });
                Ok(())
            }
        }
    }

    fn linger(&self, event: [u8; 16], look_at: i64) -> Result<(), Failure> {
        let put = "INSERT OR IGNORE INTO lingering (stage, project, look_at, event) \
                   VALUES (?1, ?2, ?3, ?4)";
        let mut put = self.connection.prepare_cached(put)?;
        put.execute(params![self.stage.code(), self.project, look_at, event])?;
        Ok(())
    }
}

impl Stage {
    fn code(self) -> i64 {
        rows::place(&[Self::Bodies, Self::Rows], self)
    }
}

#[cfg(test)]
mod tests;
