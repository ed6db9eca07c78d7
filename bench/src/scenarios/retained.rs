//! What a million retained runs change: accepting and running on a store that has them, beside an
//! empty one. Both take turns, each time on a hub that was just started.

use anyhow::Result;

use super::cell::{Cell, measure, warm_up};
use super::drain::{self, Drained};
use super::{Plan, RUNS_MAX, config, million};
use crate::hub::{Hub, Setup, order, post};
use crate::load::{Load, Until};
use crate::report::{Table, count, hundredths, median, millis, tenths};

const CALLERS: usize = 64;
/// Fewest repetitions: what is looked for is smaller than what two of them differ by.
const ROUNDS: usize = 5;

/// Accepting for a paused agent, and then running what was accepted.
#[derive(Clone, Copy, Debug)]
struct Round {
    accept: Cell,
    drain: Drained,
}

pub(super) async fn run(plan: &Plan) -> Result<Vec<Table>> {
    let columns = [
        "store",
        "events per second",
        "p50 ms of the 202",
        "p99 ms of the 202",
        "hub CPU µs per event",
        "written KiB per event",
        "runs per second",
        "hub CPU µs per run",
    ];
    let mut table = Table::new("With a million runs retained", &columns);
    let with_million = million::ended(plan).await?;
    let name = format!(
        "a million ended runs, {} MB",
        million::megabytes(&with_million)?
    );
    let (mut empty, mut full) = (Vec::new(), Vec::new());
    let rounds = plan.repeat.max(ROUNDS);
    for number in 0..rounds {
        let fresh = plan.setup(&format!("empty-{number}"), config::inbound())?;
        empty.push(round(plan, &fresh).await?);
        full.push(round(plan, &with_million).await?);
    }
    table.row(row("empty", &empty));
    table.row(row(&name, &full));
    let ratio = |field: fn(&Round) -> f64| {
        let of = |rounds: &[Round]| median(rounds.iter().map(field));
        hundredths(of(&full) / of(&empty))
    };
    table.note(format!(
        "{CALLERS} callers; medians of {rounds}. CPU with a million runs, as a multiple of that with \
         none: {} to accept, {} to run.",
        ratio(|round| round.accept.cpu_micros),
        ratio(|round| round.drain.cpu_micros)
    ));
    Ok(vec![table])
}

async fn round(plan: &Plan, setup: &Setup) -> Result<Round> {
    let hub = Hub::start(setup).await?;
    hub.pause("agent").await?;
    let until = Until::Elapsed(plan.time);
    let load = Load::closed(hub.address, post("inbound", &order()), 202, CALLERS, until);
    let mut runs = warm_up(&load).await?;
    let accept = measure(hub.process()?, &load, async |_| Ok(())).await?;
    runs += accept.answered;
    let ended = async || hub.reach("tieline_runs_ended_total", runs, RUNS_MAX).await;
    let drain = drain::drain(&hub, runs, ended).await?;
    hub.stop().await?;
    Ok(Round { accept, drain })
}

fn row(name: &str, rounds: &[Round]) -> Vec<String> {
    let of = |field: fn(&Round) -> f64| median(rounds.iter().map(field));
    vec![
        name.to_owned(),
        count(of(|round| round.accept.per_second)),
        millis(of(|round| round.accept.p50_seconds)),
        millis(of(|round| round.accept.p99_seconds)),
        tenths(of(|round| round.accept.cpu_micros)),
        tenths(of(|round| round.accept.written / 1024.0)),
        count(of(|round| round.drain.per_second)),
        tenths(of(|round| round.drain.cpu_micros)),
    ]
}
