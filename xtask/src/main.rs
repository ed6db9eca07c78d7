//! The project's own chores, as `cargo xtask <command>`.
//!
//! Everything that a contributor or the CI runs stands here, in Rust, so that a machine with nothing
//! but Cargo can run it. It must never be needed to build or to use the hub, and it keeps to three
//! dependencies, because it is compiled before anything else can be checked.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line talks to people"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "a tool reads the clock and the environment itself"
)]

mod bench;
mod ci;
mod counts;
mod deny;
mod docs;
mod faults;
mod fuzz;
mod mutants;
mod process;
mod rigs;
mod sbom;
mod test;
mod tidy;
mod tools;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    about = "The chores of the Tieline project",
    version
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Checks what the compiler cannot: file lengths, orphans, links, crate edges, words.
    Tidy,
    /// Runs every test that this machine can run, and says what the others need.
    Test {
        /// Installs the missing real servers and clients, and demands every test.
        #[arg(long)]
        rigs: bool,
    },
    /// Runs the benchmarks in a release build; arguments go to the benchmark.
    Bench {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Puts faults to a release build and checks that nothing is lost or doubled; arguments go to
    /// the harness.
    Faults {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Looks for bytes that break what must hold for any bytes, with libFuzzer.
    Fuzz {
        /// One target alone; without it, each in turn.
        target: Option<String>,
        /// How long, for each target.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
    /// Breaks the verifiers line by line and sees that a test notices; arguments go to
    /// cargo-mutants.
    Mutants {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Prints what the binary is made of, as `CycloneDX` 1.5 in JSON.
    Sbom,
    /// Writes the pages that are made from the code: manuals and the configuration's schema.
    Docs {
        /// Writes nothing, and fails where a page is stale.
        #[arg(long)]
        check: bool,
    },
    /// Runs everything that a change must pass, cheapest first.
    Ci,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("failed to find the folder above xtask")?;
    match command {
        Command::Tidy => tidy::run(root),
        Command::Test { rigs } => test::run(root, *rigs),
        Command::Bench { args } => bench::run(root, args),
        Command::Faults { args } => faults::run(root, args),
        Command::Fuzz { target, seconds } => fuzz::run(root, target.as_deref(), *seconds),
        Command::Mutants { args } => mutants::run(root, args),
        Command::Sbom => sbom::run(root),
        Command::Docs { check } => docs::run(root, *check),
        Command::Ci => ci::run(root),
    }
}
