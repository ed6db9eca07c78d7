//! R2: the process ends at each named step of accept, claim, settle and deliver, under load.
//!
//! The binary is one with failpoints, built for this round and kept apart from the one that is
//! shipped. A step counts only where the hub's own last words name it.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;
use tokio::time::sleep;

use super::Round;
use crate::report::Report;
use crate::sender::Load;
use crate::stage::{Plan, Setting, Stage};

pub(super) const ROUND: Round = Round {
    id: "R2",
    about: "ended at each step of the way",
    run: |plan, report| Box::pin(run(plan, report)),
};

/// As in `tieline-failpoint`, which a test of this round holds the list against.
const STEPS: [&str; 15] = [
    "accept-drafted",
    "accept-written",
    "accept-committed",
    "claim-written",
    "claim-committed",
    "run-ended",
    "settle-written",
    "settle-committed",
    "deliver-claimed",
    "deliver-sent",
    "deliver-written",
    "deliver-committed",
    "commit-begun",
    "commit-applied",
    "commit-done",
];
const VARIABLE: &str = "TIELINE_FAILPOINT";
/// At which time of a step the process ends, at the latest.
const TIMES: u64 = 150;
const LIFE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_millis(800));
/// How long it may take until a step is passed so often.
const LONGEST: Duration = Duration::from_mins(1);
const ABORTED: i32 = 6;

async fn run(plan: &Plan, report: &mut Report) -> Result<()> {
    let plan = &Plan {
        binary: binary(plan).await?,
        ..plan.clone()
    };
    let mut stage = Stage::open(plan, "steps", Setting::moody()).await?;
    let sender = stage.send(Load {
        pace: 150.0,
        ..Load::default()
    });
    let mut chance = stage.chance.clone();
    let turns = if plan.long { 20 } else { 1 };
    let mut ends = [0; STEPS.len()];
    for _ in 0..turns {
        for (step, ends) in STEPS.iter().zip(&mut ends) {
            sleep(chance.time(LIFE.0, LIFE.1)).await;
            stage.kill().await?;
            let at = format!("{step}:{}", 1 + chance.below(TIMES));
            stage.hub.setup.environment = vec![(VARIABLE.to_owned(), at.clone())];
            let before = words(&stage.hub.log(), step)?;
            let ended = stage.start_to_end(LONGEST).await;
            let ended = ended.with_context(|| format!("{at} is never passed"))?;
            let is_it = ended.signal() == Some(ABORTED) && words(&stage.hub.log(), step)? > before;
            ensure!(is_it, "with {at}, the hub ended with {ended}");
            *ends += 1;
            stage.hub.setup.environment.clear();
            let (at, _) = stage.start_marked(&sender).await?;
            sender.first_after(at, LONGEST).await?;
        }
    }
    for (step, ends) in STEPS.iter().zip(ends) {
        report.fired(step, ends);
    }
    report.figure("acknowledged", sender.finish().await?);
    stage.judge(Duration::from_mins(3), report).await
}

/// How often the log says that the hub ended at this step.
fn words(log: &Path, step: &str) -> Result<usize> {
    let line = format!("failpoint {step}");
    Ok(fs::read_to_string(log)?
        .lines()
        .filter(|of| **of == line)
        .count())
}

/// The hub with failpoints, in a place where nothing that is shipped is taken from.
async fn binary(plan: &Plan) -> Result<PathBuf> {
    if let Some(binary) = &plan.failpoints {
        return Ok(binary.clone());
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("this package lies in the project's folder")?;
    let built = Command::new("cargo")
        .args(["build", "--quiet", "--package", "tieline"])
        .args(["--features", "failpoints"])
        .current_dir(root)
        .status()
        .await
        .context("failed to start cargo")?;
    ensure!(
        built.success(),
        "the hub with failpoints could not be built"
    );
    let binary = plan.folder.join("tieline-failpoints");
    fs::copy(root.join("target/debug/tieline"), &binary)?;
    Ok(binary)
}

#[cfg(test)]
mod tests;
