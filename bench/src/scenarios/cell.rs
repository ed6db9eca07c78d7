//! One measurement: a load on a server, and what it cost that server's process.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::control::{Answer, Control};
use crate::load::{self, Flow, Load, Pace, Tally, Until, as_f64, call, expect};
use crate::process::Process;
use crate::report::{count, median, micros_each, millis, tenths};

/// What one measurement gave.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    pub(super) per_second: f64,
    pub(super) p50_seconds: f64,
    pub(super) p99_seconds: f64,
    pub(super) p999_seconds: f64,
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
        p50_seconds: tally.latencies.quantile(500).as_secs_f64(),
        p99_seconds: tally.latencies.quantile(990).as_secs_f64(),
        p999_seconds: tally.latencies.quantile(999).as_secs_f64(),
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
    pub(super) paced: Cell,
    /// The control as fast as it answers.
    pub(super) free: Cell,
}

/// The control that stands beside the hub.
#[derive(Debug)]
pub(super) struct Bare {
    control: Control,
}

impl Bare {
    /// Starts a control that answers as the hub answers this load, and warms both up. The number is
    /// of the requests that the hub has answered by then.
    pub(super) async fn start(bench: &Path, load: &Load) -> Result<(Self, u64)> {
        let sample = call(load.target, &load.request).await?;
        expect(&sample, load.status)?;
        let answer = Answer {
            status: load.status,
            length: sample.body.len(),
        };
        let control = Self {
            control: Control::start(bench, answer).await?,
        };
        let answered = 1 + warm_up(load).await?;
        warm_up(&control.instead(load)).await?;
        Ok((control, answered))
    }

    /// Measures the control right after the hub, with the same load.
    pub(super) async fn beside(&self, hub: Cell, load: &Load) -> Result<Beside> {
        let free = self.alone(load).await?;
        let at_the_rate = Load {
            pace: Some(Pace {
                per_second: hub.per_second,
                flow: Flow::Bursts,
            }),
            ..load.clone()
        };
        let paced = self.alone(&at_the_rate).await?;
        Ok(Beside { hub, paced, free })
    }

    /// Puts a load on the control that was meant for the hub.
    pub(super) async fn alone(&self, load: &Load) -> Result<Cell> {
        let process = self.control.process()?;
        measure(process, &self.instead(load), async |_| Ok(())).await
    }

    fn instead(&self, load: &Load) -> Load {
        Load {
            target: self.control.address,
            ..load.clone()
        }
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
