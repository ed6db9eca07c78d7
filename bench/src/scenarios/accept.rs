//! Events accepted: each answered once its commit is on the disk.

use anyhow::Result;
use tokio::time::Instant;

use super::cell::{Bare, Beside, COLUMNS, Cell, beyond, measure, row};
use super::{CALLERS, Plan, RUNS_MAX, config};
use crate::hub::{Hub, order, post};
use crate::load::{Load, Tally, Until, as_f64};
use crate::report::{Table, count, median, tenths};

/// Whether the linked agent works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Agent {
    Paused,
    Running,
}

impl Agent {
    fn as_str(self) -> &'static str {
        match self {
            Self::Paused => "paused",
            Self::Running => "running `echo`",
        }
    }
}

pub(super) async fn run(plan: &Plan) -> Result<Vec<Table>> {
    let columns = ["agent", "callers"].into_iter().chain(COLUMNS);
    let columns: Vec<_> = columns.collect();
    let mut accepted = Table::new(
        "Inbound: events accepted, fsynced before the answer",
        &columns,
    );
    accepted.note(
        "With the agent running, the hub's CPU and what it wrote include the run of each event.",
    );
    let columns = ["callers", "runs per second, to the last", "CPU µs per run"];
    let mut runs = Table::new("Runs of those events, with `echo`", &columns);
    runs.note(
        "CPU per run: what an event costs with the agent running, less what it costs paused.",
    );
    for callers in CALLERS {
        let mut beyond_paused = 0.0;
        for agent in [Agent::Paused, Agent::Running] {
            let (cells, runs_per_second) = one(plan, agent, callers).await?;
            let mut cells_of_row = vec![agent.as_str().to_owned(), callers.to_string()];
            cells_of_row.extend(row(&cells));
            accepted.row(cells_of_row);
            let beyond = beyond(&cells);
            if agent == Agent::Paused {
                beyond_paused = beyond;
            } else {
                let per_second = count(median(runs_per_second));
                runs.row(vec![
                    callers.to_string(),
                    per_second,
                    tenths(beyond - beyond_paused),
                ]);
            }
        }
    }
    Ok(vec![accepted, runs])
}

/// All repetitions of one row, on one hub; and how many runs ended per second.
async fn one(plan: &Plan, agent: Agent, callers: usize) -> Result<(Vec<Beside>, Vec<f64>)> {
    let setup = plan.setup(&format!("accept-{agent:?}-{callers}"), config::inbound())?;
    let hub = Hub::start(&setup).await?;
    if agent == Agent::Paused {
        hub.pause("agent").await?;
    }
    let until = Until::Elapsed(plan.time);
    let load = Load::closed(hub.address, post("inbound", &order()), 202, callers, until);
    let (control, mut accepted) = Bare::start(&plan.bench, &load).await?;
    let (mut cells, mut runs_per_second) = (Vec::new(), Vec::new());
    for _ in 0..plan.repeat {
        if agent == Agent::Running {
            hub.reach("tieline_runs_ended_total", accepted, RUNS_MAX)
                .await?;
        }
        let begin = Instant::now();
        let cell = measure(hub.process()?, &load, async |tally: &Tally| {
            accepted += tally.answered;
            if agent == Agent::Running {
                hub.reach("tieline_runs_ended_total", accepted, RUNS_MAX)
                    .await?;
            }
            Ok(())
        })
        .await?;
        runs_per_second.push(per_second(cell, begin));
        cells.push(control.beside(cell, &load).await?);
    }
    hub.stop().await?;
    Ok((cells, runs_per_second))
}

fn per_second(cell: Cell, begin: Instant) -> f64 {
    as_f64(cell.answered) / begin.elapsed().as_secs_f64()
}
