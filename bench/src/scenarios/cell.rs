//! One measurement: a load on a server, and what it cost that server's process.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;

use crate::control::{Answer, Control};
use crate::load::{self, Load, Tally, Until, as_f64};
use crate::process::Process;
use crate::report::{count, median, micros_each, millis, tenths};

/// What one measurement gave.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    pub(super) per_second: f64,
    pub(super) p50_seconds: f64,
    pub(super) p99_seconds: f64,
    /// CPU of the measured process for each answer.
    pub(super) cpu_micros: f64,
    /// CPU of the bench for each answer.
    pub(super) own_micros: f64,
    /// Bytes written to the disk for each answer.
    pub(super) written: f64,
    pub(super) answered: u64,
}

/// Measures a load, and what it cost until `settled` is over: work may outlast its answer.
pub(super) async fn measure<F>(process: Process, load: &Load, settled: F) -> Result<Cell>
where
    F: AsyncFnOnce(&Tally) -> Result<()>,
{
    let before = process.spent()?;
    let tally = load::run(load).await?;
    settled(&tally).await?;
    let after = process.spent()?;
    let answered = tally.answered;
    Ok(Cell {
        per_second: tally.per_second(),
        p50_seconds: tally.latencies.percentile(50).as_secs_f64(),
        p99_seconds: tally.latencies.percentile(99).as_secs_f64(),
        cpu_micros: micros_each(after.cpu_since(&before), answered),
        own_micros: micros_each(tally.own_cpu, answered),
        written: as_f64(after.written - before.written) / as_f64(answered.max(1)),
        answered,
    })
}

/// A measurement of the hub with those of the control that belong to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beside {
    pub(super) hub: Cell,
    /// The control at the hub's rate.
    paced: Cell,
    /// The control as fast as it answers.
    free: Cell,
}

/// The control that stands beside the hub.
#[derive(Debug)]
pub(super) struct Bare {
    control: Control,
}

impl Bare {
    pub(super) async fn start(bench: &std::path::Path, answer: Answer) -> Result<Self> {
        let control = Control::start(bench, answer).await?;
        Ok(Self { control })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.control.address
    }

    /// Measures the control right after the hub, with the same load.
    pub(super) async fn beside(&self, hub: Cell, load: &Load) -> Result<Beside> {
        let process = self.control.process()?;
        let mut load = Load {
            target: self.address(),
            ..load.clone()
        };
        let free = measure(process, &load, async |_| Ok(())).await?;
        load.pace = Some(hub.per_second);
        let paced = measure(process, &load, async |_| Ok(())).await?;
        Ok(Beside { hub, paced, free })
    }
}

/// What stands over [`row`], after the columns of the scenario's own.
pub(super) const COLUMNS: [&str; 10] = [
    "per second",
    "p50 ms",
    "p99 ms",
    "hub CPU µs",
    "control CPU µs, same rate",
    "**beyond control**",
    "written KiB",
    "generator CPU µs",
    "control alone, per second",
    "control p99 ms",
];

/// The medians of the repetitions; "beyond control" is the median of the differences.
pub(super) fn row(cells: &[Beside]) -> Vec<String> {
    let of = |field: fn(&Beside) -> f64| median(cells.iter().map(field));
    vec![
        count(of(|cell| cell.hub.per_second)),
        millis(of(|cell| cell.hub.p50_seconds)),
        millis(of(|cell| cell.hub.p99_seconds)),
        tenths(of(|cell| cell.hub.cpu_micros)),
        tenths(of(|cell| cell.paced.cpu_micros)),
        format!("**{}**", tenths(beyond(cells))),
        tenths(of(|cell| cell.hub.written / 1024.0)),
        tenths(of(|cell| cell.hub.own_micros)),
        count(of(|cell| cell.free.per_second)),
        millis(of(|cell| cell.free.p99_seconds)),
    ]
}

/// What the hub spends beyond the control, for each answer.
pub(super) fn beyond(cells: &[Beside]) -> f64 {
    median(
        cells
            .iter()
            .map(|cell| cell.hub.cpu_micros - cell.paced.cpu_micros),
    )
}

/// Before the first measurement: connections, caches and threads are there, nothing is recorded.
pub(super) async fn warm_up(load: &Load) -> Result<u64> {
    let load = Load {
        until: Until::Elapsed(Duration::from_millis(300)),
        ..load.clone()
    };
    Ok(load::run(&load).await?.answered)
}
