//! What the writer does with events, runs and deliveries.

pub(crate) mod accept;
pub(crate) mod act;
pub(crate) mod claim;
mod due;
pub(crate) mod line;
pub(crate) mod release;
pub(crate) mod settle;

/// The statements of a claim of runs that finds nothing but what is queued.
#[cfg(test)]
pub(crate) fn statements_of_a_claim() -> [&'static str; 2] {
    due::RUNS.statements()
}
