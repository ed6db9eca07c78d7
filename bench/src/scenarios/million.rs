//! The stores of a million runs, each made once: the queued ones by accepting events for a paused
//! agent, the ended ones by letting a copy of those run.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use tokio::time::sleep;

use super::{Plan, config};
use crate::hub::{Hub, Setup, order, post};
use crate::load::{self, Load, Until};
use crate::report;

const MILLION: u64 = 1_000_000;
/// How long they may take to end.
const RUNS_MAX: Duration = Duration::from_mins(30);
/// What every start over the queued store has added is a handful, and has ended by then too.
const CALM: Duration = Duration::from_secs(2);
/// Stands in the folder of a store that is whole.
const MADE: &str = "made";

/// The store of a million queued runs.
pub(super) async fn queued(plan: &Plan) -> Result<Setup> {
    let setup = setup(plan, &plan.keep)?;
    let made = setup.folder.join(MADE);
    if made.exists() {
        return Ok(setup);
    }
    let hub = Hub::start(&setup).await?;
    hub.pause("agent").await?;
    let request = post("inbound", &order());
    let load = Load::closed(hub.address, request, 202, 256, Until::Sent(MILLION));
    load::run(&load).await?;
    hub.stop().await?;
    fs::write(made, "")?;
    Ok(setup)
}

/// A copy of the store of a million runs that have ended: what is measured on it changes it.
pub(super) async fn ended(plan: &Plan) -> Result<Setup> {
    let kept = setup(plan, &plan.keep.join("ended"))?;
    let made = kept.folder.join(MADE);
    if !made.exists() {
        let queued = queued(plan).await?;
        copy(&queued.folder.join("data"), &kept.folder.join("data"))?;
        let hub = Hub::start(&kept).await?;
        hub.resume("agent").await?;
        hub.reach("tieline_runs_ended_total", MILLION, RUNS_MAX)
            .await?;
        sleep(CALM).await;
        hub.stop().await?;
        fs::write(made, "")?;
    }
    let copied = plan.setup("million", config::inbound())?;
    copy(&kept.folder.join("data"), &copied.folder.join("data"))?;
    Ok(copied)
}

/// The size of a hub's store.
pub(super) fn megabytes(setup: &Setup) -> Result<String> {
    Ok(report::megabytes(size(&setup.folder.join("data"))? / 1024))
}

fn setup(plan: &Plan, folder: &Path) -> Result<Setup> {
    fs::create_dir_all(folder)?;
    Ok(Setup {
        binary: plan.binary.clone(),
        folder: folder.canonicalize()?,
        config: config::inbound(),
    })
}

/// Copies a folder over what is left of an earlier, broken copy.
fn copy(from: &Path, to: &Path) -> Result<()> {
    if to.exists() {
        fs::remove_dir_all(to)?;
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.metadata()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), &to)?;
        }
    }
    Ok(())
}

/// Of everything below a folder, in bytes.
fn size(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() {
            size(&entry.path())?
        } else {
            metadata.len()
        };
    }
    Ok(bytes)
}
