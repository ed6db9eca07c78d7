//! `cargo deny`: licences, banned crates and sources, by the rules in `deny.toml`.
//!
//! Advisories are left out: they need a database from outside, and a new one must not turn an old
//! commit red. Who releases asks for them by hand.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::process;
use crate::tools::Tool;

const DENY: Tool = Tool {
    name: "cargo-deny",
    version: "0.20.2",
    ask: &["--version"],
};

/// Checks the dependencies of the workspace.
pub(crate) fn run(root: &Path) -> Result<()> {
    let mut check = Command::new(DENY.bring(root)?);
    check
        .current_dir(root)
        .args(["--locked", "check", "bans", "licenses", "sources"]);
    process::run(&mut check)
}
