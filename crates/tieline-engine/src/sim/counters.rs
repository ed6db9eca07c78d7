//! What a hub says that it did, against what the books say that happened in its time.

use tieline_model::{DeliveryState, RunState};

use super::books::Books;
use super::ledger::Ledger;
use crate::Hub;
use crate::metrics::Status;

/// Of a hub that has stopped in order, and whose callers are gone.
pub(super) fn wrong(hub: &Hub, ledger: &Ledger, before: &Books, after: &Books) -> Vec<String> {
    let equal = counted(hub, ledger, before, after);
    let differs = equal.iter().filter(|count| count.told != count.happened);
    let mut wrong: Vec<String> = differs
        .map(
            |Count {
                 what,
                 told,
                 happened,
             }| { format!("{what}: the hub counted {told}, and it was {happened}") },
        )
        .collect();
    let metrics = hub.metrics();
    let failed = metrics.run_attempts_failed.get();
    let recorded = after.failed_attempts() - before.failed_attempts();
    if failed < recorded {
        let text = format!("the hub counted {failed} failed attempts, and recorded {recorded}");
        wrong.push(text);
    }
    let running = metrics.runs_running.get();
    if running != 0 {
        wrong.push(format!("a hub that stopped has {running} runs in hand"));
    }
    wrong
}

/// What one counter tells of the time of the hub, and what happened.
struct Count {
    what: &'static str,
    told: u64,
    happened: u64,
}

fn counted(hub: &Hub, ledger: &Ledger, before: &Books, after: &Books) -> Vec<Count> {
    let metrics = hub.metrics();
    let grown = |of: fn(&Books) -> usize| (of(after) - of(before)) as u64;
    let attempts = ledger.attempts.values().flatten();
    let attempts = attempts.filter(|attempt| attempt.hub == ledger.hub).count() as u64;
    let mut counts = vec![
        (
            "events accepted",
            metrics.events_accepted.get(),
            grown(|books| books.events.len()),
        ),
        (
            "runs queued",
            metrics.runs_queued.get(),
            grown(|books| books.runs.len()),
        ),
        (
            "deliveries created",
            metrics.deliveries_created.get(),
            grown(|books| books.deliveries.len()),
        ),
        (
            "delivery attempts",
            metrics.delivery_attempts.get(),
            attempts,
        ),
    ];
    for state in [RunState::Completed, RunState::Failed, RunState::Cancelled] {
        let status = state.as_str();
        let told = metrics.runs_ended.get_or_create(&Status { status }).get();
        counts.push((status, told, after.runs_in(state) - before.runs_in(state)));
    }
    let redriven = [
        (DeliveryState::Delivered, 0),
        (DeliveryState::Failed, ledger.redriven),
    ];
    for (state, redriven) in redriven {
        let status = state.as_str();
        let told = metrics
            .deliveries_ended
            .get_or_create(&Status { status })
            .get();
        let ended = after.deliveries_in(state) + redriven - before.deliveries_in(state);
        counts.push((status, told, ended));
    }
    let count = |(what, told, happened)| Count {
        what,
        told,
        happened,
    };
    counts.into_iter().map(count).collect()
}
