//! What becomes of runs, and what their agents saw of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tieline_model::{Policy, RunId, RunState};

use super::End;
use crate::limits::OUTAGE_AGE_MAX;
use crate::sim::calm::is_held;
use crate::sim::ledger::{End as Ended, Execution, Sent};

pub(super) fn every_run_has_ended_or_is_held(end: &End<'_>) -> Result<(), String> {
    for run in end.books.runs.values() {
        let ended = run.state.is_final() && run.ended_at.is_some() && run.due_at.is_none();
        if !ended && !is_held(run) {
            return Err(format!("{run:?}"));
        }
    }
    Ok(())
}

pub(super) fn every_execution_belongs_to_a_stored_run(end: &End<'_>) -> Result<(), String> {
    for execution in &end.ledger.executions {
        let event = end.books.events.get(&execution.event);
        let event = event.filter(|event| event.input == execution.input);
        let event = event.filter(|event| event.runs.contains(&execution.run));
        let run = end.books.runs.get(&execution.run);
        let agent = run.and_then(|run| end.books.agents.iter().find(|agent| agent.id == run.agent));
        let right = agent.is_some_and(|agent| agent.name == end.plan.agents[execution.agent].name);
        if event.is_none() || !right || run.is_some_and(|run| run.session != execution.session) {
            return Err(format!("{execution:?}"));
        }
    }
    Ok(())
}

pub(super) fn every_outcome_was_executed(end: &End<'_>) -> Result<(), String> {
    let executions = by_run(end);
    for run in end.books.runs.values() {
        let last = executions.get(&run.id).and_then(|all| all.last());
        let last = last.and_then(|execution| execution.ended);
        let code = run.error.as_ref().map(|error| error.code.as_str());
        let right = match (run.state, last.map(|(_, ended)| ended)) {
            (RunState::Completed, ended) => {
                let called_back = end.ledger.acts.contains_key(&run.id);
                called_back || ended == Some(Ended::Decided)
            }
            // It waited too long for its first attempt, or no attempt outlived its hub.
            (RunState::Failed, None) => matches!(code, Some("expired" | "crashed")),
            (RunState::Failed, Some(_)) => true,
            (RunState::Cancelled, _) => run.into.is_some() || end.ledger.acts.contains_key(&run.id),
            (_, ended) => ended.is_none(),
        };
        if !right {
            return Err(format!("{run:?} after {last:?}"));
        }
    }
    Ok(())
}

pub(super) fn displaced_runs_say_into_which(end: &End<'_>) -> Result<(), String> {
    let (committed, executions) = (commits(end), by_run(end));
    for run in end.books.runs.values() {
        let Some(into) = run.into else { continue };
        let newer = end.books.runs.get(&into);
        let newer = newer.filter(|newer| newer.agent == run.agent && newer.session == run.session);
        let newer = newer.filter(|newer| newer.connector == run.connector);
        if run.state != RunState::Cancelled || into == run.id || newer.is_none() {
            return Err(format!("{run:?} went into {newer:?}"));
        }
        // Where the newer one was acknowledged, the place was taken.
        let told = committed.get(&into).and_then(|sent| sent.answered);
        let executions = executions.get(&run.id).into_iter().flatten();
        let mut late = executions.filter(|began| told.is_some_and(|told| told < began.began));
        if let Some(late) = late.next() {
            return Err(format!("{late:?} began after {into} took its place"));
        }
    }
    Ok(())
}

pub(super) fn attempts_stay_in_their_budget(end: &End<'_>) -> Result<(), String> {
    for (id, executions) in by_run(end) {
        // Who lets a run go on that is paused gives it a new budget.
        if end.ledger.released.contains(&id) {
            continue;
        }
        let plan = &end.plan.agents[executions[0].agent];
        let ended = |how: Ended| {
            let executions = executions.iter();
            let ended = executions.filter(|execution| ended(execution) == Some(how));
            u32::try_from(ended.count()).expect("few")
        };
        // An attempt whose hub died before it could record how it ended counts as a crash.
        let died = end.ledger.lost;
        let errors = ended(Ended::Charged) + ended(Ended::Overdue);
        let crashes = ended(Ended::Crashed);
        if errors > plan.attempts + died || crashes > plan.crashes + died {
            return Err(format!(
                "{id} failed {errors} and crashed {crashes} times: {plan:?}"
            ));
        }
        let run = &end.books.runs[&id];
        if run.attempt - run.crashes > plan.attempts || run.crashes > plan.crashes {
            return Err(format!("{run:?} went beyond its budget: {plan:?}"));
        }
        // The crash that ends a run is not among those that it shows.
        let last = u32::from(executions.last().is_some_and(|last| {
            run.dead_letter && last.ended.is_some_and(|(_, end)| end == Ended::Crashed)
        }));
        let errors = run.attempt - run.crashes;
        let used_up = errors >= plan.attempts || run.crashes + last >= plan.crashes;
        let outage = end.latest.since(run.queued_at) >= OUTAGE_AGE_MAX;
        if run.dead_letter && !used_up && !outage {
            return Err(format!("{run:?} was given up too early: {plan:?}"));
        }
    }
    Ok(())
}

