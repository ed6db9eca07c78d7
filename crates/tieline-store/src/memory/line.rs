//! Runs that wait for each other: who stands in whose way, and who comes forward.
//!
//! A line is its project, its agent and its key. It never ends a run and never puts one in hand.

use std::time::Duration;

use tieline_model::{AgentId, ProjectId, Reason, Run, RunId, RunState, Timestamp};

use super::State;
use crate::{Debounce, Line, LinePolicy};

/// Where a run stands in its line, until it ends.
#[derive(Debug)]
pub(super) struct Standing {
    of: LineOf,
    /// Counts commits: a lower one came earlier.
    place: u64,
    width: u32,
    stands: Stands,
    /// How many that waited for quiet it took the place of, theirs included.
    merged: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LineOf {
    pub project: ProjectId,
    pub agent: AgentId,
    pub key: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stands {
    /// It may be claimed, or is in hand.
    Forward,
    Behind,
    /// Its place was taken: it is never claimed again.
    Displaced,
    /// It has just come, and nobody has to reckon with it yet.
    Arriving,
}

impl State {
    /// Whether nobody of its line stands before a run, and its place was not taken.
    pub(super) fn is_forward(&self, run: &Run) -> bool {
        self.stands(run)
            .is_none_or(|stands| stands == Stands::Forward)
    }

    pub(super) fn is_displaced(&self, run: &Run) -> bool {
        self.stands(run) == Some(Stands::Displaced)
    }

    /// Whether a run of the line has not ended.
    pub(super) fn is_taken(&self, line: &LineOf) -> bool {
        self.lines.values().any(|standing| standing.of == *line)
    }

    /// Puts a queued run at the end of its line, and returns those whose place it takes.
    pub(super) fn stand(
        &mut self,
        run: (ProjectId, RunId),
        line: &Line,
        now: Timestamp,
    ) -> Vec<RunId> {
        let newest = self.runs[&run].row.clone();
        let of = LineOf {
            project: newest.project,
            agent: newest.agent,
            key: line.key.clone(),
        };
        let displaced = self.displaced_by(&newest, &of, line);
        let merged = self.wait_for_quiet(run, &displaced, line.debounce, now);
        for id in &displaced {
            let key = (newest.project, *id);
            self.runs.get_mut(&key).expect("it is listed").row.into = Some(newest.id);
            let standing = self.lines.get_mut(&key).expect("it stands in this line");
            standing.stands = Stands::Displaced;
        }
        self.places += 1;
        let standing = Standing {
            of: of.clone(),
            place: self.places,
            width: line.width,
            stands: Stands::Arriving,
            merged,
        };
        self.lines.insert(run, standing);
        self.come_forward(&of);
        // However wide it is itself, it overtakes nobody.
        let is_next = self.first_behind(&of).is_none();
        let stands = if is_next && self.in_the_way(&of) < line.width {
            Stands::Forward
        } else {
            Stands::Behind
        };
        let standing = self.lines.get_mut(&run).expect("it was just put there");
        standing.stands = stands;
        displaced
    }

    /// Lets the next of a run's line come forward, where the run ended or went out of hand.
    pub(super) fn make_way(&mut self, run: (ProjectId, RunId)) {
        let Some(standing) = self.lines.get(&run) else {
            return;
        };
        let of = standing.of.clone();
        if self.runs[&run].row.state.is_final() {
            self.lines.remove(&run);
        }
        self.come_forward(&of);
    }

    fn stands(&self, run: &Run) -> Option<Stands> {
        let standing = self.lines.get(&(run.project, run.id))?;
        Some(standing.stands)
    }

    /// The first come first, as long as there is room for it.
    fn come_forward(&mut self, line: &LineOf) {
        while let Some((next, width)) = self.first_behind(line)
            && self.in_the_way(line) < width
        {
            let standing = self.lines.get_mut(&next).expect("it was found above");
            standing.stands = Stands::Forward;
            let row = &self.runs[&next].row;
            // One that waits for quiet is due by its own time.
            if row.state == RunState::Queued {
                let turn = self.last_turn(row).max(row.due_at);
                self.runs.get_mut(&next).expect("it stands here").row.due_at = turn;
            }
        }
    }

    fn first_behind(&self, line: &LineOf) -> Option<((ProjectId, RunId), u32)> {
        let of_line = self.lines.iter().filter(|(_, s)| s.of == *line);
        let behind = of_line.filter(|(_, s)| s.stands == Stands::Behind);
        let (run, standing) = behind.min_by_key(|(_, s)| s.place)?;
        Some((*run, standing.width))
    }

    /// How many of the line may be claimed or are in hand.
    fn in_the_way(&self, line: &LineOf) -> u32 {
        let of_line = self.lines.iter().filter(|(_, s)| s.of == *line);
        let blocking = of_line.filter(|(run, standing)| match standing.stands {
            Stands::Forward => true,
            Stands::Behind | Stands::Arriving => false,
            Stands::Displaced => is_in_hand(&self.runs[run].row),
        });
        u32::try_from(blocking.count()).unwrap_or(u32::MAX)
    }

    /// Behind the last in the queue of a run's agent and priority.
    fn last_turn(&self, run: &Run) -> Option<Timestamp> {
        let rows = self.runs.values().map(|held| &held.row);
        let rows = rows.filter(|row| row.agent == run.agent && row.priority == run.priority);
        let queued = rows.filter(|row| row.state == RunState::Queued && row.id != run.id);
        let turns = queued.filter(|row| self.is_forward(row));
        let last = turns.filter_map(|row| row.due_at).max()?;
        Some(last.plus(Duration::from_millis(1)))
    }

    /// In the order of their commits. Runs of one event leave each other alone.
    fn displaced_by(&self, newest: &Run, of: &LineOf, line: &Line) -> Vec<RunId> {
        let standing = self.lines.iter().filter(|(_, s)| s.of == *of);
        let standing = standing.filter(|(_, s)| s.stands != Stands::Displaced);
        let mut displaced: Vec<(u64, RunId)> = standing
            .filter(|(run, _)| {
                let row = &self.runs[run].row;
                row.connector == newest.connector
                    && row.event != newest.event
                    && takes_the_place_of(line, row)
            })
            .map(|(run, standing)| (standing.place, run.1))
            .collect();
        displaced.sort_unstable();
        displaced.into_iter().map(|(_, id)| id).collect()
    }

    /// Takes the turn of those that are displaced, and waits for quiet where the line asks for
    /// it. Returns how many that waited so are displaced.
    fn wait_for_quiet(
        &mut self,
        run: (ProjectId, RunId),
        displaced: &[RunId],
        debounce: Option<Debounce>,
        now: Timestamp,
    ) -> u32 {
        let (mut turn, mut first, mut merged) = (now, now, 0);
        for id in displaced {
            let key = (run.0, *id);
            let row = &self.runs[&key].row;
            if row.state == RunState::Queued {
                turn = turn.min(row.due_at.unwrap_or(now));
            }
            if is_debounced(row) {
                first = first.min(row.waiting_since.unwrap_or(now));
                merged += 1 + self.lines[&key].merged;
            }
        }
        let row = &mut self.runs.get_mut(&run).expect("it was just queued").row;
        row.due_at = Some(turn);
        if let Some(debounce) = debounce {
            let due_at = now.plus(debounce.quiet).min(first.plus(debounce.max_wait));
            if merged + 1 < debounce.max_count && due_at > now {
                row.state = RunState::Waiting;
                row.reason = Some(Reason::Debounce);
                row.waiting_since = Some(first);
                row.due_at = Some(due_at);
            }
        }
        merged
    }
}

fn takes_the_place_of(line: &Line, row: &Run) -> bool {
    let by_policy = match line.policy {
        LinePolicy::Queue | LinePolicy::Reject => false,
        LinePolicy::Coalesce => is_never_begun(row),
        LinePolicy::Replace => true,
    };
    by_policy || line.debounce.is_some() && is_debounced(row)
}

fn is_debounced(row: &Run) -> bool {
    row.state == RunState::Waiting && row.reason == Some(Reason::Debounce)
}

/// Queued or waiting, and no claim of it was ever counted.
pub(super) fn is_never_begun(row: &Run) -> bool {
    matches!(row.state, RunState::Queued | RunState::Waiting) && row.attempt == 0
}

/// Whether an agent has it.
pub(super) fn is_in_hand(row: &Run) -> bool {
    row.state == RunState::Running
        || row.state == RunState::Waiting && row.reason == Some(Reason::Answer)
}
