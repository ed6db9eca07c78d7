//! What is measured. Each scenario starts its own hubs on fresh folders and gives its tables.

mod accept;
mod cell;
mod deliver;
mod memory;
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
    pub(crate) million: bool,
    pub(crate) keep: Option<PathBuf>,
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
    /// From an inbound connector through an agent to a delivered result.
    Deliver,
    /// Memory at rest, with queued runs, with waiting callers.
    Memory,
    /// From starting the program to the first accepted event.
    Start,
}

impl Scenario {
    /// The named ones, or all.
    pub(crate) fn chosen(only: &[Self]) -> impl Iterator<Item = Self> {
        let all = Self::value_variants().iter().copied();
        all.filter(move |scenario| only.is_empty() || only.contains(scenario))
    }

    pub(crate) async fn run(self, plan: &Plan) -> Result<Vec<Table>> {
        match self {
            Self::Accept => accept::run(plan).await,
            Self::Sync => sync::run(plan).await,
            Self::Deliver => deliver::run(plan).await,
            Self::Memory => memory::run(plan).await,
            Self::Start => start::run(plan).await,
        }
    }
}
