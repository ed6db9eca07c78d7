//! A sound story holds every law, and each doctored one breaks the law that it must.

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

#[test]
fn a_sound_story_breaks_no_law() {
    assert_eq!(Story::sound().breaks(), Vec::<String>::new());
}

#[test]
fn a_loss_is_found() {
    finds("L1", |story| story.view.events.truncate(2));
    finds("L1", |story| story.view.runs.truncate(2));
    finds("L1", |story| story.view.deliveries.truncate(2));
    finds("L1", |story| story.arrived.truncate(2));
    finds("L1", |story| story.executed.truncate(4));
    finds("L1", |story| {
        story.view.runs[0].status = "waiting".to_owned();
    });
    finds("L1", |story| {
        story.view.deliveries[0].status = "failed".to_owned();
    });
    finds("L1", |story| story.arrived[0].did = 500);
}

#[test]
fn a_second_run_of_one_event_is_found() {
    finds("L1", |story| {
        let again = RunRow {
            run: id(2, 9),
            ..story.view.runs[0].clone()
        };
        story.view.runs.push(again);
    });
}

#[test]
fn a_run_of_an_agent_whose_condition_did_not_hold_is_found() {
    finds("L1", |story| story.view.runs[0].agent = "beta".to_owned());
}

#[test]
fn phantoms_are_found() {
    finds("L2", |story| story.view.events.push(event(9)));
    finds("L2", |story| story.view.runs[0].event = event(9));
    finds("L2", |story| story.view.deliveries[0].run = run(9));
    finds("L2", |story| {
        story.executed.push(Executed::Start(start(9, 9)));
    });
    finds("L2", |story| story.arrived[0].delivery = delivery(9));
}

#[test]
fn an_event_whose_answer_was_lost_is_no_phantom_but_was_given_up() {
    let mut story = Story::sound();
    if let Sent::Answer(answer) = &mut story.sent[1] {
        (answer.status, answer.event, answer.runs) = (UNANSWERED, None, Vec::new());
    }
    let broken = story.breaks();
    assert!(!broken.contains(&"L2".to_owned()), "{broken:?}");
    assert!(broken.contains(&"L3".to_owned()), "{broken:?}");
}

#[test]
fn a_key_that_is_new_twice_or_gets_other_ids_is_found() {
    finds("L3", |story| {
        story.sent.push(Sent::Intent(intent(1)));
        story.sent.push(Sent::Answer(answer(1)));
    });
    finds("L3", |story| {
        let runs = vec![run(2)];
        let duplicate = true;
        story.sent.push(Sent::Intent(intent(1)));
        story.sent.push(Sent::Answer(Answer {
            runs,
            duplicate,
            ..answer(1)
        }));
    });
}

#[test]
fn a_refusal_after_the_commit_is_found() {
    // Refused, and then known: it was stored although the answer said that it was not.
    finds("L3", |story| {
        let status = 503;
        let refused = Answer {
            status,
            event: None,
            runs: Vec::new(),
            ..answer(1)
        };
        story.sent.insert(1, Sent::Answer(refused));
        if let Sent::Answer(answer) = &mut story.sent[2] {
            answer.duplicate = true;
        }
    });
}

/// The first key's first send is stored and not answered.
fn lose_an_answer(story: &mut Story) {
    let status = UNANSWERED;
    let lost = Answer {
        status,
        event: None,
        runs: Vec::new(),
        ..answer(1)
    };
    story.sent.insert(1, Sent::Answer(lost));
    if let Sent::Answer(answer) = &mut story.sent[2] {
        answer.duplicate = true;
    }
}

#[test]
fn an_answer_may_be_lost_by_a_kill_alone() {
    bears(|story| {
        lose_an_answer(story);
        story.kill(50);
    });
    finds("L3", lose_an_answer);
}

/// The first run is executed once more, and says so.
fn execute_again(story: &mut Story, at: u64) {
    let again = Start { at, ..start(1, 9) };
    story.executed.push(Executed::Start(again));
    let (at, number, did) = (at + 10, 9, 200);
    story.executed.push(Executed::End(End { at, number, did }));
}

#[test]
fn a_second_execution_needs_a_kill() {
    finds("L4", |story| execute_again(story, 1600));
    bears(|story| {
        execute_again(story, 1600);
        story.kill(1550);
    });
}

