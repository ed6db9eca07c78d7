//! What is kept no longer: bodies first, and whole events later.

use bytes::Bytes;
use tieline_model::{Event, EventId, Kept, ProjectId, RunId, Timestamp};

use super::State;
use crate::{Change, Retain, Retained};

impl State {
    pub(super) fn retain(&mut self, retain: Retain) -> Retained {
        let (mut rows, mut bodies) = (Vec::new(), Vec::new());
        for (key, stored) in &self.events {
            let Some(ended_at) = self.ended_at(&stored.event) else {
                continue;
            };
            if ended_at < retain.rows_before {
                rows.push(*key);
            } else if ended_at < retain.bodies_before && stored.event.kept == Kept::Whole {
                bodies.push(*key);
            }
        }
        let limit = retain.limit as usize;
        let more = rows.len() + bodies.len() > limit;
        rows.truncate(limit);
        bodies.truncate(limit - rows.len());
        for key in &rows {
            self.remove(*key);
        }
        for key in &bodies {
            self.erase(*key);
        }
        Retained {
            bodies: bodies.len() as u64,
            rows: rows.len() as u64,
            more,
        }
    }

    pub(super) fn erase_event(&mut self, event: (ProjectId, EventId)) -> Change {
        let Some(stored) = self.events.get(&event) else {
            return Change::NotFound;
        };
        if self.ended_at(&stored.event).is_none() {
            return Change::NotAllowed;
        }
        self.erase(event);
        Change::Done
    }

    /// When the last of its runs and deliveries ended; `None` while one of them has not.
    fn ended_at(&self, event: &Event) -> Option<Timestamp> {
        let mut ended_at = event.received_at;
        for id in &event.runs {
            let held = self.runs.get(&(event.project, *id));
            let run = &held.expect("an event never outlives its runs").row;
            ended_at = ended_at.max(run.ended_at?);
        }
        for held in self.deliveries.values() {
            if (held.row.project, held.row.event) == (event.project, event.id) {
                ended_at = ended_at.max(held.row.ended_at?);
            }
        }
        Some(ended_at)
    }

    fn erase(&mut self, key: (ProjectId, EventId)) {
        let stored = self.events.get_mut(&key).expect("it was found before");
        let event = &mut stored.event;
        event.input = Bytes::new();
        event.meta = Bytes::new();
        event.kept = Kept::Erased;
        for id in &event.runs {
            if let Some(held) = self.runs.get_mut(&(key.0, *id)) {
                let run = &mut held.row;
                let bodies = [run.output.take(), run.usage.take()];
                if bodies.iter().any(Option::is_some) {
                    run.kept = Kept::Erased;
                }
            }
        }
        for file in &event.files {
            if let Some(stored) = self.files.get_mut(&(key.0, file.id)) {
                stored.content = Bytes::new();
                stored.kept = Kept::Erased;
            }
        }
        for owner in self.owners(key) {
            let attempts = self.attempts.entry((key.0, owner)).or_default();
            for attempt in attempts {
                attempt.response = None;
            }
        }
        for held in self.deliveries.values_mut() {
            if (held.row.project, held.row.event) == key {
                held.row.body = Bytes::new();
                held.row.kept = Kept::Erased;
            }
        }
    }

    fn remove(&mut self, key: (ProjectId, EventId)) {
        for owner in self.owners(key) {
            self.attempts.remove(&(key.0, owner));
        }
        self.events.remove(&key);
        self.runs
            .retain(|_, held| (held.row.project, held.row.event) != key);
        self.deliveries
            .retain(|_, held| (held.row.project, held.row.event) != key);
        self.files
            .retain(|_, file| (file.project, file.event) != key);
    }

    /// The runs and deliveries of an event, as attempts name them.
    fn owners(&self, key: (ProjectId, EventId)) -> Vec<[u8; 16]> {
        let runs = self.events.get(&key).into_iter();
        let runs = runs.flat_map(|stored| stored.event.runs.iter().map(|id| *RunId::as_bytes(id)));
        let deliveries = self.deliveries.values().map(|held| &held.row);
        let deliveries = deliveries.filter(|row| (row.project, row.event) == key);
        runs.chain(deliveries.map(|row| *row.id.as_bytes()))
            .collect()
    }
}
