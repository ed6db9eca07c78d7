//! `cargo xtask faults`: shows on the shipped binary that nothing acknowledged is lost or doubled,
//! whatever happens to it. `docs/reliability.md` has the laws, the faults and the latest summary.
//!
//! Ledgers outside the hub say what was sent (S), executed (A), delivered (D) and done to the hub
//! (F); a checker that shares no code with the hub holds them against what the hub says of itself.
//! It must never name a crate of the hub.
//!
//! # How to write a round
//!
//! A round is a file in `rounds` with a `const ROUND`, and a line in the list of `rounds.rs`:
//!
//! ```ignore
//! async fn run(plan: &Plan, report: &mut Report) -> Result<()> {
//!     let setting = Setting { agents: Conduct::new(|_| Reply::now(Act::HangUp)), ..Setting::default() };
//!     let mut stage = Stage::open(plan, "my-fault", setting).await?;    // the hub is ready
//!     let sender = stage.send(Load { pace: 500.0, ..Load::default() }); // lanes repeat until 2xx
//!     stage.kill().await?;                                              // or terminate, or your own
//!     stage.start().await?;
//!     report.fired("my fault", 1);                                      // L8: 0 makes it void
//!     let acknowledged = sender.finish().await?;
//!     report.figure("acknowledged", acknowledged);
//!     stage.judge(Duration::from_mins(1), report).await                 // drains, then L1 to L9
//! }
//! ```
//!
//! - *Agents and destination* behave as a `Conduct` says, call by call. What HTTP forbids takes a
//!   server of the round's own, with `serve::listen`, named in the config.
//! - *The config* is `stage::standard_config()`; change its text, where `@agents@` and
//!   `@destination@` stand for addresses. `Setting::terms` says what a config allows: how many
//!   deliveries a run has, how many runs are in hand at once.
//! - *The process* gets `Setting::environment` and `Setting::wrapper` (`strace -f …`); both are in
//!   `stage.hub.setup` too, and may change between two starts. `Setting::data` puts the data folder
//!   elsewhere, such as on a small tmpfs.
//! - *Single letters* go through `stage.courier()`; a `Letter` that is sent again is a duplicate.
//! - *Tools* that may be missing are asked for with `tools`; a round without them calls
//!   `report.skip` and returns. With `--demanded` that is a failure.
//! - *What is unreachable, ill or at a steady pace* is a `Gate`, an `IllServer`, `paced::send`. Agents
//!   of a round's own keep no ledger: `Terms::unseen` names them.
//! - *Runs and deliveries as `/v1` shows them* are in `shown`.
//! - *Demands beside the laws* are a `Verdict` of the round's own, given to `report.judged`.

#![expect(clippy::print_stdout, reason = "the report is the output")]

mod agent;
mod chance;
mod check;
mod conduct;
mod courier;
mod destination;
mod gate;
mod hub;
mod ill;
mod ledger;
mod message;
mod record;
mod report;
mod rounds;
mod sender;
mod serve;
mod shown;
mod stage;
mod tools;
mod trace;
mod verdict;
mod view;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::time::{Instant, timeout};

use crate::report::{Report, TABLE};
use crate::rounds::{ROUNDS, Round};
use crate::stage::Plan;

/// How long one round may take.
const SHORT_MAX: Duration = Duration::from_mins(10);
const LONG_MAX: Duration = Duration::from_hours(3);

