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

fn main() -> ExitCode {
    #[cfg(feature = "failpoints")]
    failpoints::arm();
    cli::run()
}
