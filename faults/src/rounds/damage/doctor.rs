//! `tieline doctor`, asked about the store of a hub that is down.

use std::process::Command;

use anyhow::{Context as _, Result};

use crate::stage::Stage;

/// What it said.
pub(super) struct Said {
    /// It found nothing wrong.
    pub(super) is_well: bool,
    pub(super) text: String,
}

/// Asks it to read everything.
pub(super) fn says(stage: &Stage) -> Result<Said> {
    let setup = &stage.hub.setup;
    let asked = Command::new(&setup.binary)
        .args(["doctor", "--full", "--data"])
        .arg(&setup.data)
        .output()
        .context("failed to ask the doctor")?;
    Ok(Said {
        is_well: asked.status.success(),
        text: String::from_utf8_lossy(&asked.stdout).into_owned(),
    })
}
