//! What must hold of every world, whatever happened in it: one function for each promise.

mod deliveries;
mod events;
mod runs;

use tieline_model::Timestamp;

use super::books::Books;
use super::ledger::Ledger;
use super::plan::Plan;

/// A world at rest, with both of its books.
pub(super) struct End<'a> {
    pub plan: &'a Plan,
    pub ledger: &'a Ledger,
    pub books: &'a Books,
    /// The latest time that any hub decided by.
    pub latest: Timestamp,
}

/// A promise that does not hold says where.
type Invariant = fn(&End<'_>) -> Result<(), String>;

const ALL: [(&str, Invariant); 17] = [
    (
        "every acknowledged event is there, with one run per link that held",
        events::every_acknowledged_event_is_there,
    ),
    (
        "what is stored was sent, with one run per link that held",
        events::what_is_stored_was_sent,
    ),
    (
        "every replay that was asked for is there, and no other",
        events::every_replay_is_there,
    ),
    (
        "a key stands for one event, and repeats get its ids",
        events::a_key_stands_for_one_event,
    ),
    ("a refusal stores nothing", events::a_refusal_stores_nothing),
    (
        "a conflict stores nothing",
        events::a_conflict_stores_nothing,
    ),
    (
        "every run has ended or says what it waits for",
        runs::every_run_has_ended_or_is_held,
    ),
    (
        "every execution belongs to a run of a stored event",
        runs::every_execution_belongs_to_a_stored_run,
    ),
    (
        "every completed or failed run was executed",
        runs::every_outcome_was_executed,
    ),
    (
        "a run that gave up its place is cancelled, and says into which it went",
        runs::displaced_runs_say_into_which,
    ),
    (
        "what waited too long is not begun",
        runs::what_waited_too_long_is_not_begun,
    ),
    (
        "attempts stay in their budget",
        runs::attempts_stay_in_their_budget,
    ),
    (
        "attempts are counted right",
        runs::attempts_are_counted_right,
    ),
    (
        "runs of a session do not overlap, and begin in the order of their commits",
        runs::sessions_are_in_order,
    ),
    (
        "a result has one delivery per outlet that was linked at its end",
        deliveries::one_per_outlet,
    ),
    (
        "delivered is what the destination took, the same bytes each time",
        deliveries::delivered_is_taken,
    ),
    (
        "attempts of deliveries are counted right",
        deliveries::attempts_are_counted_right,
    ),
];

/// Says which do not hold.
pub(super) fn broken(end: &End<'_>) -> Vec<String> {
    let failed = ALL.iter().filter_map(|(promise, holds)| {
        let place = holds(end).err()?;
        Some(format!("{promise}: {place}"))
    });
    failed.collect()
}
