//! Runs that wait for each other: who stands in whose way, and who comes forward.
//!
//! A line is its project, its agent and its key (of which only a digest comes here); only a run with
//! one ever comes here. It never
//! ends a run and never puts one in hand.

mod list;
mod quiet;

use rusqlite::{Connection, OptionalExtension as _, params};
use tieline_model::{EventId, ProjectId, RunId, Timestamp};
use tieline_store::LinePolicy;

pub(crate) use self::list::{displaced, stale};
pub(crate) use self::quiet::Due;
use crate::failure::Failure;
use crate::seal::SealedNewRun;

/// What `held_back` says.
const FREE: i64 = 0;
const BEHIND: i64 = 1;
const DISPLACED: i64 = 2;

#[derive(Clone, Copy, Debug)]
pub(crate) struct LineOf<'a> {
    pub(crate) project: ProjectId,
    pub(crate) agent: i64,
    pub(crate) key: &'a [u8],
}

/// Where a run stands that goes in; without a line nothing is asked and nothing is written.
#[derive(Debug)]
pub(crate) struct Standing<'a> {
    pub(crate) line: Option<&'a [u8]>,
    pub(crate) place: Option<i64>,
    pub(crate) width: Option<u32>,
    pub(crate) held_back: i64,
    pub(crate) merged: u32,
    pub(crate) due: Due,
    /// In the order of their commits.
    pub(crate) displaced: Vec<RunId>,
}

/// The line in which a new run is to stand; one that is held stands in none.
fn of(project: ProjectId, run: &SealedNewRun) -> Option<LineOf<'_>> {
    let key = run.line.as_ref().filter(|_| run.new.held.is_none())?;
    Some(LineOf {
        project,
        agent: run.new.agent.0,
        key,
    })
}

/// Whether one of the runs of a new event stands in a line that refuses, and has a run already.
pub(crate) fn refuses(
    connection: &Connection,
    project: ProjectId,
    runs: &[SealedNewRun],
) -> Result<bool, Failure> {
    let taken = "SELECT 1 FROM runs INDEXED BY runs_lined \
                 WHERE agent = ?1 AND project = ?2 AND line = ?3 AND state < 3";
    for run in runs {
        let policy = run.new.line.as_ref().map(|line| line.policy);
        let Some(line) = of(project, run).filter(|_| policy == Some(LinePolicy::Reject)) else {
            continue;
        };
        let mut taken = connection.prepare_cached(taken)?;
        if taken.exists(params![line.agent, line.project.0, line.key])? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Finds a new run its place, and takes it from those that give way to it. Comes before the run
/// itself is written.
pub(crate) fn stand<'a>(
    connection: &Connection,
    event: (ProjectId, EventId, i64),
    run: &'a SealedNewRun,
    now: Timestamp,
) -> Result<Standing<'a>, Failure> {
    let at_once = Standing {
        line: None,
        place: None,
        width: None,
        held_back: FREE,
        merged: 0,
        due: Due::at(now),
        displaced: Vec::new(),
    };
    let (Some(line), Some(of)) = (&run.new.line, of(event.0, run)) else {
        return Ok(at_once);
    };
    let found = quiet::displaced_by(connection, of, line, event)?;
    let (due, merged) = quiet::due(&found, line.debounce, now);
    for one in &found {
        let take = "UPDATE runs SET held_back = 2, into_run = ?3 WHERE project = ?1 AND id = ?2";
        let take = connection.prepare_cached(take);
        take?.execute(params![of.project.0, one.id, run.new.id.as_bytes()])?;
    }
    // However wide it is itself, it overtakes nobody.
    let is_next = !come_forward(connection, of)?;
    let is_free = is_next && in_the_way(connection, of)? < line.width;
    let next = "UPDATE places SET last = last + 1, latest = max(latest, ?1) RETURNING last";
    let place = connection
        .prepare_cached(next)?
        .query_row([now.as_millis()], |row| row.get(0))?;
    Ok(Standing {
        line: Some(of.key),
        place: Some(place),
        width: Some(line.width),
        held_back: if is_free { FREE } else { BEHIND },
        merged,
        due,
        displaced: found.iter().map(|one| RunId::from_bytes(one.id)).collect(),
    })
}

