//! `cargo xtask faults`: the hub under faults, always in a release build.

use std::path::Path;

use anyhow::Result;

use crate::process;

/// Builds and runs the `tieline-faults` package with the caller's own arguments.
pub(crate) fn run(root: &Path, args: &[String]) -> Result<()> {
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
        .args(args);
    process::run(&mut faults)
}
