//! R12: all agents are down for a while. Intake goes on, nothing is given up, and when they are
//! back the work comes by degrees.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use tokio::time::Instant;

use super::Round;
use super::paced::{self, Pace, Paced, median, permille};
use crate::conduct::{Conduct, Reply};
use crate::courier::{Content, Letter};
use crate::gate::Gate;
use crate::report::Report;
use crate::shown;
use crate::stage::{Plan, Setting, Stage, standard_config};
use crate::verdict::Verdict;

pub(super) const ROUND: Round = Round {
    id: "R12",
    about: "all agents are down for a while",
    run: |plan, report| Box::pin(run(plan, report)),
};

const CONCURRENCY: usize = 16;
const WORK: Duration = Duration::from_millis(20);
const PER_SECOND: f64 = 100.0;
const SESSIONS: u64 = 100;
/// What the acknowledgements may take more than in the control, beside a tenth: the machine's own.
const NOISE: Duration = Duration::from_millis(5);

type Starts = Arc<Mutex<Vec<Instant>>>;

async fn run(plan: &Plan, report: &mut Report) -> Result<()> {
    let (starts, mut gate) = (Starts::default(), Gate::shut_at_first().await?);
    let shared = Arc::clone(&starts);
    let limits = format!("name: alpha, concurrency: {CONCURRENCY},");
    let setting = Setting {
        agents: Conduct::new(move |_| {
            let mut starts = shared.lock().unwrap_or_else(PoisonError::into_inner);
            starts.push(Instant::now());
            Reply::well_after(WORK)
        }),
        config: standard_config()
            .replace("@agents@", &gate.address.to_string())
            .replace("name: alpha,", &limits),
        ..Setting::default()
    };
    let stage = Stage::open(plan, "outage", setting).await?;
    gate.open(stage.agents()).await?;
    let time = Duration::from_secs(5);
    let per_second = PER_SECOND;
    let up = paced::send(&stage, Pace { per_second, time }, draft).await?;
    stage.drain(Duration::from_mins(1)).await?;
    gate.shut().await;
    starts.lock().unwrap_or_else(PoisonError::into_inner).clear();
    let time = Duration::from_secs(if plan.long { 600 } else { 15 });
    let down = paced::send(&stage, Pace { per_second, time }, draft).await?;
    report.fired("sent while no agent was there", down.len() as u64);
    gate.open(stage.agents()).await?;
    let opened = Instant::now();
    stage.drain(time * 2 + Duration::from_mins(2)).await?;
    report.figure("drained after", format!("{:.1?}", opened.elapsed()));
    let starts = std::mem::take(&mut *starts.lock().unwrap_or_else(PoisonError::into_inner));
    let mut demands = Verdict::new("R12", "intake unaffected, no attempt burned, no stampede");
    intake(up, down, (&mut demands, report));
    for run in shown::runs(&mut stage.client()).await? {
        let is_so = run.status == "completed" && run.attempt == 1 && !run.dead_letter;
        demands.demand(is_so, || {
            let (id, status, code) = (run.run_id, &run.status, run.code());
            format!("run {id} is {status} (`{code}`) after {} attempts", run.attempt)
        });
    }
    by_degrees(&starts, (&mut demands, report));
    report.judged(vec![demands]);
    stage.judge(Duration::from_mins(1), report).await
}

fn draft(number: u64, key: u64) -> Letter {
    Letter::new(&Content {
        to: "orders",
        key,
        session: &format!("s{}", number % SESSIONS),
        agents: &["alpha"],
        text: "work",
        file: None,
    })
}

fn intake(up: Vec<Paced>, down: Vec<Paced>, (demands, report): (&mut Verdict, &mut Report)) {
    let took = |letters: Vec<Paced>| letters.into_iter().map(|one| one.took).collect::<Vec<_>>();
    let (mut up, mut down) = (took(up), took(down));
    let [with, without] = [&mut up, &mut down].map(|took| (median(took), permille(took, 990)));
    report.figure("acknowledged with agents (median, p99)", format!("{with:.1?}"));
    report.figure("acknowledged without (median, p99)", format!("{without:.1?}"));
    demands.demand(without.0 <= with.0 + with.0 / 10 + NOISE, || {
        format!("a median of {:?} with agents, {:?} without", with.0, without.0)
    });
}

/// After the outage there are never more at once than the agent has places, and no more than one
/// beyond those that it has finished: places double as work succeeds, from one on.
fn by_degrees(starts: &[Instant], (demands, report): (&mut Verdict, &mut Report)) {
    let mut most = 0;
    for (number, start) in starts.iter().enumerate() {
        let before = starts.get(..number).unwrap_or_default();
        let open = before.iter().rev().take_while(|other| **other + WORK > *start);
        let (open, finished) = (open.count() + 1, number);
        let finished = finished + 1 - open;
        most = most.max(open);
        demands.demand(open <= CONCURRENCY, || {
            format!("{open} at once, and the agent has {CONCURRENCY} places")
        });
        demands.demand(open <= finished + 1, || {
            format!("{open} at once when {finished} were finished")
        });
    }
    report.figure("most at once after the outage", most);
}
