//! From starting the program to the first event accepted, each by polling every millisecond.

use anyhow::Result;

use super::{Plan, config, million};
use crate::hub::{Hub, Setup, order, post};
use crate::report::{Table, count, median, megabytes, tenths};

/// Starts are short and scatter: more of them than of other measurements.
const STARTS: usize = 11;

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
        let setup = plan.setup(&format!("start-{number}"), config::inbound())?;
        rows.push(start(&setup).await?);
    }
    row(&mut table, "none: its files are made", &rows);
    let setup = plan.setup("start-0", config::inbound())?;
    row(&mut table, "empty", &again(&setup).await?);
    if plan.million {
        let setup = million::queued(plan).await?;
        let name = format!("a million queued runs, {} MB", million::megabytes(&setup)?);
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
