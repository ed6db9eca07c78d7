//! `tieline`: the command line, configuration files, the environment, wiring and shutdown.
//!
//! The only crate that reads the environment and configuration files, and the only one that names
//! concrete connectors, runtimes and the store. It must never hold a rule of the engine.

mod cli;
mod client;
mod commands;
mod config;
mod demo;
#[cfg(feature = "failpoints")]
mod failpoints;
mod output;
mod shutdown;
mod telemetry;
mod wiring;

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A request is many small pieces of memory that come on one thread and go on another, which is
/// what this one is made for; `docs/performance.md` has what it saves.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    #[cfg(feature = "failpoints")]
    failpoints::arm();
    cli::run()
}
