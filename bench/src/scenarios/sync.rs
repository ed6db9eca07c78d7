//! Round trips: accepted, run by `echo`, settled, and only then answered. Each has two commits.

use anyhow::Result;

use super::cell::{Bare, COLUMNS, measure, row};
use super::{Plan, config};
use crate::hub::{Hub, order, post};
use crate::load::{Load, Until};
use crate::report::Table;

/// As many as the other closed loops have, and what lies between.
const CALLERS: [usize; 4] = [1, 64, 128, 256];

pub(super) async fn run(plan: &Plan) -> Result<Vec<Table>> {
    let columns: Vec<_> = ["callers"].into_iter().chain(COLUMNS).collect();
    let mut table = Table::new("Sync: round trips through `echo`", &columns);
    for callers in CALLERS {
        let setup = plan.setup(&format!("sync-{callers}"), config::sync())?;
        let hub = Hub::start(&setup).await?;
        let until = Until::Elapsed(plan.time);
        let load = Load::closed(hub.address, post("sync", &order()), 200, callers, until);
        let (control, _) = Bare::start(&plan.bench, &load).await?;
        let mut cells = Vec::new();
        for _ in 0..plan.repeat {
            let cell = measure(hub.process()?, &load, async |_| Ok(())).await?;
            cells.push(control.beside(cell, &load).await?);
        }
        hub.stop().await?;
        let mut cells_of_row = vec![callers.to_string()];
        cells_of_row.extend(row(&cells));
        table.row(cells_of_row);
    }
    Ok(vec![table])
}
