//! `cargo xtask bench`: measures the shipped binary from outside, in one run beside a control and
//! beside the disk's own rate. `docs/performance.md` says what the figures mean.
//!
//! It must never assert on time, and never reach into the hub's crates.

#![expect(clippy::print_stdout, reason = "the figures are the output")]

mod control;
mod disk;
mod histogram;
mod hub;
mod load;
mod machine;
mod message;
mod process;
mod receiver;
mod report;
mod scenarios;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::{Parser, Subcommand};
use rustix::process::{Resource, getrlimit, setrlimit};

use crate::control::Answer;
use crate::scenarios::{Plan, Scenario};

/// Measures the release build of the hub and prints Markdown tables.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench")]
struct Args {
    /// Only these scenarios; may be repeated.
    #[arg(long, value_enum, value_name = "NAME")]
    only: Vec<Scenario>,
    /// How long each single measurement takes.
    #[arg(long, default_value_t = 2.0, value_parser = sensible)]
    seconds: f64,
    /// How often each is repeated; the median is shown.
    #[arg(long, default_value_t = 3)]
    repeat: usize,
    /// Rates of `open`, in requests per second, instead of parts of what the closed loop reaches;
    /// `soak` takes the first.
    #[arg(long, value_name = "RATE", value_delimiter = ',', value_parser = sensible)]
    rates: Vec<f64>,
    /// Measures over stores of a million runs as well: some minutes and some gigabytes more.
    #[arg(long)]
    million: bool,
    /// Keeps the stores of a million runs in this folder, and uses them where they are there.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// The binary to measure, instead of one that is built now.
    #[arg(long, value_name = "FILE")]
    tieline: Option<PathBuf>,
    #[command(subcommand)]
    part: Option<Part>,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// The bare server that the hub is compared with.
    #[command(hide = true)]
    Control {
        #[arg(long)]
        listen: SocketAddr,
        #[arg(long)]
        status: u16,
        #[arg(long)]
        length: usize,
    },
}

fn main() -> Result<()> {
    let args = Args::parse();
    if let Some(Part::Control {
        listen,
        status,
        length,
    }) = args.part
    {
        return control::serve(listen, Answer { status, length });
    }
    raise_limit_of_files()?;
    // One thread, and one to keep time in an open loop: what the bench itself takes from the hub's
    // processors stays small and known.
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(measure(args))
}

async fn measure(args: Args) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("the bench lies in the project's folder")?;
    let bench = std::env::current_exe()?;
    let target = bench.parent().context("a program lies in a folder")?;
    let binary = match args.tieline {
        Some(binary) => binary.canonicalize()?,
        None => build(root, target)?,
    };
    let folder = tempfile::Builder::new()
        .prefix("tieline-bench-")
        .tempdir_in(target)?;
    println!("{}", machine::facts(root));
    let disk_before = disk::measure(folder.path(), Duration::from_secs(1))?;
    let plan = Plan {
        bench,
        binary,
        folder: folder.path().join("hubs"),
        time: Duration::try_from_secs_f64(args.seconds)?,
        repeat: args.repeat.max(1),
        million: args.million,
        keep: args.keep.unwrap_or_else(|| folder.path().join("million")),
        rates: args.rates,
    };
    for scenario in Scenario::chosen(&args.only, args.million) {
        fs::create_dir(&plan.folder)?;
        for table in scenario.run(&plan).await? {
            println!("{table}");
        }
        fs::remove_dir_all(&plan.folder)?;
    }
    let disk_after = disk::measure(folder.path(), Duration::from_secs(1))?;
    println!("{}", machine::disk(disk_before, disk_after));
    folder.close()?;
    Ok(())
}

/// Builds the hub as it is shipped, so that no figure is one of an older state.
fn build(root: &Path, target: &Path) -> Result<PathBuf> {
    let built = Command::new("cargo")
        .args(["build", "--release", "--quiet", "--package", "tieline"])
        .current_dir(root)
        .status()
        .context("failed to start cargo")?;
    ensure!(built.success(), "the hub could not be built");
    Ok(target.join("tieline"))
}

/// A rate or a number of seconds that something can be measured with.
fn sensible(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "is no number".to_owned())?;
    let sensible = (0.1..=1e6).contains(&number);
    sensible
        .then_some(number)
        .ok_or_else(|| "is not between 0.1 and 1000000".to_owned())
}

/// As high as it may go: thousands of callers need as many sockets, here and in the hub.
fn raise_limit_of_files() -> Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit)?;
    Ok(())
}
