//! What was acknowledged is there, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use tieline_model::{AgentId, Event, EventId, RunId};

use super::End;
use crate::limits::DEDUPE_WINDOW;
use crate::sim::ledger::{Said, Sent};
use crate::sim::plan::Fate;

pub(super) fn every_acknowledged_event_is_there(end: &End<'_>) -> Result<(), String> {
    for (sent, accepted) in end.ledger.accepted() {
        let id = accepted.event_id;
        let event = end.books.events.get(&id);
        let event = event.ok_or_else(|| format!("{id} is not there"))?;
        if event.input != sent.body || event.connector != sent.door {
            return Err(format!("{id} is not what was sent: {sent:?}"));
        }
        if event.filtered != accepted.filtered {
            return Err(format!(
                "{id} was answered as filtered or not, and is not so"
            ));
        }
        if !event.runs.starts_with(&accepted.run_ids) {
            let (told, stored) = (&accepted.run_ids, &event.runs);
            return Err(format!(
                "of {id} runs {told:?} were told, and it has {stored:?}"
            ));
        }
        if !accepted.duplicate && links_of(end, &accepted.run_ids)? != expected(sent) {
            return Err(format!("{id} has other runs than its links: {sent:?}"));
        }
    }
    Ok(())
}

pub(super) fn what_is_stored_was_sent(end: &End<'_>) -> Result<(), String> {
    let mut listed = BTreeSet::new();
    for event in end.books.events.values() {
        let linked = linked_of(end, event);
        let runs = links_of(end, linked)?;
        let sent = |sent: &&Sent| sent.body == event.input && sent.door == event.connector;
        let mut sends = end.ledger.sends.iter().filter(sent);
        if !sends.any(|sent| expected(sent) == runs) {
            return Err(format!("nobody sent {event:?} to {runs:?}"));
        }
        if event.filtered != linked.is_empty() {
            return Err(format!("{} is filtered and has runs, or neither", event.id));
        }
        for run in &event.runs {
            let row = end.books.runs.get(run);
            if row.is_none_or(|row| row.event != event.id) || !listed.insert(*run) {
                return Err(format!("{run} of {} is not its own", event.id));
            }
        }
    }
    match end.books.runs.keys().find(|run| !listed.contains(run)) {
        Some(run) => Err(format!("{run} is a run of no event")),
        None => Ok(()),
    }
}

pub(super) fn every_replay_is_there(end: &End<'_>) -> Result<(), String> {
    for event in end.books.events.values() {
        let (_, replays) = event.runs.split_at(linked_of(end, event).len());
        let asked = end.ledger.replays.get(&event.id);
        let asked: BTreeSet<_> = asked.into_iter().flatten().copied().collect();
        let there: BTreeSet<_> = replays.iter().copied().collect();
        if asked != there {
            let id = event.id;
            return Err(format!(
                "of {id} {asked:?} were asked for, and {there:?} are there"
            ));
        }
    }
    Ok(())
}

pub(super) fn a_key_stands_for_one_event(end: &End<'_>) -> Result<(), String> {
    let mut answers: BTreeMap<EventId, &[RunId]> = BTreeMap::new();
    for (_, accepted) in end.ledger.accepted() {
        let first = answers
            .entry(accepted.event_id)
            .or_insert(&accepted.run_ids);
        if *first != accepted.run_ids {
            return Err(format!("{} was told with other runs", accepted.event_id));
        }
    }
    let mut fresh: BTreeSet<EventId> = BTreeSet::new();
    for (sent, accepted) in end.ledger.accepted() {
        let known = sent.key.is_none() && accepted.duplicate;
        if known || (!accepted.duplicate && !fresh.insert(accepted.event_id)) {
            return Err(format!("{} was stored twice, or never", accepted.event_id));
        }
    }
    let mut stored: BTreeMap<_, Vec<&Event>> = BTreeMap::new();
    for event in end.books.events.values() {
        let sends = end.ledger.sends.iter();
        let mut sends =
            sends.filter(|sent| sent.body == event.input && sent.door == event.connector);
        if let Some((key, _)) = sends.find_map(|sent| sent.key.as_ref()) {
            stored
                .entry((event.connector, key))
                .or_default()
                .push(event);
        }
    }
    for ((_, key), events) in stored {
        if events.len() > 1 && events.iter().all(|event| still_stands(end, event)) {
            return Err(format!("{key} stands for {events:?}"));
        }
    }
    Ok(())
}

