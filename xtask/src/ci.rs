//! `cargo xtask ci`: everything that a change must pass, cheapest first.
//!
//! It stops at the first step that fails and closes with the counts of the tests, on a line that
//! people and tools find without reading the rest.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::counts::Counts;
use crate::{deny, docs, faults, fuzz, process, test, tidy};

type Run = fn(&Path, &mut Counts) -> Result<()>;

/// The rounds of the fault harness that compare no times, and so need no quiet machine. The others
/// (R11, R12, R15, R16) are run by hand.
const FAULTS: &str = "control,R1,R2,R3a,R4,R5,R6,R10,R13,R18,R24,R32,R34,agents,reload,sessions";

/// How long libFuzzer looks in each target: enough to see that all of them still can be fuzzed, and
/// to find what is near. Longer looks are by hand.
const FUZZ_SECONDS: u64 = 8;

/// One step: what the table calls it, and what it does.
static STEPS: &[(&str, Run)] = &[
    ("tidy", |root, _| tidy::run(root)),
    ("fmt", |root, _| cargo(root, &["fmt", "--all", "--check"])),
    ("clippy", |root, _| {
        cargo(
            root,
            &[
                "clippy",
                "--locked",
                "--workspace",
                "--all-targets",
                "--",
                "-D",
                "warnings",
            ],
        )
    }),
    ("test --rigs", test::run_counted),
    ("docs --check", |root, _| docs::run(root, true)),
    ("rustdoc", |root, _| {
        let mut doc = process::cargo(root);
        doc.env("RUSTDOCFLAGS", "-D warnings")
            .args(["doc", "--no-deps", "--workspace"]);
        process::run(&mut doc)
    }),
    ("deny", |root, _| deny::run(root)),
    ("fuzz", |root, _| fuzz::run(root, None, FUZZ_SECONDS)),
    ("release build", |root, _| {
        cargo(
            root,
            &["build", "--locked", "--release", "--package", "tieline"],
        )
    }),
    ("faults --rigs", |root, _| {
        let args = [faults::RIGS, "--only", FAULTS];
        faults::run(root, &args.map(str::to_owned))
    }),
];

/// Runs the steps in order.
pub(crate) fn run(root: &Path) -> Result<()> {
    let start = Instant::now();
    let mut counts = Counts::default();
    let mut taken = Vec::with_capacity(STEPS.len());
    for &(name, step) in STEPS {
        println!("\n==> {name} (at {})", seconds(start.elapsed()));
        let step_start = Instant::now();
        let result = step(root, &mut counts);
        taken.push((name, step_start.elapsed()));
        if let Err(error) = result {
            close(&taken, start.elapsed(), counts);
            bail!(error.context(format!("ci stopped at `{name}`")));
        }
    }
    close(&taken, start.elapsed(), counts);
    Ok(())
}

fn cargo(root: &Path, args: &[&str]) -> Result<()> {
    process::run(process::cargo(root).args(args))
}

fn close(taken: &[(&str, Duration)], total: Duration, counts: Counts) {
    println!("\n{:<16}{:>10}", "step", "time");
    for &(name, time) in taken.iter().chain([&("all", total)]) {
        println!("{name:<16}{:>10}", seconds(time));
    }
    // Before the tests ran there is nothing to count, and "0 failed" would read as good news.
    if counts != Counts::default() {
        println!("ci: {counts}");
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
