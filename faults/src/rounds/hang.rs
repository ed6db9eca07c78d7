//! R11: one agent in a hundred hangs, and the others wait no longer for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use tokio::time::Instant;
use uuid::Uuid;

use super::Round;
use super::paced::{self, Pace, median};
use crate::conduct::{Conduct, Reply};
use crate::courier::{Content, Letter};
use crate::hub::SECRET;
use crate::report::Report;
use crate::shown;
use crate::stage::{Plan, Setting, Stage};
use crate::verdict::Verdict;

pub(super) const ROUND: Round = Round {
    id: "R11",
    about: "one agent in a hundred hangs",
    run: |plan, report| Box::pin(run(plan, report)),
};

const AGENTS: u64 = 100;
const HANGER: &str = "a0";
const WORK: Duration = Duration::from_millis(5);
/// A time without and a time with the hanger follow each other, so that what else the machine does
/// meets both alike.
const PHASE: Pace = Pace {
    per_second: 200.0,
    time: Duration::from_secs(3),
};

async fn run(plan: &Plan, report: &mut Report) -> Result<()> {
    let hangs = Arc::new(Mutex::new(None::<Instant>));
    let shared = Arc::clone(&hangs);
    let setting = Setting {
        agents: Conduct::new(move |call| {
            let until = *shared.lock().unwrap_or_else(PoisonError::into_inner);
            match until.filter(|_| call.name == HANGER) {
                Some(until) => Reply::well_after(until.saturating_duration_since(Instant::now())),
                None => Reply::well_after(WORK),
            }
        }),
        config: config(),
        ..Setting::default()
    };
    let stage = Stage::open(plan, "hang", setting).await?;
    let pairs = if plan.long { 30 } else { 5 };
    let (mut of_phase, mut hung) = (HashMap::new(), 0);
    for phase in 0..2 * pairs {
        let is_hanging = phase % 2 == 1;
        // The hub is quiet again before the hanger lets go, and so before the next phase.
        let until = is_hanging.then(|| Instant::now() + PHASE.time + Duration::from_secs(1));
        *hangs.lock().unwrap_or_else(PoisonError::into_inner) = until;
        for letter in paced::send(&stage, PHASE, draft).await? {
            let is_of_hanger = letter.number % AGENTS == 0;
            hung += u64::from(is_hanging && is_of_hanger);
            if !is_of_hanger {
                let runs = letter.sending.runs.into_iter();
                of_phase.extend(runs.map(|run| (run, phase)));
            }
        }
        stage.drain(Duration::from_mins(1)).await?;
    }
    report.fired("hung", hung);
    let waits = waits(&stage, &of_phase, 2 * pairs).await?;
    demand(waits, report);
    stage.judge(Duration::from_mins(1), report).await
}

/// How long the runs of each phase waited, by the hub's own stamps.
async fn waits(
    stage: &Stage,
    of_phase: &HashMap<Uuid, usize>,
    phases: usize,
) -> Result<Vec<Vec<Duration>>> {
    let mut waits = vec![Vec::new(); phases];
    for run in shown::runs(&mut stage.client()).await? {
        let phase = of_phase.get(&run.id);
        if let Some(phase) = phase.and_then(|phase| waits.get_mut(*phase)) {
            phase.extend(run.wait());
        }
    }
    Ok(waits)
}

/// The hub's stamps are milliseconds: a mean shows less than one. The difference must be less than a tenth, and the spread of the controls among each other: what
/// the machine does by itself is nobody's fault.
fn demand(waits: Vec<Vec<Duration>>, report: &mut Report) {
    let mut demands = Verdict::new("R11", "others' waiting time moves by less than a tenth");
    let mut means: [Vec<Duration>; 2] = Default::default();
    for (number, phase) in waits.into_iter().enumerate() {
        let [control, hanging] = &mut means;
        let of = if number % 2 == 0 { control } else { hanging };
        of.push(paced::mean(&phase));
    }
    let [mut control, mut hanging] = means;
    let (without, with) = (median(&mut control), median(&mut hanging));
    let spread = paced::spread(&mut control);
    report.figure("mean wait without the hanger", format!("{without:?}"));
    report.figure("mean wait with it", format!("{with:?}"));
    report.figure("spread of the controls", format!("{spread:?}"));
    demands.demand(with <= without + without / 10 + spread, || {
        format!("{with:?} with the hanger, {without:?} without it, spread {spread:?}")
    });
    report.judged(vec![demands]);
}

fn name(number: u64) -> String {
    format!("a{number}")
}

fn draft(number: u64, key: u64) -> Letter {
    let agent = name(number % AGENTS);
    Letter::new(&Content {
        to: &format!("to-{agent}"),
        key,
        session: "",
        agents: &[&agent],
        text: "work",
        file: None,
    })
}

fn config() -> String {
    let names: Vec<_> = (0..AGENTS).map(name).collect();
    let mut config = "agents:\n".to_owned();
    for name in &names {
        config.extend([format!(
            "  - {{ name: {name}, runtime: http, concurrency: 2, url: \"http://@agents@/{name}\" }}\n"
        )]);
    }
    config.push_str("connectors:\n");
    for name in &names {
        config.extend([format!(
            "  - {{ name: to-{name}, type: webhook, mode: inbound, secret: {SECRET}, agents: [{name}] }}\n"
        )]);
    }
    let all = names.join(", ");
    config.extend([format!(
        "  - {{ name: results, type: webhook, mode: outbound, secret: {SECRET}, agents: [{all}], \
         settings: {{ url: \"http://@destination@/results\" }} }}\n\
         egress: {{ allow: [127.0.0.0/8] }}\n"
    )]);
    config
}
