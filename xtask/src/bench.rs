//! `cargo xtask bench`: the benchmarks, always in a release build.

use std::path::Path;

use anyhow::Result;

use crate::process;

/// Builds and runs the `tieline-bench` package with the caller's own arguments.
pub(crate) fn run(root: &Path, args: &[String]) -> Result<()> {
    let mut bench = process::cargo(root);
    bench
        .args([
            "run",
            "--release",
            "--quiet",
            "--package",
            "tieline-bench",
            "--",
        ])
        .args(args);
    process::run(&mut bench)
}
