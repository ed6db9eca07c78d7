//! Round trips: accepted, run by `echo`, settled, and only then answered. Each has two commits.

use anyhow::Result;

use super::cell::{Bare, COLUMNS, measure, row, warm_up};
use super::{CALLERS, Plan};
use crate::control::Answer;
use crate::hub::{Hub, SECRET, order, post};
use crate::load::{Load, Until, call, expect};
use crate::report::Table;

pub(super) async fn run(plan: &Plan) -> Result<Vec<Table>> {
    let columns: Vec<_> = ["callers"].into_iter().chain(COLUMNS).collect();
    let mut table = Table::new("Sync: round trips through `echo`", &columns);
    for callers in CALLERS {
        let setup = plan.setup(&format!("sync-{callers}"), config())?;
        let hub = Hub::start(&setup).await?;
        let load = Load {
            target: hub.address,
            request: post("sync", &order()),
            status: 200,
            callers,
            until: Until::Elapsed(plan.time),
            pace: None,
            window: None,
        };
        let sample = call(hub.address, &load.request).await?;
        expect(&sample, 200)?;
        let length = sample.body.len();
        let control = Bare::start(
            &plan.bench,
            Answer {
                status: 200,
                length,
            },
        )
        .await?;
        warm_up(&load).await?;
        warm_up(&Load {
            target: control.address(),
            ..load.clone()
        })
        .await?;
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

fn config() -> String {
    format!(
        "agents:
  - {{ name: agent, runtime: echo, concurrency: 256 }}
connectors:
  - name: sync
    type: webhook
    mode: sync
    secret: {SECRET}
    agents: [agent]
"
    )
}