pub(super) fn what_waited_too_long_is_not_begun(end: &End<'_>) -> Result<(), String> {
    let committed = commits(end);
    for (id, executions) in by_run(end) {
        let first = executions[0];
        let ttl = end.plan.agents[first.agent].queue_ttl;
        let (Some(ttl), Some(sent)) = (ttl, committed.get(&id)) else {
            continue;
        };
        let waited = first.began_at.saturating_sub(sent.called_at);
        // What somebody let go on had not waited in the queue, and what is left of a clock that
        // was set back is anybody's guess.
        let known = !end.ledger.released.contains(&id) && !end.ledger.jumped;
        if known && waited > ttl + Duration::from_secs(1) {
            return Err(format!(
                "{first:?} was begun after {waited:?}, and not within {ttl:?}"
            ));
        }
    }
    Ok(())
}

pub(super) fn attempts_are_counted_right(end: &End<'_>) -> Result<(), String> {
    for (id, executions) in by_run(end) {
        if end.ledger.released.contains(&id) {
            continue;
        }
        let mut before: Option<&Execution> = None;
        for execution in &executions {
            if !follows(end, before, execution) {
                return Err(format!("{id}: {before:?}, then {execution:?}"));
            }
            before = Some(execution);
        }
        let last = executions.last().expect("it has at least one").attempt;
        let run = &end.books.runs[&id];
        let least = last.saturating_sub(1);
        if run.attempt < least || run.attempt > last + end.ledger.lost + 1 {
            return Err(format!("{run:?} after attempt {last}"));
        }
        let numbers = end.books.run_attempts[&id].iter().map(|line| line.number);
        let numbers: Vec<u32> = numbers.collect();
        if !numbers.is_sorted_by(|a, b| a < b) || numbers.last().is_some_and(|n| *n > run.attempt) {
            return Err(format!("{run:?} has a journal of {numbers:?}"));
        }
    }
    Ok(())
}

/// Whether an attempt has the number that it must have after the one before.
fn follows(end: &End<'_>, before: Option<&Execution>, execution: &Execution) -> bool {
    let other_hub = before.is_none_or(|before| before.hub != execution.hub);
    let (last, repeats, counted) = before.map_or((0, false, true), |before| {
        let given_back = other_hub && ended(before) == Some(Ended::Cut);
        let surely = given_back && end.ledger.stopped.contains(&before.hub);
        let unstarted = ended(before) == Some(Ended::NotStarted);
        (before.attempt, given_back || unstarted, !surely)
    });
    match execution.attempt {
        attempt if attempt == last => repeats,
        attempt if attempt == last + 1 => counted || end.ledger.lost > 0,
        // Hubs that died between the claim and the agent.
        attempt => other_hub && attempt > last && attempt <= last + 1 + end.ledger.lost,
    }
}

pub(super) fn sessions_are_in_order(end: &End<'_>) -> Result<(), String> {
    let mut lines: BTreeMap<_, Vec<&Execution>> = BTreeMap::new();
    for execution in &end.ledger.executions {
        if execution.session.is_some() && is_strict(end, execution.agent) {
            let line = (execution.agent, &execution.session);
            lines.entry(line).or_default().push(execution);
        }
    }
    let committed = commits(end);
    for line in lines.values() {
        for pair in line.windows(2) {
            let [first, second] = pair else { continue };
            let over = first.ended.is_some_and(|(step, _)| step < second.began);
            // It may take a moment until the attempt of a run that was cancelled hears of it.
            let cancelled = end.books.runs.get(&first.run);
            let cancelled = cancelled.is_some_and(|run| run.state == RunState::Cancelled);
            if !over && !cancelled {
                return Err(format!("{first:?} and {second:?} overlap"));
            }
        }
        in_order(line, &committed)?;
    }
    Ok(())
}

/// Whether the runs of one session of an agent go one by one.
fn is_strict(end: &End<'_>, agent: usize) -> bool {
    let doors = end.plan.doors.iter();
    let mut links = doors.flat_map(|door| &door.links);
    let parallel = links.any(|link| link.agent == agent && link.policy == Policy::Parallel);
    end.plan.agents[agent].session_concurrency == 1 && !parallel
}

/// A run whose event was acknowledged before another's was sent begins before it.
fn in_order(line: &[&Execution], committed: &BTreeMap<RunId, &Sent>) -> Result<(), String> {
    let mut begun: BTreeSet<RunId> = BTreeSet::new();
    for execution in line {
        if begun.contains(&execution.run) {
            continue;
        }
        if let Some(sent) = committed.get(&execution.run) {
            let earlier = |other: &&&Execution| {
                let told = committed.get(&other.run).and_then(|other| other.answered);
                told.is_some_and(|told| told < sent.called)
            };
            let mut earlier = line.iter().filter(earlier);
            if let Some(missed) = earlier.find(|other| !begun.contains(&other.run)) {
                return Err(format!("{execution:?} overtook {missed:?}"));
            }
        }
        begun.insert(execution.run);
    }
    Ok(())
}

/// How the events of runs were sent that were acknowledged, of those that came with their event.
fn commits<'a>(end: &End<'a>) -> BTreeMap<RunId, &'a Sent> {
    let first = end.ledger.accepted().filter(|(_, told)| !told.duplicate);
    let runs = first.flat_map(|(sent, told)| told.run_ids.iter().map(move |run| (*run, sent)));
    runs.collect()
}

fn by_run<'a>(end: &End<'a>) -> BTreeMap<RunId, Vec<&'a Execution>> {
    let mut runs: BTreeMap<_, Vec<&Execution>> = BTreeMap::new();
    for execution in &end.ledger.executions {
        runs.entry(execution.run).or_default().push(execution);
    }
    runs.retain(|run, _| end.books.runs.contains_key(run));
    runs
}

fn ended(execution: &Execution) -> Option<Ended> {
    execution.ended.map(|(_, ended)| ended)
}