pub(super) fn a_refusal_stores_nothing(end: &End<'_>) -> Result<(), String> {
    let refused = end.ledger.sends.iter();
    // What came under a key may have been taken another time.
    let refused = refused.filter(|sent| sent.said == Said::Refused && sent.key.is_none());
    for refused in refused {
        let mut events = end.books.events.values();
        let same = |event: &&Event| event.connector == refused.door && event.input == refused.body;
        if let Some(event) = events.find(same) {
            return Err(format!("{refused:?} was refused, and is {event:?}"));
        }
    }
    Ok(())
}

pub(super) fn a_conflict_stores_nothing(end: &End<'_>) -> Result<(), String> {
    for refused in end
        .ledger
        .sends
        .iter()
        .filter(|sent| sent.said == Said::Conflict)
    {
        let Some((key, _)) = &refused.key else {
            return Err(format!("{refused:?} has no key, and conflicts"));
        };
        let same_key = |sent: &&Sent| {
            let of = sent.key.as_ref().map(|(key, _)| key);
            sent.door == refused.door && of == Some(key)
        };
        let bodies = end.ledger.sends.iter().filter(same_key);
        let bodies: BTreeSet<_> = bodies.map(|sent| &sent.body).collect();
        let of_key =
            |event: &&Event| event.connector == refused.door && bodies.contains(&event.input);
        let events: Vec<_> = end.books.events.values().filter(of_key).collect();
        if events.iter().all(|event| event.input == refused.body) {
            return Err(format!("{refused:?} conflicts with nothing"));
        }
        let stored = events.iter().find(|event| event.input == refused.body);
        let stands = events.iter().all(|event| still_stands(end, event));
        if let Some(event) = stored.filter(|_| stands) {
            return Err(format!("{refused:?} was refused, and is {event:?}"));
        }
    }
    Ok(())
}

/// Whether the key of an event has not run out, however the clock went.
fn still_stands(end: &End<'_>, event: &Event) -> bool {
    let sends = end.ledger.sends.iter();
    let sends = sends.filter(|sent| sent.body == event.input && sent.door == event.connector);
    let mut times = sends.filter_map(|sent| sent.key.as_ref());
    times.all(|(_, sent_at)| sent_at.plus(DEDUPE_WINDOW) > end.latest)
}

/// The runs that an event came with: all but the replays.
fn linked_of<'a>(end: &End<'_>, event: &'a Event) -> &'a [RunId] {
    let replays = end.ledger.replays.get(&event.id).map_or(0, Vec::len);
    let linked = event.runs.len().saturating_sub(replays);
    event.runs.get(..linked).unwrap_or_default()
}

/// Agents and sessions, in link order.
type Ties = Vec<(AgentId, Option<String>)>;

fn links_of(end: &End<'_>, runs: &[RunId]) -> Result<Ties, String> {
    let tie = |id: &RunId| {
        let run = end.books.runs.get(id);
        let run = run.ok_or_else(|| format!("{id} is not there"))?;
        Ok((run.agent, run.session.clone()))
    };
    runs.iter().map(tie).collect()
}

fn expected(sent: &Sent) -> Ties {
    let fates = sent.fates.iter();
    let fates = fates.filter(|(_, fate, _)| *fate != Fate::Skip);
    fates
        .map(|(agent, _, session)| (*agent, session.clone()))
        .collect()
}
