//! R1: `kill -9` at random moments under load, again and again, on one store.

use std::time::Duration;

use anyhow::Result;
use tokio::time::sleep;

use super::Round;
use crate::report::Report;
use crate::sender::Load;
use crate::stage::{Plan, Setting, Stage};
use crate::verdict::Verdict;

pub(super) const ROUND: Round = Round {
    id: "R1",
    about: "kill -9 at random under load",
    run: |plan, report| Box::pin(run(plan, report)),
};

/// How long the hub lives between two kills.
const LIFE: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));
/// A life with its restart, on average, in seconds: what the pace of the load follows from.
const CYCLE: f64 = 2.7;
/// How soon after its start a hub must have acknowledged something.
const AGAIN: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(1);

async fn run(plan: &Plan, report: &mut Report) -> Result<()> {
    let mut stage = Stage::open(plan, "kill", Setting::moody()).await?;
    let sender = stage.send(Load {
        // As many as come while there is something to kill: nobody must wait in vain for the next.
        pace: pace(plan),
        ..Load::default()
    });
    let mut chance = stage.chance.clone();
    let mut again = Verdict::new("R1", "accepting again in under 1 s");
    let (mut ready, mut first) = (Vec::new(), Vec::new());
    for number in 1..=plan.kills {
        sleep(chance.time(LIFE.0, LIFE.1)).await;
        stage.kill().await?;
        let (at, took) = stage.start_marked(&sender).await?;
        let acknowledged = sender.first_after(at, LONGEST).await?;
        again.demand(acknowledged < AGAIN, || {
            format!("after kill {number}, the first acknowledgement came after {acknowledged:?}")
        });
        ready.push(took);
        first.push(acknowledged);
    }
    let rest = Duration::from_secs(60 + plan.events / 200);
    sender.reach(plan.events, rest).await?;
    let acknowledged = sender.finish().await?;
    report.fired("kill -9", plan.kills);
    report.figure("acknowledged", acknowledged);
    report.spread("start to ready", &mut ready);
    report.spread("start to first acknowledgement", &mut first);
    report.judged(vec![again]);
    let drain = Duration::from_secs(120 + plan.events / 200);
    stage.judge(drain, report).await
}

/// As many events per second as it takes for them to last as long as the kills.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a round stay far below 2^52"
)]
fn pace(plan: &Plan) -> f64 {
    let seconds = CYCLE * plan.kills.max(1) as f64;
    plan.events as f64 / seconds
}
