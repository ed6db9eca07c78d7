//! The Python clients, in a virtual environment of their own.
//!
//! The versions are pinned in `python.txt`, dependencies included. A stamp holds a copy of that
//! file and is written last: an interrupted or outdated environment is made again from nothing.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::debian;
use crate::process;

const PINS: &str = include_str!("python.txt");
const STAMP: &str = "venv/tieline-pins.txt";

/// True when the environment is there and holds exactly the pinned versions.
pub(super) fn present(folder: &Path) -> bool {
    fs::read_to_string(folder.join(STAMP)).is_ok_and(|stamp| stamp == PINS)
}

/// Makes the environment from nothing.
pub(super) fn install(folder: &Path) -> Result<()> {
    let venv = folder.join("venv");
    create(&venv)?;
    let pins = venv.join("pins.txt");
    fs::write(&pins, PINS).context("failed to write the pinned versions")?;
    let mut pip = Command::new(venv.join("bin/python"));
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-r",
    ])
    .arg(&pins);
    process::run(&mut pip)?;
    fs::rename(&pins, folder.join(STAMP)).context("failed to stamp the Python environment")
}

/// Tries the first Python in `PATH`; where that has no `ensurepip`, Debian's own with its package.
fn create(venv: &Path) -> Result<()> {
    remove(venv)?;
    if process::succeeds(Command::new("python3").args(["-m", "venv"]).arg(venv)) {
        return Ok(());
    }
    remove(venv)?;
    debian::install("python3-venv").context("python3 cannot make a virtual environment")?;
    process::run(
        Command::new("/usr/bin/python3")
            .args(["-m", "venv"])
            .arg(venv),
    )
}

fn remove(venv: &Path) -> Result<()> {
    match fs::remove_dir_all(venv) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("failed to remove {}", venv.display()))
        }
        _ => Ok(()),
    }
}
