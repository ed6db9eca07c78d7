//! Fan-out: the runs of one event for ten agents, in the event's own commit, beside those for one.

use anyhow::Result;
use tokio::time::Instant;

use super::cell::{Cell, measure, warm_up};
use super::{Plan, RUNS_MAX};
use crate::hub::{Hub, SECRET, order, post};
use crate::load::{Load, Tally, Until, as_f64};
use crate::report::{Table, count, median, millis, tenths};

const CALLERS: usize = 64;
/// How many agents an event goes to.
const AGENTS: [u32; 2] = [1, 10];

pub(super) async fn run(plan: &Plan) -> Result<Vec<Table>> {
    let columns = [
        "agents",
        "events per second",
        "p50 ms of the 202",
        "p99 ms of the 202",
        "runs per second, to the last",
        "hub CPU µs per event",
        "hub CPU µs per run",
        "written KiB per event",
    ];
    let mut table = Table::new("Fan-out: one event, a run for each agent", &columns);
    table.note(format!(
        "{CALLERS} callers; all agents are `echo`. CPU and bytes are of accepting and running."
    ));
    for agents in AGENTS {
        table.row(one(plan, agents).await?);
    }
    Ok(vec![table])
}

async fn one(plan: &Plan, agents: u32) -> Result<Vec<String>> {
    let setup = plan.setup(&format!("fan-out-{agents}"), config(agents))?;
    let hub = Hub::start(&setup).await?;
    let until = Until::Elapsed(plan.time);
    let load = Load::closed(hub.address, post("inbound", &order()), 202, CALLERS, until);
    let mut runs = u64::from(agents) * warm_up(&load).await?;
    let (mut cells, mut rates) = (Vec::new(), Vec::new());
    let ended = "tieline_runs_ended_total";
    hub.reach(ended, runs, RUNS_MAX).await?;
    for _ in 0..plan.repeat {
        let begin = Instant::now();
        let settled = async |tally: &Tally| {
            runs += u64::from(agents) * tally.answered;
            hub.reach(ended, runs, RUNS_MAX).await
        };
        let cell = measure(hub.process()?, &load, settled).await?;
        let of_these = f64::from(agents) * as_f64(cell.answered);
        rates.push(of_these / begin.elapsed().as_secs_f64());
        cells.push(cell);
    }
    hub.stop().await?;
    let of = |field: fn(&Cell) -> f64| median(cells.iter().map(field));
    let cpu_micros = of(|cell| cell.cpu_micros);
    Ok(vec![
        agents.to_string(),
        count(of(|cell| cell.per_second)),
        millis(of(|cell| cell.p50_seconds)),
        millis(of(|cell| cell.p99_seconds)),
        count(median(rates)),
        tenths(cpu_micros),
        tenths(cpu_micros / f64::from(agents)),
        tenths(of(|cell| cell.written / 1024.0)),
    ])
}

fn config(agents: u32) -> String {
    let names: Vec<_> = (0..agents)
        .map(|number| format!("agent-{number}"))
        .collect();
    let agent = |name: &String| format!("  - {{ name: {name}, runtime: echo, concurrency: 64 }}\n");
    let agents: String = names.iter().map(agent).collect();
    let linked = names.join(", ");
    format!(
        "agents:
{agents}connectors:
  - name: inbound
    type: webhook
    mode: inbound
    secret: {SECRET}
    agents: [{linked}]
"
    )
}
