//! A backlog of 100 000 runs: accepted for a paused agent, then let go until the last has ended.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::{Plan, config};
use crate::hub::{Hub, order, post};
use crate::load::{self, Load, Until, as_f64};
use crate::process::own_cpu;
use crate::receiver::Receiver;
use crate::report::{Table, count, micros_each, tenths};

const BACKLOG: u64 = 100_000;
/// How long it may take.
const DRAIN_MAX: Duration = Duration::from_mins(10);

/// What it took to work off a backlog.
#[derive(Clone, Copy, Debug)]
pub(super) struct Drained {
    pub(super) per_second: f64,
    /// From letting the agent work to the last end.
    seconds: f64,
    /// CPU of the hub for each run.
    pub(super) cpu_micros: f64,
    /// Bytes written to the disk for each run.
    written: f64,
    /// CPU of the bench for each run.
    own_micros: f64,
}

pub(super) async fn run(plan: &Plan) -> Result<Vec<Table>> {
    let columns = [
        "",
        "per second",
        "seconds to the last",
        "hub CPU µs",
        "written KiB",
        "bench and receiver CPU µs",
    ];
    let title = format!("A backlog of {} runs, worked off", count(as_f64(BACKLOG)));
    let mut table = Table::new(title, &columns);
    table.note("Each once: what is counted for one run is a mean over all of them.");

    let hub = filled(plan, "drain", config::inbound()).await?;
    let ended = async || {
        hub.reach("tieline_runs_ended_total", BACKLOG, DRAIN_MAX)
            .await
    };
    let drained = drain(&hub, BACKLOG, ended).await?;
    table.row(row("runs of `echo`", drained));
    hub.stop().await?;

    let window = Arc::new(Semaphore::new(0));
    let receiver = Receiver::start(window).await?;
    let config = config::delivering(receiver.address);
    let hub = filled(plan, "drain-delivering", config).await?;
    let arrived = async || receiver.reach(BACKLOG, DRAIN_MAX).await;
    let drained = drain(&hub, BACKLOG, arrived).await?;
    table.row(row("runs of `echo`, each delivered", drained));
    table.note(receiver.ledger(BACKLOG)?);
    hub.stop().await?;
    Ok(vec![table])
}

/// A hub with a backlog and a paused agent.
async fn filled(plan: &Plan, name: &str, config: String) -> Result<Hub> {
    let hub = Hub::start(&plan.setup(name, config)?).await?;
    hub.pause("agent").await?;
    let request = post("inbound", &order());
    let load = Load::closed(hub.address, request, 202, 64, Until::Sent(BACKLOG));
    load::run(&load).await?;
    Ok(hub)
}

/// Lets the agent work until `ended` says that all `runs` have ended.
pub(super) async fn drain<F>(hub: &Hub, runs: u64, ended: F) -> Result<Drained>
where
    F: AsyncFnOnce() -> Result<()>,
{
    let process = hub.process()?;
    let (before, own_before) = (process.spent()?, own_cpu());
    let begin = Instant::now();
    hub.resume("agent").await?;
    ended().await?;
    let seconds = begin.elapsed().as_secs_f64();
    let own = own_cpu().saturating_sub(own_before);
    let after = process.spent()?;
    Ok(Drained {
        per_second: as_f64(runs) / seconds,
        seconds,
        cpu_micros: micros_each(after.cpu_since(&before), runs),
        written: as_f64(after.written - before.written) / as_f64(runs.max(1)),
        own_micros: micros_each(own, runs),
    })
}

fn row(name: &str, drained: Drained) -> Vec<String> {
    vec![
        name.to_owned(),
        count(drained.per_second),
        tenths(drained.seconds),
        tenths(drained.cpu_micros),
        tenths(drained.written / 1024.0),
        tenths(drained.own_micros),
    ]
}
