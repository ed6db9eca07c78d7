//! `cargo xtask test`: every test that this machine can run.
//!
//! Nothing is skipped silently: what needs a real server or client is ignored by name, and the
//! command that brings it is printed last, where it is seen.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::counts::Counts;
use crate::{process, rigs};

/// Which tests run: the ignored ones are those that need a rig.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    WithoutRigs,
    Everything,
}

/// Runs the tests on a person's machine, with the runner's output as it is.
pub(crate) fn run(root: &Path, with_rigs: bool) -> Result<()> {
    if with_rigs {
        rigs::install(root)?;
    }
    let missing = rigs::missing(root);
    let scope = if missing.is_empty() {
        Scope::Everything
    } else {
        Scope::WithoutRigs
    };
    for mut step in steps(root, scope, with_rigs) {
        process::run(&mut step)?;
    }
    if !missing.is_empty() {
        println!("\nTests that need these were ignored:");
        for rig in missing {
            println!("  {:<30} {}", rig.name, rig.purpose);
        }
        println!("`cargo xtask test --rigs` brings them and runs every test.");
    }
    Ok(())
}

/// Runs every test, rigs included, and counts them. For the CI.
pub(crate) fn run_counted(root: &Path, total: &mut Counts) -> Result<()> {
    rigs::install(root)?;
    for mut step in steps(root, Scope::Everything, true) {
        process::run_counted(&mut step, total)?;
    }
    anyhow::ensure!(total.passed > 0, "no test ran");
    Ok(())
}

/// The runner, then the documentation's examples, which nextest does not run.
fn steps(root: &Path, scope: Scope, demanded: bool) -> Vec<Command> {
    let has_nextest = process::succeeds(process::cargo(root).args(["nextest", "--version"]));
    let mut runner = process::cargo(root);
    if has_nextest {
        runner.args(["nextest", "run", "--workspace"]);
        if demanded {
            runner.args(["--profile", "ci"]);
        }
        if scope == Scope::Everything {
            runner.args(["--run-ignored", "all"]);
        }
    } else {
        runner.args(["test", "--workspace", "--lib", "--bins", "--tests"]);
        if demanded {
            runner.arg("--no-fail-fast");
        }
        if scope == Scope::Everything {
            runner.args(["--", "--include-ignored"]);
        }
    }
    let mut examples = process::cargo(root);
    examples.args(["test", "--workspace", "--doc"]);
    let mut steps = vec![runner, examples];
    for step in &mut steps {
        rigs::announce(root, step, demanded);
    }
    steps
}
