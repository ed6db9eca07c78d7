//! L4: what is done twice needs a reason.

use super::*;

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
