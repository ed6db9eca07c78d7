//! `cargo deny`: licences, banned crates and sources, by the rules in `deny.toml`.
//!
//! Advisories are left out: they need a database from outside, and a new one must not turn an old
//! commit red.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::process;

const VERSION: &str = "0.20.2";

/// Checks the dependencies, after bringing the pinned cargo-deny into `target/rigs` if need be.
pub(crate) fn run(root: &Path) -> Result<()> {
    let home = root.join("target/rigs/cargo");
    let own = home.join("bin/cargo-deny");
    let program = match process::find("cargo-deny") {
        Some(found) if is_pinned(&found) => found,
        _ if is_pinned(&own) => own,
        _ => install(root, &home, own)?,
    };
    let mut check = Command::new(program);
    check
        .current_dir(root)
        .args(["--locked", "check", "bans", "licenses", "sources"]);
    process::run(&mut check)
}

fn install(root: &Path, home: &Path, own: PathBuf) -> Result<PathBuf> {
    println!("bringing cargo-deny {VERSION} into target/rigs/cargo: minutes, once");
    let mut install = process::cargo(root);
    install
        .args([
            "install",
            "--quiet",
            // It is run once: to optimise it would take longer than it could save.
            "--debug",
            "--locked",
            "cargo-deny",
            "--version",
            VERSION,
        ])
        .arg("--root")
        .arg(home)
        .env("CARGO_PROFILE_DEV_DEBUG", "false");
    process::run(&mut install)?;
    Ok(own)
}

fn is_pinned(program: &Path) -> bool {
    process::output(Command::new(program).arg("--version"))
        .is_ok_and(|version| version.trim() == format!("cargo-deny {VERSION}"))
}
