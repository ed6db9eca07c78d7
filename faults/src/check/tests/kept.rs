//! L1 to L3: nothing is lost, nothing is made up, and a key means one thing.

use super::*;

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