/// The first come first, as long as there is room for it. Says whether one stands behind still.
fn come_forward(connection: &Connection, of: LineOf<'_>) -> Result<bool, Failure> {
    let first = "SELECT id, width FROM runs INDEXED BY runs_lined \
                 WHERE agent = ?1 AND project = ?2 AND line = ?3 AND held_back = 1 AND state < 3 \
                 ORDER BY place LIMIT 1";
    // The sessions of an agent take turns. One that waits for quiet is due by its own time.
    let forward = "UPDATE runs SET held_back = 0, due_at = iif(state = 0, max(due_at, \
                   coalesce((SELECT max(q.due_at) + 1 FROM runs q INDEXED BY runs_queued \
                             WHERE q.state = 0 AND q.held_back = 0 AND q.agent = runs.agent \
                             AND q.priority = runs.priority), due_at)), due_at) \
                   WHERE project = ?1 AND id = ?2";
    let mut first = connection.prepare_cached(first)?;
    loop {
        let line = params![of.agent, of.project.0, of.key];
        let next = first.query_row(line, |row| Ok((row.get(0)?, row.get(1)?)));
        let next: Option<([u8; 16], u32)> = next.optional()?;
        let Some((id, width)) = next else {
            return Ok(false);
        };
        if in_the_way(connection, of)? >= width {
            return Ok(true);
        }
        let mut forward = connection.prepare_cached(forward)?;
        forward.execute(params![of.project.0, id])?;
    }
}

/// How many of the line may be claimed or are in hand: whose place was taken counts only there.
fn in_the_way(connection: &Connection, of: LineOf<'_>) -> Result<u32, Failure> {
    let count = "SELECT \
         (SELECT count(*) FROM runs INDEXED BY runs_lined WHERE agent = ?1 AND project = ?2 \
          AND line = ?3 AND held_back = 0 AND state < 3) + \
         (SELECT count(*) FROM runs INDEXED BY runs_lined WHERE agent = ?1 AND project = ?2 \
          AND line = ?3 AND held_back = 2 AND state < 3 AND (state = 1 OR reason = 4))";
    let mut count = connection.prepare_cached(count)?;
    let line = params![of.agent, of.project.0, of.key];
    Ok(count.query_row(line, |row| row.get(0))?)
}

/// Notes that a run that may stand behind others was given a time; see `latest` in the schema.
pub(crate) fn timed(connection: &Connection, at: Timestamp) -> Result<(), Failure> {
    let note = "UPDATE places SET latest = ?1 WHERE latest < ?1";
    connection.prepare_cached(note)?.execute([at.as_millis()])?;
    Ok(())
}

/// What a run was in when it was settled or freed, as far as its line is concerned.
#[derive(Debug)]
pub(crate) struct Left {
    pub(crate) agent: i64,
    pub(crate) key: Vec<u8>,
    pub(crate) displaced: bool,
}

impl Left {
    /// Reads `agent, line, held_back`; `None` for a run that stands in no line.
    pub(crate) fn read(row: &rusqlite::Row<'_>, first: usize) -> rusqlite::Result<Option<Self>> {
        let Some(key) = row.get(first + 1)? else {
            return Ok(None);
        };
        Ok(Some(Self {
            agent: row.get(first)?,
            key,
            displaced: row.get::<_, i64>(first + 2)? == DISPLACED,
        }))
    }

    pub(crate) fn make_way(
        &self,
        connection: &Connection,
        project: ProjectId,
    ) -> Result<(), Failure> {
        let of = LineOf {
            project,
            agent: self.agent,
            key: &self.key,
        };
        come_forward(connection, of).map(|_| ())
    }
}
