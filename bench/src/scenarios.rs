//! What is measured. Each scenario starts its own hubs on fresh folders and gives its tables.

mod accept;
mod cell;
mod config;
mod deliver;
mod drain;
mod fan_out;
mod idle;
mod memory;
mod million;
mod open;
mod payloads;
mod refused;
mod retained;
mod soak;
mod start;
mod sync;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::ValueEnum;

use crate::hub::Setup;
use crate::report::Table;

/// How many callers there are at once.
const CALLERS: [usize; 3] = [1, 64, 256];
/// How long the runs and deliveries of one measurement may take to end.
const RUNS_MAX: Duration = Duration::from_mins(2);

/// What a run of the bench was asked for.
#[derive(Debug)]
pub(crate) struct Plan {
    /// This program, for the control.
    pub(crate) bench: PathBuf,
    /// The hub.
    pub(crate) binary: PathBuf,
    /// An empty folder on the disk that is measured.
    pub(crate) folder: PathBuf,
    /// Of a single measurement.
    pub(crate) time: Duration,
    pub(crate) repeat: usize,
    /// Whether stores of a million runs are measured too.
    pub(crate) million: bool,
    /// Where those are, or will be made.
    pub(crate) keep: PathBuf,
    /// Of the open loop and of the soak, per second; none where the scenario chooses.
    pub(crate) rates: Vec<f64>,
}

impl Plan {
    /// A hub in a folder of its own below the plan's.
    fn setup(&self, name: &str, config: String) -> Result<Setup> {
        let folder = self.folder.join(name);
        fs::create_dir_all(&folder)?;
        Ok(Setup {
            binary: self.binary.clone(),
            folder,
            config,
        })
    }
}

/// The scenarios, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// Inbound: events accepted, with the agent paused and running.
    Accept,
    /// Sync: round trips through an agent.
    Sync,
    /// Both at fixed rates, timed from when a request was due.
    Open,
    /// From an inbound connector through an agent to a delivered result.
    Deliver,
    /// The same way on an idle hub, one event at a time.
    Idle,
    /// Requests with a wrong signature.
    Refused,
    /// One event for ten agents.
    FanOut,
    /// A backlog of 100 000 runs, worked off.
    Drain,
    /// Bodies of 1 KiB, 64 KiB and 1 MiB.
    Payloads,
    /// Memory at rest, with queued runs, with waiting callers.
    Memory,
    /// From starting the program to the first accepted event.
    Start,
    /// Accepting and running with a million runs retained; only with `--million` or by name.
    Retained,
    /// Whether anything grows under `--seconds` of load; only by `--only soak`.
    Soak,
}

impl Scenario {
    /// The named ones, or all that need no asking.
    pub(crate) fn chosen(only: &[Self], million: bool) -> impl Iterator<Item = Self> {
        let all = Self::value_variants().iter().copied();
        all.filter(move |scenario| match scenario {
            _ if !only.is_empty() => only.contains(scenario),
            Self::Retained => million,
            Self::Soak => false,
            _ => true,
        })
    }

    pub(crate) async fn run(self, plan: &Plan) -> Result<Vec<Table>> {
        match self {
            Self::Accept => accept::run(plan).await,
            Self::Sync => sync::run(plan).await,
            Self::Open => open::run(plan).await,
            Self::Deliver => deliver::run(plan).await,
            Self::Idle => idle::run(plan).await,
            Self::Refused => refused::run(plan).await,
            Self::FanOut => fan_out::run(plan).await,
            Self::Drain => drain::run(plan).await,
            Self::Payloads => payloads::run(plan).await,
            Self::Memory => memory::run(plan).await,
            Self::Start => start::run(plan).await,
            Self::Retained => retained::run(plan).await,
            Self::Soak => soak::run(plan).await,
        }
    }
}

#[cfg(test)]
mod tests;
