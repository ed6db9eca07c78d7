//! R12: all agents are down for a while. Intake goes on, nothing is given up, and when they are
//! back the work comes by degrees.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use tokio::time::Instant;

use super::Round;
use super::paced::{self, Pace, Paced, median};
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
/// How long agents are up before each outage, and how long an outage is.
const CONTROL: Duration = Duration::from_secs(6);
const LONG: Duration = Duration::from_mins(10);
const SESSIONS: u64 = 100;
type Starts = Arc<Mutex<Vec<Instant>>>;

async fn run(plan: &Plan, report: &mut Report) -> Result<()> {
    let (starts, mut gate) = (Starts::default(), Gate::shut_at_first().await?);
    let shared = Arc::clone(&starts);
    let per_second = PER_SECOND;
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
    let mut demands = Verdict::new("R12", "intake unaffected, no attempt burned, no stampede");
    let (mut up, mut down) = (Vec::new(), Vec::new());
    let outages = if plan.long { 5 } else { 3 };
    gate.open(stage.agents()).await?;
    for _ in 0..outages {
        let time = CONTROL;
        up.push(paced::send(&stage, Pace { per_second, time }, draft).await?);
        stage.drain(Duration::from_mins(1)).await?;
        gate.shut().await;
        take(&starts);
        let time = if plan.long { LONG } else { CONTROL };
        down.push(paced::send(&stage, Pace { per_second, time }, draft).await?);
        gate.open(stage.agents()).await?;
        let opened = Instant::now();
        stage.drain(time * 2 + Duration::from_mins(2)).await?;
        report.figure("drained after", format!("{:.1?}", opened.elapsed()));
        by_degrees(&take(&starts), (&mut demands, report));
    }
    let sent = down.iter().map(Vec::len).sum::<usize>();
    report.fired("sent while no agent was there", sent as u64);
    intake(up, down, (&mut demands, report));
    for run in shown::runs(&mut stage.client()).await? {
        let is_so = run.status == "completed" && run.attempt == 1 && !run.dead_letter;
        demands.demand(is_so, || {
            let (id, status, code) = (run.id, &run.status, run.code());
            format!(
                "run {id} is {status} (`{code}`) after {} attempts",
                run.attempt
            )
        });
    }
    report.judged(vec![demands]);
    stage.judge(Duration::from_mins(1), report).await
}

fn take(starts: &Starts) -> Vec<Instant> {
    std::mem::take(&mut *starts.lock().unwrap_or_else(PoisonError::into_inner))
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

/// The difference must be less than a tenth, and the spread of the controls among each other: what
/// the machine does by itself is nobody's fault.
fn intake(
    up: Vec<Vec<Paced>>,
    down: Vec<Vec<Paced>>,
    (demands, report): (&mut Verdict, &mut Report),
) {
    let took = |letters: Vec<Paced>| letters.into_iter().map(|one| one.took).collect::<Vec<_>>();
    let medians = |phases: Vec<Vec<Paced>>| {
        let phases = phases.into_iter().map(|letters| median(&mut took(letters)));
        phases.collect::<Vec<_>>()
    };
    let (mut up, mut down) = (medians(up), medians(down));
    let (with, without) = (median(&mut up), median(&mut down));
    let spread = paced::spread(&mut up);
    report.figure("median acknowledgement with agents", format!("{with:.1?}"));
    report.figure("median acknowledgement without", format!("{without:.1?}"));
    report.figure("spread with agents", format!("{spread:.1?}"));
    demands.demand(without <= with + with / 10 + spread, || {
        format!("{without:?} without agents, {with:?} with them, spread {spread:?}")
    });
}

/// After the outage there are never more at once than the agent has places, and no more than one
/// beyond those that it has finished: places double as work succeeds, from one on.
fn by_degrees(starts: &[Instant], (demands, report): (&mut Verdict, &mut Report)) {
    let mut most = 0;
    for (number, start) in starts.iter().enumerate() {
        let before = starts.get(..number).unwrap_or_default();
        let open = before
            .iter()
            .rev()
            .take_while(|other| **other + WORK > *start);
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