/// Puts faults to the release build of the hub, and checks what became of everything.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask faults")]
struct Args {
    /// The long tier: hundreds of kills, a million events.
    #[arg(long)]
    long: bool,
    /// Only these rounds.
    #[arg(long, value_name = "ROUND", value_delimiter = ',')]
    only: Vec<String>,
    /// Repeats a run that drew this seed.
    #[arg(long)]
    seed: Option<u64>,
    /// How often a round that kills does so.
    #[arg(long)]
    kills: Option<u64>,
    /// How many events the round with the kills has acknowledged.
    #[arg(long)]
    events: Option<u64>,
    /// Keeps the ledgers and the hub's data of every round in this folder.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// The binary to put to the test, instead of one that is built now.
    #[arg(long, value_name = "FILE")]
    tieline: Option<PathBuf>,
    /// A binary with failpoints, instead of one that is built now.
    #[arg(long, value_name = "FILE")]
    failpoints: Option<PathBuf>,
    /// A round that is skipped, because something that it needs is not here, is a failure.
    #[arg(long)]
    demanded: bool,
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let chosen = chosen(&args.only)?;
    raise_limit_of_files()?;
    let plan = plan(args)?;
    // One thread, besides those of the ledgers: the hub needs the processors more.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let holds = runtime.block_on(carry_out(&plan, &chosen));
    Ok(if holds {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn carry_out(plan: &Plan, rounds: &[Round]) -> bool {
    println!("seed {}\n", plan.seed);
    let mut reports = Vec::new();
    for round in rounds {
        let begin = Instant::now();
        let mut report = Report::new(round.id, round.about, plan.seed);
        let most = if plan.long { LONG_MAX } else { SHORT_MAX };
        let ended = timeout(most, (round.run)(plan, &mut report)).await;
        let broke = match ended {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(format!("{error:#}")),
            Err(_elapsed) => Some(format!("it took more than {most:?}")),
        };
        report.end(begin.elapsed(), broke);
        println!("{report}");
        reports.push(report);
    }
    println!("{TABLE}");
    for report in &reports {
        println!("{}", report.line());
    }
    let tier = if plan.long { " --long" } else { "" };
    let Plan {
        kills,
        events,
        seed,
        ..
    } = plan;
    println!("\n`cargo xtask faults{tier} --kills {kills} --events {events} --seed {seed}`");
    let carried_out = |report: &Report| !(plan.demanded && report.is_skipped());
    let holds = reports
        .iter()
        .all(|report| report.holds() && carried_out(report));
    if !holds {
        println!("what broke has its ledgers in {}", plan.folder.display());
    }
    holds
}

fn chosen(only: &[String]) -> Result<Vec<Round>> {
    let is = |round: &Round, name: &str| round.id.eq_ignore_ascii_case(name);
    for name in only {
        let known: Vec<_> = ROUNDS.iter().map(|round| round.id).collect();
        let is_known = ROUNDS.iter().any(|round| is(round, name));
        ensure!(
            is_known,
            "no round is called `{name}`: {}",
            known.join(", ")
        );
    }
    let wanted = |round: &&Round| only.is_empty() || only.iter().any(|name| is(round, name));
    Ok(ROUNDS.iter().filter(wanted).copied().collect())
}

fn plan(args: Args) -> Result<Plan> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("this package lies in the project's folder")?;
    let program = std::env::current_exe()?;
    let target = program.parent().context("a program lies in a folder")?;
    let binary = match args.tieline {
        Some(binary) => binary.canonicalize()?,
        None => build(root, target)?,
    };
    let (kills, events) = if args.long {
        (300, 1_000_000)
    } else {
        (8, 20_000)
    };
    let keep = args.keep.is_some();
    let folder = args.keep.unwrap_or_else(|| root.join("target/faults"));
    fs::create_dir_all(&folder)?;
    Ok(Plan {
        binary,
        folder: folder.canonicalize()?,
        seed: args.seed.map_or_else(drawn, Ok)?,
        long: args.long,
        kills: args.kills.unwrap_or(kills),
        events: args.events.unwrap_or(events),
        keep,
        failpoints: args
            .failpoints
            .map(|file| file.canonicalize())
            .transpose()?,
        demanded: args.demanded,
    })
}

/// A seed that nobody chose; short, because people type it.
fn drawn() -> Result<u64> {
    let mut bytes = [0; 4];
    let drawn = aws_lc_rs::rand::fill(&mut bytes);
    drawn.ok().context("the system gives no random numbers")?;
    Ok(u64::from(u32::from_be_bytes(bytes)))
}

/// Builds the hub as it is shipped, so that no verdict is one about an older state.
fn build(root: &Path, target: &Path) -> Result<PathBuf> {
    let built = Command::new("cargo")
        .args(["build", "--release", "--quiet", "--package", "tieline"])
        .current_dir(root)
        .status()
        .context("failed to start cargo")?;
    ensure!(built.success(), "the hub could not be built");
    Ok(target.join("tieline"))
}

/// As high as it may go: a thousand copies need as many sockets, here and in the hub.
fn raise_limit_of_files() -> Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit)?;
    Ok(())
}
