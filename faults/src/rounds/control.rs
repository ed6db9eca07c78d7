//! No fault at all but those of agents and destinations: every law must hold to the letter.

use std::time::Duration;

use anyhow::Result;

use super::Round;
use crate::report::Report;
use crate::sender::Load;
use crate::stage::{Plan, Setting, Stage};

pub(super) const ROUND: Round = Round {
    id: "control",
    about: "no fault of the hub's own; agents and the destination fail at times",
    run: |plan, report| Box::pin(run(plan, report)),
};

const EVENTS: u64 = 5000;

async fn run(plan: &Plan, report: &mut Report) -> Result<()> {
    let stage = Stage::open(plan, "control", Setting::moody()).await?;
    let sender = stage.send(Load {
        events: EVENTS,
        ..Load::default()
    });
    sender.reach(EVENTS, Duration::from_mins(2)).await?;
    let acknowledged = sender.finish().await?;
    report.figure("acknowledged", acknowledged);
    stage.judge(Duration::from_mins(3), report).await
}
