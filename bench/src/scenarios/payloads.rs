//! Payloads of three sizes: what a byte costs beside what an event costs.

use anyhow::Result;

use super::cell::{Bare, Beside, beyond, measure};
use super::{Plan, config};
use crate::hub::{Hub, order_of, post};
use crate::load::{Load, Until, as_f64};
use crate::report::{Table, count, hundredths, median, millis, tenths};

const CALLERS: usize = 64;
const SIZES: [(&str, usize); 3] = [("1 KiB", 1 << 10), ("64 KiB", 64 << 10), ("1 MiB", 1 << 20)];

pub(super) async fn run(plan: &Plan) -> Result<Vec<Table>> {
    let columns = [
        "body",
        "events per second",
        "MB per second",
        "p50 ms",
        "p99 ms",
        "hub CPU µs",
        "control CPU µs, same rate",
        "**beyond control**",
        "bytes written per byte",
        "control alone, MB per second",
    ];
    let mut table = Table::new(
        "Payloads: events accepted, fsynced before the answer",
        &columns,
    );
    table.note(format!("{CALLERS} callers; the agent is paused."));
    for (name, size) in SIZES {
        let setup = plan.setup(&format!("payloads-{size}"), config::inbound())?;
        let hub = Hub::start(&setup).await?;
        hub.pause("agent").await?;
        let request = post("inbound", &order_of(size));
        let until = Until::Elapsed(plan.time);
        let load = Load::closed(hub.address, request, 202, CALLERS, until);
        let (control, _) = Bare::start(&plan.bench, &load).await?;
        let mut cells = Vec::new();
        for _ in 0..plan.repeat {
            let cell = measure(hub.process()?, &load, async |_| Ok(())).await?;
            cells.push(control.beside(cell, &load).await?);
        }
        hub.stop().await?;
        table.row(row(name, as_f64(size as u64), &cells));
    }
    Ok(vec![table])
}

fn row(name: &str, size: f64, cells: &[Beside]) -> Vec<String> {
    let of = |field: fn(&Beside) -> f64| median(cells.iter().map(field));
    let per_second = of(|cell| cell.hub.per_second);
    vec![
        name.to_owned(),
        count(per_second),
        tenths(per_second * size / 1e6),
        millis(of(|cell| cell.hub.p50_seconds)),
        millis(of(|cell| cell.hub.p99_seconds)),
        tenths(of(|cell| cell.hub.cpu_micros)),
        tenths(of(|cell| cell.paced.cpu_micros)),
        format!("**{}**", tenths(beyond(cells))),
        hundredths(of(|cell| cell.hub.written) / size),
        tenths(of(|cell| cell.free.per_second) * size / 1e6),
    ]
}
