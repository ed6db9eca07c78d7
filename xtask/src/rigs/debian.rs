//! Debian packages, installed only where that is possible without asking: as root, with apt.

use std::fs;
use std::process::Command;

use anyhow::{Result, bail};

use crate::process;

/// Installs one package, or says what to type.
pub(super) fn install(package: &str) -> Result<()> {
    let by_hand = format!("apt-get install -y --no-install-recommends {package}");
    if process::find("apt-get").is_none() {
        bail!("this machine has no apt-get: bring what Debian's `{package}` holds into PATH");
    }
    if process::output(Command::new("id").arg("-u"))?.trim() != "0" {
        bail!("Debian's `{package}` is missing and only root can install it: `sudo {by_hand}`");
    }
    process::run_quietly(apt().args(["update", "-qq"]))?;
    process::run_quietly(apt().args(["install", "-y", "-qq", "--no-install-recommends", package]))
}

/// Whether a library is in the folder of this machine's architecture.
pub(super) fn has_library(file: &str) -> bool {
    let folders = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    folders
        .map(|folder| folder.path().join(file))
        .any(|library| library.is_file())
}

fn apt() -> Command {
    let mut apt = Command::new("apt-get");
    // No question may wait for an answer that the CI cannot give.
    apt.env("DEBIAN_FRONTEND", "noninteractive");
    apt
}
