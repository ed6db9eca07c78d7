//! From starting the program to the first event accepted, each by polling every millisecond.

use std::fs;
use std::path::Path;

use anyhow::Result;

use super::Plan;
use crate::hub::{Hub, SECRET, Setup, order, post};
use crate::load::{self, Load, Until};
use crate::report::{Table, count, median, megabytes, tenths};

/// Starts are short and scatter: more of them than of other measurements.
const STARTS: usize = 11;
const MILLION: u64 = 1_000_000;

pub(super) async fn run(plan: &Plan) -> Result<Vec<Table>> {
    let columns = [
        "store",
        "start to accepted, ms",
        "slowest of 11, ms",
        "resident MB then",
    ];
    let mut table = Table::new("From start to the first accepted event", &columns);
    let mut rows = Vec::new();
    for number in 0..STARTS {
        let setup = plan.setup(&format!("start-{number}"), config())?;
        rows.push(start(&setup).await?);
    }
    row(&mut table, "none: its files are made", &rows);
    let setup = plan.setup("start-0", config())?;
    row(&mut table, "empty", &again(&setup).await?);
    if plan.million {
        let setup = million(plan).await?;
        let size = size(&setup.folder)?;
        let name = format!("a million queued runs, {} MB", megabytes(size / 1024));
        row(&mut table, &name, &again(&setup).await?);
    }
    table.note("The files are in the page cache; `TERM` ended the hub before.");
    Ok(vec![table])
}

/// One start.
struct Started {
    seconds: f64,
    resident: u64,
}

async fn again(setup: &Setup) -> Result<Vec<Started>> {
    let mut rows = Vec::new();
    for _ in 0..STARTS {
        rows.push(start(setup).await?);
    }
    Ok(rows)
}

async fn start(setup: &Setup) -> Result<Started> {
    let mut hub = Hub::spawn(setup).await?;
    let time = hub.first_answer(&post("inbound", &order()), 202).await?;
    let resident = hub.process()?.memory()?.resident;
    hub.stop().await?;
    Ok(Started {
        seconds: time.as_secs_f64(),
        resident,
    })
}

/// The store of a million runs: as kept, or made by accepting events for a paused agent.
async fn million(plan: &Plan) -> Result<Setup> {
    let mut setup = plan.setup("million", config())?;
    if let Some(kept) = &plan.keep {
        fs::create_dir_all(kept)?;
        setup.folder = kept.canonicalize()?;
    }
    let made = setup.folder.join("made");
    if made.exists() {
        return Ok(setup);
    }
    let hub = Hub::start(&setup).await?;
    hub.pause("agent").await?;
    let load = Load {
        target: hub.address,
        request: post("inbound", &order()),
        status: 202,
        callers: 256,
        until: Until::Sent(MILLION),
        pace: None,
        window: None,
    };
    load::run(&load).await?;
    hub.stop().await?;
    fs::write(made, "")?;
    Ok(setup)
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

fn row(table: &mut Table, name: &str, rows: &[Started]) {
    let millis = || rows.iter().map(|row| row.seconds * 1e3);
    let resident = rows.iter().map(|row| row.resident).max();
    table.row(vec![
        name.to_owned(),
        tenths(median(millis())),
        count(millis().fold(0.0, f64::max)),
        megabytes(resident.unwrap_or_default()),
    ]);
}

fn config() -> String {
    format!(
        "agents:
  - {{ name: agent, runtime: echo }}
connectors:
  - name: inbound
    type: webhook
    mode: inbound
    secret: {SECRET}
    agents: [agent]
"
    )
}
