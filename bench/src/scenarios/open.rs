//! The open loop: requests are due at fixed rates, and what they take is counted from then.
//!
//! The rates are parts of what the closed loop reaches on the same hub right before.

use anyhow::Result;

use super::cell::{Bare, Cell, measure};
use super::{Plan, RUNS_MAX, config};
use crate::hub::{Hub, order, post};
use crate::load::{Flow, Load, Pace, Tally, Until};
use crate::report::{Table, count, median, millis, tenths};

/// Of the closed loop.
const CALLERS: usize = 256;
/// Of the open loop: so many can be under way at once before one has to wait for a free connection.
const CONNECTIONS: usize = 1_000;
/// Parts of the closed loop's rate, in percent.
const PARTS: [u8; 4] = [25, 50, 75, 90];

/// What is asked.
struct Question {
    name: &'static str,
    connector: &'static str,
    status: u16,
    config: String,
}

/// A rate and what came of it: of the hub, and of the control.
struct Rate {
    name: String,
    per_second: f64,
    cells: Vec<(Cell, Cell)>,
}

pub(super) async fn run(plan: &Plan) -> Result<Vec<Table>> {
    let columns = [
        "",
        "of the closed loop",
        "due per second",
        "answered per second",
        "p50 ms",
        "p99 ms",
        "p99.9 ms",
        "hub CPU µs",
        "control p50 ms",
        "control p99 ms",
        "control p99.9 ms",
        "control CPU µs",
    ];
    let mut table = Table::new("Open loop: latency from when a request was due", &columns);
    table.note(format!(
        "{CONNECTIONS} connections; the closed loop had {CALLERS}. The hub's CPU includes the run."
    ));
    let questions = [
        Question {
            name: "accept, with `echo` running",
            connector: "inbound",
            status: 202,
            config: config::inbound(),
        },
        Question {
            name: "sync, through `echo`",
            connector: "sync",
            status: 200,
            config: config::sync(),
        },
    ];
    for question in questions {
        for rate in ask(plan, &question).await? {
            table.row(row(question.name, &rate));
        }
    }
    Ok(vec![table])
}

async fn ask(plan: &Plan, question: &Question) -> Result<Vec<Rate>> {
    let name = format!("open-{}", question.connector);
    let setup = plan.setup(&name, question.config.clone())?;
    let hub = Hub::start(&setup).await?;
    let request = post(question.connector, &order());
    let until = Until::Elapsed(plan.time);
    let closed = Load::closed(hub.address, request, question.status, CALLERS, until);
    let (control, mut sent) = Bare::start(&plan.bench, &closed).await?;
    let process = hub.process()?;
    let mut on_hub = async |load: &Load| {
        // All runs end within the measurement that they belong to.
        let settled = async |tally: &Tally| {
            sent += tally.answered;
            hub.reach("tieline_runs_ended_total", sent, RUNS_MAX).await
        };
        measure(process, load, settled).await
    };
    let reached = on_hub(&closed).await?.per_second;
    let mut rates = rates(plan, reached);
    for _ in 0..plan.repeat {
        for rate in &mut rates {
            let load = Load {
                callers: CONNECTIONS,
                pace: Some(Pace {
                    per_second: rate.per_second,
                    flow: Flow::Even,
                }),
                ..closed.clone()
            };
            let cell = on_hub(&load).await?;
            rate.cells.push((cell, control.alone(&load).await?));
        }
    }
    hub.stop().await?;
    Ok(rates)
}

/// Those that were asked for, or parts of what the closed loop reached.
fn rates(plan: &Plan, reached: f64) -> Vec<Rate> {
    let rate = |per_second: f64| Rate {
        name: format!("{:.0} %", per_second / reached * 100.0),
        per_second,
        cells: Vec::new(),
    };
    if plan.rates.is_empty() {
        let part = |percent: &u8| rate(reached * f64::from(*percent) / 100.0);
        PARTS.iter().map(part).collect()
    } else {
        plan.rates.iter().copied().map(rate).collect()
    }
}

fn row(name: &str, rate: &Rate) -> Vec<String> {
    let hub = |field: fn(&Cell) -> f64| median(rate.cells.iter().map(|(hub, _)| field(hub)));
    let control = |field: fn(&Cell) -> f64| median(rate.cells.iter().map(|(_, bare)| field(bare)));
    vec![
        name.to_owned(),
        rate.name.clone(),
        count(rate.per_second),
        count(hub(|cell| cell.per_second)),
        millis(hub(|cell| cell.p50_seconds)),
        millis(hub(|cell| cell.p99_seconds)),
        millis(hub(|cell| cell.p999_seconds)),
        tenths(hub(|cell| cell.cpu_micros)),
        millis(control(|cell| cell.p50_seconds)),
        millis(control(|cell| cell.p99_seconds)),
        millis(control(|cell| cell.p999_seconds)),
        tenths(control(|cell| cell.cpu_micros)),
    ]
}
