//! R18 on one node: SIGTERM under load and a new start. It must never be worse than R1.

use std::time::Duration;

use anyhow::Result;
use tokio::time::sleep;

use super::Round;
use crate::conduct::{Conduct, Reply};
use crate::report::Report;
use crate::sender::Load;
use crate::stage::{Plan, Setting, Stage};
use crate::verdict::Verdict;

pub(super) const ROUND: Round = Round {
    id: "R18",
    about: "SIGTERM under load and a new start",
    run: |plan, report| Box::pin(run(plan, report)),
};

/// How long agents work: no attempt may be given up for a stop that has half a minute.
const WORK: Duration = Duration::from_millis(50);
const LIFE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(3));
const REFUSALS: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(1);

async fn run(plan: &Plan, report: &mut Report) -> Result<()> {
    let setting = Setting {
        agents: Conduct::new(|_| Reply::well_after(WORK)),
        ..Setting::default()
    };
    let mut stage = Stage::open(plan, "graceful", setting).await?;
    // One agent of the default concurrency does 32 / 50 ms of these in a second.
    let sender = stage.send(Load {
        pace: 300.0,
        ..Load::default()
    });
    let stops = if plan.long { 50 } else { 4 };
    let mut chance = stage.chance.clone();
    let mut orderly = Verdict::new("R18", "it ends by itself, and refuses for under 1 s");
    let (mut ending, mut gaps) = (Vec::new(), Vec::new());
    for number in 1..=stops {
        sleep(chance.time(LIFE.0, LIFE.1)).await;
        let signalled = stage.watch.micros();
        let ended = stage.terminate().await?;
        orderly.demand(ended.success(), || {
            format!("stop {number} ended with {ended}")
        });
        ending.push(Duration::from_micros(stage.watch.micros() - signalled));
        let (at, _) = stage.start_marked(&sender).await?;
        let first = sender.first_after(at, LONGEST).await?;
        let gap = Duration::from_micros(at - signalled) + first;
        orderly.demand(gap < REFUSALS, || {
            format!("stop {number}: the next acknowledgement came after {gap:?}")
        });
        gaps.push(gap);
    }
    report.fired("SIGTERM", stops);
    report.figure("acknowledged", sender.finish().await?);
    report.spread("signal to end", &mut ending);
    report.spread("signal to first acknowledgement", &mut gaps);
    report.judged(vec![orderly]);
    stage.judge(Duration::from_mins(3), report).await
}
