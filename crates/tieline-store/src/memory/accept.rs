//! What goes in: events with their files and runs, once.

use std::collections::BTreeMap;

use tieline_model::{
    ConnectorId, Event, EventId, FileId, ProjectId, Reason, Run, RunId, RunState, Timestamp,
};

use super::{Held, Seen, State, Stored};
use crate::{Acceptance, Change, Dedupe, Epoch, NewEvent, NewRun, StoreError, StoredFile};

impl State {
    /// Judges every event before any is stored, so that a refusal changes nothing.
    pub(super) fn accept(&mut self, events: Vec<NewEvent>) -> Result<Vec<Acceptance>, StoreError> {
        let acceptances = self.judge(&events);
        let judged = events.into_iter().zip(&acceptances);
        let stored = |(event, acceptance): (NewEvent, &Acceptance)| {
            (*acceptance == Acceptance::Stored).then_some(event)
        };
        let fresh: Vec<NewEvent> = judged.filter_map(stored).collect();
        self.refuse_known_ids(&fresh)?;
        for event in fresh {
            self.store(event);
        }
        Ok(acceptances)
    }

    fn judge(&self, events: &[NewEvent]) -> Vec<Acceptance> {
        let mut here: BTreeMap<(ConnectorId, &str), (&NewEvent, &Dedupe)> = BTreeMap::new();
        let mut acceptances = Vec::with_capacity(events.len());
        for event in events {
            let Some(dedupe) = &event.dedupe else {
                acceptances.push(Acceptance::Stored);
                continue;
            };
            let place = (event.connector, dedupe.key.as_str());
            let acceptance = match here.get(&place) {
                Some((first, seen)) if seen.expires_at > event.received_at => {
                    let runs = first.runs.iter().map(|run| run.id).collect();
                    repeated(seen.digest, dedupe, (first.id, runs, first.filtered))
                }
                Some(_) => Acceptance::Stored,
                None => self.judge_by_store(event, dedupe),
            };
            if acceptance == Acceptance::Stored {
                here.insert(place, (event, dedupe));
            }
            acceptances.push(acceptance);
        }
        acceptances
    }

    fn judge_by_store(&self, event: &NewEvent, dedupe: &Dedupe) -> Acceptance {
        let seen = self.seen.get(&(event.connector, dedupe.key.clone()));
        let Some(seen) = seen.filter(|seen| seen.expires_at > event.received_at) else {
            return Acceptance::Stored;
        };
        let first = self.events.get(&(seen.project, seen.event));
        let first = first.expect("a key is never kept longer than its event");
        let runs = first
            .event
            .runs
            .iter()
            .take(first.linked)
            .copied()
            .collect();
        repeated(
            seen.digest,
            dedupe,
            (seen.event, runs, first.event.filtered),
        )
    }

    fn refuse_known_ids(&self, fresh: &[NewEvent]) -> Result<(), StoreError> {
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

    fn store(&mut self, new: NewEvent) {
        let NewEvent { id, project, .. } = new;
        let run_ids: Vec<RunId> = new.runs.iter().map(|run| run.id).collect();
        for run in new.runs {
            self.queue((project, id), run, new.received_at);
        }
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
        let linked = run_ids.len();
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
            runs: run_ids,
        };
        self.events.insert((project, id), Stored { event, linked });
    }

    fn queue(&mut self, event: (ProjectId, EventId), new: NewRun, now: Timestamp) {
        let held = new.held.is_some();
        let row = Run {
            id: new.id,
            project: event.0,
            event: event.1,
            agent: new.agent,
            session: new.session,
            state: if held {
                RunState::Waiting
            } else {
                RunState::Queued
            },
            reason: held.then_some(Reason::Held),
            waiting_since: held.then_some(now),
            attempt: 0,
            outages: 0,
            due_at: (!held).then_some(now),
            queued_at: now,
            started_at: None,
            ended_at: None,
            output: None,
            error: new.held,
            usage: None,
            dead_letter: false,
        };
        let held = Held {
            row,
            epoch: Epoch(0),
            node: None,
        };
        self.runs.insert((event.0, new.id), held);
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
