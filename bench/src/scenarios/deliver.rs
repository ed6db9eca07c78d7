//! The whole way: accepted, run by `echo`, delivered to a receiver. Each has three commits and a
//! signed request.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use super::cell::{Cell, measure, warm_up};
use super::{Plan, RUNS_MAX, config};
use crate::hub::{Hub, order, post};
use crate::load::{Load, Until, as_f64};
use crate::receiver::Receiver;
use crate::report::{Table, count, median, millis, tenths};

const CALLERS: usize = 64;
/// How many events are between their sending and their delivery at the most.
const WINDOW: usize = 1_000;

pub(super) async fn run(plan: &Plan) -> Result<Vec<Table>> {
    let columns = [
        "",
        "delivered per second",
        "p50 ms of the 202",
        "p99 ms of the 202",
        "hub CPU µs",
        "written KiB",
        "generator and receiver CPU µs",
    ];
    let mut table = Table::new("Accept → run → delivered", &columns);
    table.note(format!(
        "{CALLERS} callers, at most {WINDOW} events on their way; counted by distinct `webhook-id`."
    ));
    let window = Arc::new(Semaphore::new(WINDOW));
    let receiver = Receiver::start(Arc::clone(&window)).await?;
    let setup = plan.setup("deliver", config::delivering(receiver.address))?;
    let hub = Hub::start(&setup).await?;
    let until = Until::Elapsed(plan.time);
    let mut load = Load::closed(hub.address, post("inbound", &order()), 202, CALLERS, until);
    load.window = Some(window);
    let mut sent = warm_up(&load).await?;
    receiver.reach(sent, RUNS_MAX).await?;
    let (mut cells, mut rates) = (Vec::new(), Vec::new());
    for _ in 0..plan.repeat {
        let begin = Instant::now();
        let measured = measure(hub.process()?, &load, async |tally| {
            sent += tally.answered;
            receiver.reach(sent, RUNS_MAX).await
        });
        let cell = timeout(plan.time + RUNS_MAX, measured)
            .await
            .context("the deliveries stopped")??;
        rates.push(as_f64(cell.answered) / begin.elapsed().as_secs_f64());
        cells.push(cell);
    }
    table.note(receiver.ledger(sent)?);
    table.row(row(&cells, rates));
    hub.stop().await?;
    Ok(vec![table])
}

fn row(cells: &[Cell], rates: Vec<f64>) -> Vec<String> {
    let of = |field: fn(&Cell) -> f64| median(cells.iter().map(field));
    vec![
        "`echo`".to_owned(),
        count(median(rates)),
        millis(of(|cell| cell.p50_seconds)),
        millis(of(|cell| cell.p99_seconds)),
        tenths(of(|cell| cell.cpu_micros)),
        tenths(of(|cell| cell.written / 1024.0)),
        tenths(of(|cell| cell.own_micros)),
    ]
}
