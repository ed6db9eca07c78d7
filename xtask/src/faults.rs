//! `cargo xtask faults`: the hub under faults, always in a release build.

use std::path::Path;

use anyhow::Result;

use crate::{process, rigs};

/// Asks for every round: what it needs is brought, and one that is skipped is a failure.
pub(crate) const RIGS: &str = "--rigs";

/// Builds and runs the `tieline-faults` package with the caller's own arguments.
pub(crate) fn run(root: &Path, args: &[String]) -> Result<()> {
    let demanded = args.iter().any(|arg| arg == RIGS);
    if demanded {
        rigs::install(root)?;
    }
    let mut faults = process::cargo(root);
    faults
        .args([
            "run",
            "--release",
            "--quiet",
            "--package",
            "tieline-faults",
            "--",
        ])
        .args(args.iter().filter(|arg| *arg != RIGS));
    if demanded {
        faults.arg("--demanded");
    }
    process::run(&mut faults)
}
