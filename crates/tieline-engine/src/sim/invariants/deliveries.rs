//! Results go where they are wanted, once, and arrive whole.

use std::collections::{BTreeMap, BTreeSet};

use tieline_model::{ConnectorId, Delivery, DeliveryState, Name, Run, RunId};

use super::End;
use crate::sim::ledger::{End as Ended, Links};

pub(super) fn one_per_outlet(end: &End<'_>) -> Result<(), String> {
    let mut of_run: BTreeMap<RunId, Vec<&Delivery>> = BTreeMap::new();
    for delivery in end.books.deliveries.values() {
        of_run.entry(delivery.run).or_default().push(delivery);
    }
    for run in end.books.runs.values() {
        let deliveries = of_run.remove(&run.id).unwrap_or_default();
        let outlets: BTreeSet<ConnectorId> = deliveries.iter().map(|row| row.connector).collect();
        if outlets.len() < deliveries.len() {
            return Err(format!("{run:?} has more than one delivery for an outlet"));
        }
        let fits = if run.state.is_final() {
            let mut links = candidates(end, run.id);
            links.any(|links| wanted(end, run, links) == outlets)
        } else {
            outlets.is_empty()
        };
        if !fits {
            return Err(format!("{run:?} has deliveries for {outlets:?}"));
        }
    }
    match of_run.keys().next() {
        Some(run) => Err(format!("{run} has a delivery and is not there")),
        None => Ok(()),
    }
}

/// The links that may have held when a run ended: between the last that was seen of it before its
/// end, and the first after.
fn candidates<'a>(end: &'a End<'_>, run: RunId) -> impl Iterator<Item = &'a Links> {
    let ledger = end.ledger;
    let mut executions = ledger.executions.iter().rev();
    let last = executions.find(|execution| execution.run == run);
    let last = last.map(|execution| match execution.ended {
        Some((_, Ended::Cut | Ended::Overdue | Ended::Deferred)) | None => execution.began,
        Some((step, _)) => step,
    });
    let acted = ledger.acts.get(&run).copied();
    let earliest = last.max(acted).unwrap_or(0);
    let latest = ledger.finals.get(&run).map_or(u64::MAX, |seen| seen.step);
    let versions = ledger.links.iter().enumerate();
    versions
        .filter(move |(number, links)| {
            let next = ledger.links.get(number + 1);
            let over = next.map_or(u64::MAX, |next| next.returned);
            links.called <= latest && earliest <= over
        })
        .map(|(_, links)| links)
}

fn wanted(end: &End<'_>, run: &Run, links: &Links) -> BTreeSet<ConnectorId> {
    let agent = end.books.agents.iter().find(|agent| agent.id == run.agent);
    let agent = agent.map(|agent| &agent.name);
    let door = end.books.events.get(&run.event);
    let door = door.and_then(|event| end.books.connectors.get(&event.connector));
    let door: Option<&Name> = door.map(|door| &door.name);
    let outlets = end.plan.outlets.iter().zip(&links.of);
    let takes = outlets.filter(|(outlet, agents)| {
        let linked = |number: &usize| Some(&end.plan.agents[*number].name) == agent;
        let from = outlet.from.is_empty() || outlet.from.iter().any(|name| Some(name) == door);
        agents.iter().any(linked) && from && outlet.on.contains(&run.state)
    });
    let id = |name: &Name| {
        let mut rows = end.books.connectors.values();
        rows.find(|row| row.name == *name).map(|row| row.id)
    };
    takes.filter_map(|(outlet, _)| id(&outlet.name)).collect()
}

pub(super) fn delivered_is_taken(end: &End<'_>) -> Result<(), String> {
    for delivery in end.books.deliveries.values() {
        let attempts = end.ledger.attempts.get(&delivery.id);
        let attempts = attempts.map_or(&[][..], Vec::as_slice);
        let taken = attempts.iter().any(|attempt| attempt.taken);
        if taken != (delivery.state == DeliveryState::Delivered) {
            return Err(format!("{delivery:?} was taken: {taken}"));
        }
        if !delivery.state.is_final() {
            return Err(format!("{delivery:?} is not over"));
        }
        let outlet = end.books.connectors.get(&delivery.connector);
        let outlet = outlet.map(|row| &row.name);
        let same = attempts.iter().all(|attempt| {
            let arrived_at = &end.plan.outlets[attempt.outlet].name;
            attempt.body == delivery.body && Some(arrived_at) == outlet
        });
        if !same {
            return Err(format!("{delivery:?} went out otherwise: {attempts:?}"));
        }
        if !body_is_of(end, delivery) {
            return Err(format!("{delivery:?} does not carry its run's outcome"));
        }
    }
    let known = |id| end.books.deliveries.contains_key(id);
    match end.ledger.attempts.keys().find(|id| !known(id)) {
        Some(id) => Err(format!("{id} was delivered, and is not there")),
        None => Ok(()),
    }
}

pub(super) fn attempts_are_counted_right(end: &End<'_>) -> Result<(), String> {
    for (id, attempts) in &end.ledger.attempts {
        for pair in attempts.windows(2) {
            let [before, attempt] = pair else { continue };
            let given_back = !before.answered && end.ledger.stopped.contains(&before.hub);
            let least = before.attempt + u32::from(!given_back);
            let most = least + end.ledger.lost;
            // One that failed and was driven again counts from the beginning.
            if attempt.attempt != 1 && !(least..=most).contains(&attempt.attempt) {
                return Err(format!("{id}: {before:?}, then {attempt:?}"));
            }
        }
    }
    Ok(())
}

/// Whether it carries the outcome that stands.
fn body_is_of(end: &End<'_>, delivery: &Delivery) -> bool {
    end.books.runs.get(&delivery.run).is_some_and(|run| {
        let output = run.output.clone().unwrap_or_default();
        let output = String::from_utf8_lossy(&output);
        let text = format!("{} {} {output}", run.id, run.state.as_str());
        delivery.body == text.as_bytes()
    })
}
