//! What goes in: events with their files and runs, once.

use std::collections::BTreeMap;

use tieline_model::{
    ConnectorId, Event, EventId, FileId, Kept, ProjectId, Reason, Run, RunId, RunState, Timestamp,
};

use super::line::LineOf;
use super::{Held, Seen, State, Stored};
use crate::{
    Acceptance, Change, Dedupe, Epoch, LinePolicy, NewEvent, NewRun, StoreError, StoredFile,
};

impl State {
    /// Judges every event before any is stored, so that a refusal changes nothing.
    pub(super) fn accept(&mut self, events: Vec<NewEvent>) -> Result<Vec<Acceptance>, StoreError> {
        let judged = self.judge(&events);
        let fresh = events.iter().zip(&judged).filter(|(_, j)| j.is_none());
        self.refuse_known_ids(fresh.map(|(event, _)| event))?;
        let accept = |(event, judged): (NewEvent, Option<Acceptance>)| match judged {
            Some(acceptance) => acceptance,
            None => Acceptance::Stored {
                displaced: self.store(event),
            },
        };
        Ok(events.into_iter().zip(judged).map(accept).collect())
    }

    /// What becomes of events that are not to be stored; `None` for those that are.
    fn judge(&self, events: &[NewEvent]) -> Vec<Option<Acceptance>> {
        let mut here = Here::default();
        let mut judged = Vec::with_capacity(events.len());
        for event in events {
            let known = match &event.dedupe {
                Some(dedupe) if dedupe.follows && conflicts(judged.last()) => {
                    Some(Acceptance::Conflict)
                }
                Some(dedupe) => match here.keys.get(&(event.connector, dedupe.key.as_str())) {
                    Some((first, seen)) => {
                        let runs = first.runs.iter().map(|run| run.id).collect();
                        let first = (first.id, runs, first.filtered);
                        Some(repeated(seen.digest, dedupe, first))
                    }
                    None => self.judge_by_store(event.connector, dedupe),
                },
                None => None,
            };
            let refused = || self.is_refused(event, &here).then_some(Acceptance::Busy);
            let acceptance = known.or_else(refused);
            if acceptance.is_none() {
                here.add(event);
            }
            judged.push(acceptance);
        }
        judged
    }

    fn judge_by_store(&self, connector: ConnectorId, dedupe: &Dedupe) -> Option<Acceptance> {
        let seen = self.seen.get(&(connector, dedupe.key.clone()))?;
        let first = self.events.get(&(seen.project, seen.event))?;
        let runs = first.event.runs.iter().take(first.linked).copied();
        let first = (seen.event, runs.collect(), first.event.filtered);
        Some(repeated(seen.digest, dedupe, first))
    }

    /// Whether a line that refuses has a run that has not ended, or gets one from an event before.
    fn is_refused(&self, event: &NewEvent, here: &Here<'_>) -> bool {
        let lines = event.runs.iter().filter(|run| refuses(run));
        lines
            .filter_map(|run| line_of(event.project, run))
            .any(|line| here.lines.contains(&line) || self.is_taken(&line))
    }

