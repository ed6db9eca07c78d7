//! Whose place a new run takes, and when it is due itself.

use rusqlite::{Connection, Row, params};
use tieline_model::{EventId, ProjectId, Reason, Timestamp};
use tieline_store::{Debounce, Line, LinePolicy};

use super::LineOf;
use crate::failure::Failure;
use crate::rows;

/// When a new run may be claimed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Due {
    pub(crate) at: Timestamp,
    /// Since when it waits for quiet; `None` where it is queued.
    pub(crate) quiet_since: Option<Timestamp>,
}

impl Due {
    pub(super) const fn at(at: Timestamp) -> Self {
        Self {
            at,
            quiet_since: None,
        }
    }
}

/// A run that gives way.
pub(super) struct Found {
    pub(super) id: [u8; 16],
    state: i64,
    reason: Option<i64>,
    waiting_since: Option<Timestamp>,
    due_at: Option<Timestamp>,
    attempt: u32,
    merged: u32,
}

impl Found {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            state: row.get(1)?,
            reason: row.get(2)?,
            waiting_since: rows::time(row, 3)?,
            due_at: rows::time(row, 4)?,
            attempt: row.get(5)?,
            merged: row.get(6)?,
        })
    }

    fn waits_for_quiet(&self) -> bool {
        let debounce = rows::reason_code(Reason::Debounce);
        self.state == rows::WAITING && self.reason == Some(debounce)
    }

    fn gives_way_to(&self, line: &Line) -> bool {
        let by_policy = match line.policy {
            LinePolicy::Queue | LinePolicy::Reject => false,
            LinePolicy::Coalesce => self.state != rows::RUNNING && self.attempt == 0,
            LinePolicy::Replace => true,
        };
        by_policy || line.debounce.is_some() && self.waits_for_quiet()
    }
}

/// All of a line that came by a connector.
const STANDING: &str = "SELECT id, state, reason, waiting_since, due_at, attempt, merged \
     FROM runs INDEXED BY runs_lined \
     WHERE agent = ?1 AND project = ?2 AND line = ?3 AND held_back < 2 \
     AND state < 3 AND connector = ?4 AND event <> ?5 ORDER BY place";

/// Those of them that wait for quiet: few, however many stand there.
const WAIT_FOR_QUIET: &str = "SELECT id, state, reason, waiting_since, due_at, attempt, merged \
     FROM runs INDEXED BY runs_quiet \
     WHERE agent = ?1 AND project = ?2 AND line = ?3 AND connector = ?4 \
     AND state = 2 AND reason = 5 AND held_back < 2 AND event <> ?5 ORDER BY place";

/// In the order of their commits. Runs of one event leave each other alone.
pub(super) fn displaced_by(
    connection: &Connection,
    of: LineOf<'_>,
    line: &Line,
    (_, event, connector): (ProjectId, EventId, i64),
) -> Result<Vec<Found>, Failure> {
    let leaves_all = matches!(line.policy, LinePolicy::Queue | LinePolicy::Reject);
    let standing = match (leaves_all, line.debounce) {
        (true, None) => return Ok(Vec::new()),
        (true, Some(_)) => WAIT_FOR_QUIET,
        (false, _) => STANDING,
    };
    let mut standing = connection.prepare_cached(standing)?;
    let id = event.as_bytes();
    let narrowed = params![of.agent, of.project.0, of.key, connector, id];
    let mut rows = standing.query(narrowed)?;
    let mut displaced = Vec::new();
    while let Some(row) = rows.next()? {
        let found = Found::read(row)?;
        if found.gives_way_to(line) {
            displaced.push(found);
        }
    }
    Ok(displaced)
}

/// When the run is due that takes their turn and waits for quiet, where its line asks for that;
/// and how many that waited so give way.
pub(super) fn due(displaced: &[Found], debounce: Option<Debounce>, now: Timestamp) -> (Due, u32) {
    let (mut turn, mut first, mut merged) = (now, now, 0);
    for one in displaced {
        if one.state == rows::QUEUED {
            turn = turn.min(one.due_at.unwrap_or(now));
        }
        if one.waits_for_quiet() {
            first = first.min(one.waiting_since.unwrap_or(now));
            merged += 1 + one.merged;
        }
    }
    let due = debounce.and_then(|debounce| {
        let at = now.plus(debounce.quiet).min(first.plus(debounce.max_wait));
        (merged + 1 < debounce.max_count && at > now).then_some(Due {
            at,
            quiet_since: Some(first),
        })
    });
    (due.unwrap_or_else(|| Due::at(turn)), merged)
}