#[test]
fn a_second_execution_after_a_failure_is_none_too_many() {
    bears(|story| {
        if let Executed::End(end) = &mut story.executed[1] {
            end.did = 500;
        }
        execute_again(story, 1600);
    });
}

#[test]
fn a_second_arrival_needs_a_kill() {
    finds("L4", |story| story.arrived.push(arrival(1)));
    bears(|story| {
        story.arrived.push(arrival(1));
        story.kill(1500);
    });
}

#[test]
fn a_second_delivery_is_found() {
    finds("L4", |story| {
        let delivery = id(3, 9);
        let again = DeliveryRow {
            delivery,
            ..story.view.deliveries[0].clone()
        };
        story.view.deliveries.push(again);
        story.arrived.push(Arrival {
            delivery,
            ..arrival(1)
        });
    });
}

#[test]
fn an_attempt_that_no_agent_saw_needs_a_kill() {
    finds("L4", |story| story.view.runs[0].attempt = 2);
    bears(|story| {
        story.view.runs[0].attempt = 2;
        story.kill(1500);
    });
}

/// Changes when the execution with this number began and ended.
fn shift(story: &mut Story, number: u64, from: u64, to: u64) {
    for line in &mut story.executed {
        match line {
            Executed::Start(start) if start.number == number => start.at = from,
            Executed::End(end) if end.number == number => end.at = to,
            Executed::Start(_) | Executed::End(_) => {}
        }
    }
}

#[test]
fn an_overlap_within_a_session_is_found() {
    finds("L5", |story| shift(story, 1, 1200, 2250));
    // The execution ended with the hub that it was for, whenever its agent learnt of it.
    bears(|story| {
        shift(story, 1, 1200, 2250);
        story.kill(1500);
    });
}

/// The first run is cancelled while it works, and its agent learns of it at `seen`.
fn cancelled_in_hand(seen: u64) -> Story {
    let mut story = Story::sound();
    shift(&mut story, 1, 1200, seen);
    if let Executed::End(end) = &mut story.executed[1] {
        end.did = CALLER_GONE;
    }
    "cancelled".clone_into(&mut story.view.runs[0].status);
    story
}

#[test]
fn an_agent_may_learn_late_of_its_cancelled_run_but_not_very_late() {
    let is_overlap = |story: Story| story.breaks().contains(&"L5".to_owned());
    assert!(!is_overlap(cancelled_in_hand(2250)));
    assert!(is_overlap(cancelled_in_hand(400_000)));
}

#[test]
fn an_agent_that_keeps_no_ledger_is_believed_to_have_executed() {
    let unexecuted = || {
        let mut story = Story::sound();
        story.executed.clear();
        story
    };
    assert!(unexecuted().breaks().contains(&"L1".to_owned()));
    let unseen = Terms {
        unseen: &["alpha"],
        ..Terms::default()
    };
    assert_eq!(unexecuted().breaks_by(unseen), [""; 0]);
}

#[test]
fn a_break_of_order_is_found() {
    finds("L5", |story| shift(story, 1, 2500, 2600));
    finds("L5", |story| {
        execute_again(story, 2600);
        story.kill(2550);
    });
}

#[test]
fn events_that_were_sent_at_once_have_no_order() {
    bears(|story| {
        shift(story, 1, 2500, 2600);
        if let Sent::Answer(answer) = &mut story.sent[1] {
            answer.at = 2400;
        }
    });
}

#[test]
fn changed_content_is_found() {
    finds("L6", |story| {
        if let Executed::Start(start) = &mut story.executed[0] {
            start.input = Hash(99);
        }
    });
    finds("L6", |story| {
        if let Executed::Start(start) = &mut story.executed[0] {
            start.files.push(Hash(99));
        }
    });
    finds("L6", |story| story.view.runs[0].output = Hash(99));
    finds("L6", |story| story.arrived[0].signed = false);
    finds("L6", |story| {
        let body = Hash(99);
        story.arrived.push(Arrival { body, ..arrival(1) });
    });
}

#[test]
fn a_changed_outcome_is_found() {
    finds("L7", |story| {
        story.view.runs[0].status = "failed".to_owned();
    });
    finds("L7", |story| story.arrived[0].output = Hash(99));
    finds("L7", |story| {
        story.sent.push(Sent::Reading(Reading {
            run: run(1),
            status: "failed".to_owned(),
            output: input(1),
        }));
    });
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
