//! `cargo xtask fuzz`: libFuzzer looks for bytes that break what `fuzz` says of all bytes.
//!
//! Built with the stable compiler: coverage is a pass of LLVM, and without a sanitizer nothing else
//! is needed (all code of ours is safe Rust). What is found stands in `target/fuzz/found`; with a
//! fix it moves to `fuzz/corpus`, where the tests replay it.

use std::fs;
use std::num::NonZero;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;

use anyhow::{Context as _, Result, bail, ensure};

use crate::process;

const PACKAGE: &str = "fuzz/libfuzzer";

/// A folder for each target; the tests hold the two lists together.
const CORPUS: &str = "fuzz/corpus";

/// Everything that is built and found.
const OUTPUT: &str = "target/fuzz";

/// How much of libFuzzer's own words is shown when it found something: the panic and its end.
const SHOWN_LINES: usize = 40;

/// What cargo-fuzz passes, less what only a nightly compiler takes.
const RUSTFLAGS: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
    "--cfg=fuzzing",
];

/// Looks for so many seconds in each target, or in the one that is named.
pub(crate) fn run(root: &Path, target: Option<&str>, seconds: u64) -> Result<()> {
    let names = targets(root, target)?;
    let program = build(root)?;
    fuzz_all(root, &program, &names, seconds)?;
    println!("fuzz: {} targets held for {seconds} s each", names.len());
    Ok(())
}

/// One target for each processor at a time; the first that does not hold ends it.
fn fuzz_all(root: &Path, program: &Path, names: &[String], seconds: u64) -> Result<()> {
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    let left = Mutex::new(names.iter());
    let next = || left.lock().ok().and_then(|mut left| left.next());
    let work = || {
        while let Some(name) = next() {
            fuzz(root, program, name, seconds)?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let workers = (0..processors.min(names.len())).map(|_| scope.spawn(work));
        let workers: Vec<_> = workers.collect();
        let ended = workers.into_iter().map(|worker| match worker.join() {
            Ok(ended) => ended,
            Err(panic) => resume_unwind(panic),
        });
        ended.collect()
    })
}

fn targets(root: &Path, wanted: Option<&str>) -> Result<Vec<String>> {
    let folder = root.join(CORPUS);
    let entries = fs::read_dir(&folder).context("failed to list the corpora")?;
    let mut names = entries
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<std::io::Result<Vec<_>>>()
        .context("failed to list the corpora")?;
    names.sort();
    if let Some(wanted) = wanted {
        ensure!(
            names.iter().any(|name| name == wanted),
            "there is no target `{wanted}`: write one of {}",
            names.join(", ")
        );
        names.retain(|name| name == wanted);
    }
    ensure!(!names.is_empty(), "there is no target");
    Ok(names)
}

/// Builds the one program of all targets; gives its path.
fn build(root: &Path) -> Result<PathBuf> {
    let package = root.join(PACKAGE);
    fs::copy(root.join("Cargo.lock"), package.join("Cargo.lock"))
        .context("failed to take over the workspace's Cargo.lock")?;
    let host = host()?;
    let output = root.join(OUTPUT);
    let mut build = process::cargo(root);
    build
        .args(["build", "--quiet", "--manifest-path"])
        .arg(package.join("Cargo.toml"))
        // With a target named, build scripts and macros are built without coverage.
        .args(["--target", &host, "--target-dir"])
        .arg(&output)
        .env("RUSTFLAGS", RUSTFLAGS.join(" "))
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    process::run(&mut build)?;
    Ok(output.join(host).join("debug/tieline-libfuzzer"))
}

/// The platform that the compiler runs on and builds for by itself.
fn host() -> Result<String> {
    let said = process::output(Command::new("rustc").arg("-vV"))?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("rustc names no host")
}

fn fuzz(root: &Path, program: &Path, name: &str, seconds: u64) -> Result<()> {
    let output = root.join(OUTPUT);
    // New inputs that reach new code go to the first folder and are kept from run to run.
    let (grown, found) = (output.join("corpus").join(name), output.join("found"));
    for folder in [&grown, &found] {
        fs::create_dir_all(folder)
            .with_context(|| format!("failed to make {}", folder.display()))?;
    }
    let prefix = found.join(format!("{name}-"));
    let done = Command::new(program)
        .env("TIELINE_FUZZ_TARGET", name)
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}", prefix.display()))
        .args(["-max_len=8192", "-timeout=20", "-rss_limit_mb=2048"])
        .args(["-print_final_stats=1", "-verbosity=1"])
        .args([&grown, &root.join(CORPUS).join(name)])
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("failed to start {}", program.display()))?;
    let log = String::from_utf8_lossy(&done.stderr);
    if !done.status.success() {
        let lines = log.lines().collect::<Vec<_>>();
        let end = lines.len().saturating_sub(SHOWN_LINES);
        eprintln!("{}", lines.get(end..).unwrap_or_default().join("\n"));
        bail!(
            "`{name}` does not hold: put what stands behind `Test unit written to` into \
             {CORPUS}/{name}, and the tests show it too"
        );
    }
    let runs = stat(&log, "stat::number_of_executed_units:").unwrap_or_default();
    // Without coverage libFuzzer only guesses, and would find nothing for ever.
    let guided = log.contains("inline 8-bit counters");
    ensure!(runs > 0 && guided, "`{name}` was not fuzzed:\n{log}");
    println!("fuzz: {name} held for {runs} inputs");
    Ok(())
}

fn stat(log: &str, name: &str) -> Option<u64> {
    let line = log.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().parse().ok()
}
