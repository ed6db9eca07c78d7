//! A sound story holds every law, and each doctored one breaks the law that it must.

mod content;
mod kept;
mod once;
mod order;

use std::fs;

use serde::Serialize;

use super::*;
use crate::record::{
    ARRIVED, Answer, Arrival, DEEDS, Deed, EXECUTED, End, Executed, Hash, Intent, Reading, SENT,
    Sent, Start, UNANSWERED, What,
};
use crate::view::{DeliveryRow, RunRow, View};

/// What the ledgers and the hub say.
#[derive(Default)]
struct Story {
    sent: Vec<Sent>,
    executed: Vec<Executed>,
    arrived: Vec<Arrival>,
    deeds: Vec<Deed>,
    view: View,
}

const KEYS: u64 = 3;
/// The wall clock at the start, in milliseconds.
const BEGIN: i64 = 1_000_000;

fn id(kind: u128, number: u64) -> Uuid {
    Uuid::from_u128((kind << 64) | u128::from(number))
}

fn event(key: u64) -> Uuid {
    id(1, key)
}

fn run(key: u64) -> Uuid {
    id(2, key)
}

fn delivery(key: u64) -> Uuid {
    id(3, key)
}

fn input(key: u64) -> Hash {
    Hash(u128::from(key))
}

impl Story {
    /// Three events of one session, each with one run and one delivery.
    fn sound() -> Self {
        let mut story = Self {
            deeds: vec![Deed {
                at: 0,
                wall: BEGIN,
                what: What::Start,
            }],
            ..Self::default()
        };
        (1..=KEYS).for_each(|key| story.tell(key));
        let counters = [
            ("events_accepted_total", KEYS),
            ("runs_queued_total", KEYS),
            ("runs_ended_total{completed}", KEYS),
            ("deliveries_created_total", KEYS),
            ("delivery_attempts_total", KEYS),
            ("deliveries_ended_total{delivered}", KEYS),
        ];
        let named = |(name, count): (&str, u64)| (format!("tieline_{name}"), count);
        story.view.counters = counters.into_iter().map(named).collect();
        story
    }

    fn tell(&mut self, key: u64) {
        let at = key * 1000;
        self.sent.push(Sent::Intent(intent(key)));
        self.sent.push(Sent::Answer(answer(key)));
        self.executed.push(Executed::Start(start(key, key)));
        let end = End {
            at: at + 300,
            number: key,
            did: 200,
        };
        self.executed.push(Executed::End(end));
        self.arrived.push(arrival(key));
        self.sent.push(Sent::Reading(Reading {
            run: run(key),
            status: "completed".to_owned(),
            output: input(key),
        }));
        self.view.events.push(event(key));
        self.view.runs.push(RunRow {
            run: run(key),
            event: event(key),
            agent: "alpha".to_owned(),
            status: "completed".to_owned(),
            output: input(key),
            attempt: 1,
            queued: BEGIN + 1,
            ended: BEGIN + 2,
        });
        self.view.deliveries.push(DeliveryRow {
            delivery: delivery(key),
            run: run(key),
            status: "delivered".to_owned(),
            created: BEGIN + 2,
            ended: BEGIN + 3,
        });
    }

    /// The laws that do not hold.
    fn breaks(self) -> Vec<String> {
        self.breaks_by(Terms::default())
    }

    fn breaks_by(self, terms: Terms) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = |name| folder.path().join(name);
        fs::write(path(SENT), lines(&self.sent)).unwrap();
        fs::write(path(EXECUTED), lines(&self.executed)).unwrap();
        fs::write(path(ARRIVED), lines(&self.arrived)).unwrap();
        fs::write(path(DEEDS), lines(&self.deeds)).unwrap();
        let evidence = Evidence::load(folder.path(), self.view).unwrap();
        let verdicts = judge(&evidence, &terms);
        let broken = verdicts.into_iter().filter(|verdict| !verdict.holds());
        broken.map(|verdict| verdict.law).collect()
    }

    fn kill(&mut self, at: u64) {
        let what = [What::Kill, What::Start];
        let deeds = what.map(|what| Deed {
            at,
            wall: BEGIN,
            what,
        });
        self.deeds.extend(deeds);
    }
}

fn lines(lines: &[impl Serialize]) -> String {
    let lines = lines
        .iter()
        .map(|line| serde_json::to_string(line).unwrap());
    lines.map(|line| line + "\n").collect()
}

fn intent(key: u64) -> Intent {
    Intent {
        at: key * 1000,
        key,
        input: input(key),
        file: None,
        session: "s".to_owned(),
        agents: vec!["alpha".to_owned()],
    }
}

fn answer(key: u64) -> Answer {
    Answer {
        at: key * 1000 + 100,
        key,
        status: 202,
        event: Some(event(key)),
        runs: vec![run(key)],
        duplicate: false,
    }
}

fn start(key: u64, number: u64) -> Start {
    Start {
        at: key * 1000 + 200,
        number,
        agent: "alpha".to_owned(),
        run: run(key),
        attempt: 1,
        event: event(key),
        session: "s".to_owned(),
        key,
        input: input(key),
        files: Vec::new(),
    }
}

fn arrival(key: u64) -> Arrival {
    Arrival {
        at: key * 1000 + 400,
        delivery: delivery(key),
        run: run(key),
        status: "completed".to_owned(),
        body: Hash(7),
        output: input(key),
        signed: true,
        did: 200,
    }
}

/// Changes a sound story, and demands that this law is among those that break.
#[track_caller]
fn finds(law: &str, doctor: impl FnOnce(&mut Story)) {
    let mut story = Story::sound();
    doctor(&mut story);
    let broken = story.breaks();
    assert!(broken.iter().any(|one| one == law), "{law}: {broken:?}");
}

/// Changes a sound story, and demands that every law but L9 still holds.
#[track_caller]
fn bears(change: impl FnOnce(&mut Story)) {
    let mut story = Story::sound();
    change(&mut story);
    let broken = story.breaks();
    assert!(broken.iter().all(|law| law == "L9"), "{broken:?}");
}

/// The first run is executed once more, and says so.
fn execute_again(story: &mut Story, at: u64) {
    let again = Start { at, ..start(1, 9) };
    story.executed.push(Executed::Start(again));
    let (at, number, did) = (at + 10, 9, 200);
    story.executed.push(Executed::End(End { at, number, did }));
}

#[test]
fn a_sound_story_breaks_no_law() {
    assert_eq!(Story::sound().breaks(), Vec::<String>::new());
}

#[test]
fn a_counter_that_is_wrong_is_found() {
    let names: Vec<_> = Story::sound().view.counters.into_keys().collect();
    for name in names {
        finds("L9", |story| {
            *story.view.counters.get_mut(&name).unwrap() += 1;
        });
        finds("L9", |story| {
            *story.view.counters.get_mut(&name).unwrap() -= 1;
        });
    }
}
