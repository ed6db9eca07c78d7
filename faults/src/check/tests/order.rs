//! L5: the runs of a session come in order, one at a time.

use super::*;

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
