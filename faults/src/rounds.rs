//! The rounds: one file each, and a line in the list.
//!
//! A round opens a [`Stage`](crate::stage::Stage) with the [`Setting`](crate::stage::Setting) that
//! it needs, puts a load on or sends single letters, injects its fault, and ends with
//! [`Stage::judge`](crate::stage::Stage::judge), which waits for quiet and holds everything against
//! L1 to L9. What it demands beside the laws is a [`Verdict`](crate::verdict::Verdict) of its own, and
//! it says with [`Report::fired`] what it injected and how often that really happened (L8).

mod caller_gone;
mod clock;
mod control;
mod copies;
mod crowd;
mod damage;
mod disk_full;
mod graceful;
mod hang;
mod ill_agents;
mod ill_destinations;
mod kill;
mod outage;
mod overload;
mod paced;
mod poison;
mod power;
mod reload;
mod sessions;
mod steps;
mod sync_fails;
mod unsynced;

use futures_util::future::BoxFuture;

use anyhow::Result;

use crate::report::Report;
use crate::stage::Plan;

/// One kind of fault.
#[derive(Clone, Copy)]
pub(crate) struct Round {
    /// As in `docs/reliability.md`.
    pub(crate) id: &'static str,
    pub(crate) about: &'static str,
    pub(crate) run: for<'a> fn(&'a Plan, &'a mut Report) -> BoxFuture<'a, Result<()>>,
}

/// In the order in which they run.
pub(crate) static ROUNDS: &[Round] = &[
    control::ROUND,
    kill::ROUND,
    steps::ROUND,
    power::ROUND,
    unsynced::ROUND,
    sync_fails::ROUND,
    disk_full::ROUND,
    damage::ROUND,
    clock::ROUND,
    graceful::ROUND,
    copies::ROUND,
    hang::ROUND,
    outage::ROUND,
    poison::ROUND,
    crowd::ROUND,
    overload::ROUND,
    ill_agents::ROUND,
    ill_destinations::ROUND,
    caller_gone::ROUND,
    reload::ROUND,
    sessions::ROUND,
];