    fn refuse_known_ids<'a>(
        &self,
        fresh: impl Iterator<Item = &'a NewEvent>,
    ) -> Result<(), StoreError> {
        let (mut events, mut runs, mut files) = (Vec::new(), Vec::new(), Vec::new());
        for event in fresh {
            let project = event.project;
            events.push((project, event.id));
            runs.extend(event.runs.iter().map(|run| (project, run.id)));
            files.extend(event.files.iter().map(|new| (project, new.file.id)));
        }
        refuse_known(&self.events, events)?;
        refuse_known(&self.runs, runs)?;
        refuse_known(&self.files, files)
    }

    /// Returns the runs whose place its own take.
    fn store(&mut self, new: NewEvent) -> Vec<RunId> {
        let NewEvent { id, project, .. } = new;
        let mut files = Vec::with_capacity(new.files.len());
        for upload in new.files {
            files.push(upload.file.clone());
            let key: (ProjectId, FileId) = (project, upload.file.id);
            let stored = StoredFile {
                project,
                event: id,
                connector: new.connector,
                file: upload.file,
                content: upload.content,
                kept: Kept::Whole,
            };
            self.files.insert(key, stored);
        }
        if let Some(dedupe) = new.dedupe {
            let seen = Seen {
                project,
                event: id,
                digest: dedupe.digest,
                expires_at: dedupe.expires_at,
            };
            self.seen.insert((new.connector, dedupe.key), seen);
        }
        let event = Event {
            id,
            project,
            connector: new.connector,
            received_at: new.received_at,
            trust: new.trust,
            filtered: new.filtered,
            input: new.input,
            meta: new.meta,
            files,
            runs: new.runs.iter().map(|run| run.id).collect(),
            kept: Kept::Whole,
        };
        let linked = event.runs.len();
        self.events.insert((project, id), Stored { event, linked });
        let queue = |run| self.queue((project, id), run, new.queued_at);
        new.runs.into_iter().flat_map(queue).collect()
    }

    /// Queues a run of a stored event, and returns those whose place it takes.
    fn queue(&mut self, event: (ProjectId, EventId), new: NewRun, now: Timestamp) -> Vec<RunId> {
        let held = new.held.is_some();
        let row = Run {
            id: new.id,
            project: event.0,
            event: event.1,
            agent: new.agent,
            connector: self.events[&event].event.connector,
            session: new.session,
            priority: new.priority,
            state: if held {
                RunState::Waiting
            } else {
                RunState::Queued
            },
            reason: held.then_some(Reason::Held),
            waiting_since: held.then_some(now),
            attempt: 0,
            crashes: 0,
            outages: 0,
            due_at: (!held).then_some(now),
            queued_at: now,
            started_at: None,
            ended_at: None,
            output: None,
            error: new.held,
            usage: None,
            dead_letter: false,
            into: None,
            kept: Kept::Whole,
        };
        let run = (event.0, new.id);
        let fresh = Held {
            row,
            epoch: Epoch(0),
            node: None,
        };
        self.runs.insert(run, fresh);
        match new.line {
            Some(line) if !held => self.stand(run, &line, now),
            _ => Vec::new(),
        }
    }

    pub(super) fn add_runs(
        &mut self,
        event: (ProjectId, EventId),
        runs: Vec<NewRun>,
        now: Timestamp,
    ) -> Result<Change, StoreError> {
        if !self.events.contains_key(&event) {
            return Ok(Change::NotFound);
        }
        let project = event.0;
        let ids = runs.iter().map(|run| (project, run.id)).collect();
        refuse_known(&self.runs, ids)?;
        for run in runs {
            let stored = self.events.get_mut(&event).expect("it was there above");
            stored.event.runs.push(run.id);
            self.queue(event, run, now);
        }
        Ok(Change::Done)
    }

    pub(super) fn forget_expired(&mut self, now: Timestamp, limit: u32) -> u64 {
        let mut expired: Vec<_> = self
            .seen
            .iter()
            .filter(|(_, seen)| seen.expires_at <= now)
            .map(|(place, seen)| (seen.expires_at, place.clone()))
            .collect();
        expired.sort();
        expired.truncate(limit as usize);
        for (_, place) in &expired {
            self.seen.remove(place);
        }
        expired.len() as u64
    }
}

/// What the events before in the same call bring.
#[derive(Default)]
struct Here<'a> {
    keys: BTreeMap<(ConnectorId, &'a str), (&'a NewEvent, &'a Dedupe)>,
    lines: Vec<LineOf>,
}

impl<'a> Here<'a> {
    fn add(&mut self, event: &'a NewEvent) {
        if let Some(dedupe) = &event.dedupe {
            let place = (event.connector, dedupe.key.as_str());
            self.keys.insert(place, (event, dedupe));
        }
        let lines = event.runs.iter();
        self.lines
            .extend(lines.filter_map(|run| line_of(event.project, run)));
    }
}

/// One that is held stands in no line.
fn line_of(project: ProjectId, run: &NewRun) -> Option<LineOf> {
    let line = run.line.as_ref().filter(|_| run.held.is_none())?;
    Some(LineOf {
        project,
        agent: run.agent,
        key: line.key.clone(),
    })
}

fn refuses(run: &NewRun) -> bool {
    let policy = run.line.as_ref().map(|line| line.policy);
    policy == Some(LinePolicy::Reject)
}

fn repeated(
    seen: [u8; 32],
    dedupe: &Dedupe,
    (event, runs, filtered): (EventId, Vec<RunId>, bool),
) -> Acceptance {
    if seen == dedupe.digest {
        Acceptance::Duplicate {
            event,
            runs,
            filtered,
        }
    } else {
        Acceptance::Conflict
    }
}

fn conflicts(before: Option<&Option<Acceptance>>) -> bool {
    matches!(before, Some(Some(Acceptance::Conflict)))
}

/// Refuses ids that are there already, or that come twice in one call.
pub(super) fn refuse_known<Key: Ord, Row>(
    known: &BTreeMap<Key, Row>,
    mut new: Vec<Key>,
) -> Result<(), StoreError> {
    let all = new.len();
    new.sort_unstable();
    new.dedup();
    if new.len() < all || new.iter().any(|key| known.contains_key(key)) {
        Err(StoreError::refused("an id is there already"))
    } else {
        Ok(())
    }
}
