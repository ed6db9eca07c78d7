//! `cargo xtask mutants`: breaks the verifiers line by line, and sees that a test notices each time.
//!
//! By hand and not in the CI: it takes as many builds as there are mutants.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::process;
use crate::tools::Tool;

const MUTANTS: Tool = Tool {
    name: "cargo-mutants",
    version: "27.1.0",
    ask: &["mutants", "--version"],
};

/// Whoever forges a signature gets in: here no line may be without a test.
const PACKAGE: &str = "tieline-signature";

/// Runs cargo-mutants with the caller's own arguments; what it found stands in `target/mutants.out`.
pub(crate) fn run(root: &Path, args: &[String]) -> Result<()> {
    let mut mutants = Command::new(MUTANTS.bring(root)?);
    mutants
        .current_dir(root)
        .args(["mutants", "--package", PACKAGE, "--output", "target"])
        .args(args);
    process::run(&mut mutants)
}
