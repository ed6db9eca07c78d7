//! L6 and L7: what arrives is what was sent, and an outcome stays.

use super::*;

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
