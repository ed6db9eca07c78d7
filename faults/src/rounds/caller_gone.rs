//! R32: a caller in sync mode is gone before its answer, comes again with the same key, and is
//! attached to the same run, while it works and after it has ended.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::Round;
use crate::check::Terms;
use crate::conduct::{Conduct, Reply};
use crate::courier::{Content, Courier, Letter, Sending};
use crate::record::UNANSWERED;
use crate::report::Report;
use crate::stage::{Plan, Setting, Stage};
use crate::verdict::Verdict;

pub(super) const ROUND: Round = Round {
    id: "R32",
    about: "a sync caller is gone and comes again",
    run: |plan, report| Box::pin(run(plan, report)),
};

const WORK: Duration = Duration::from_millis(400);
/// Shorter than the work, so that the caller is gone before there is an answer.
const PATIENCE: (Duration, Duration) = (Duration::from_millis(60), Duration::from_millis(300));

async fn run(plan: &Plan, report: &mut Report) -> Result<()> {
    let setting = Setting {
        agents: Conduct::new(|_| Reply::well_after(WORK)),
        terms: Terms {
            callers_stay: false,
            ..Terms::default()
        },
        ..Setting::default()
    };
    let stage = Stage::open(plan, "caller-gone", setting).await?;
    let mut attached = Verdict::new("R32", "the same key attaches to the same run");
    let callers = if plan.long { 1000 } else { 100 };
    let (mut calls, mut gone) = (JoinSet::new(), 0);
    let mut chance = stage.chance.clone();
    for number in 0..callers {
        let letter = Letter::new(&Content {
            to: "ask",
            key: stage.key(),
            session: "",
            agents: &["alpha"],
            text: "a question",
            file: None,
        });
        let patience = chance.time(PATIENCE.0, PATIENCE.1);
        // Every third comes again when the run has long ended.
        let pause = if number % 3 == 0 {
            WORK * 2
        } else {
            Duration::ZERO
        };
        calls.spawn(call(stage.courier(), letter, patience, pause));
        // No more at once than the agent has places for, so that their work begins at once.
        if calls.len() >= 16 {
            let one = calls.join_next().await.context("there are calls")?;
            gone += judge(&mut attached, &one.context("a call panicked")??);
        }
    }
    while let Some(one) = calls.join_next().await {
        gone += judge(&mut attached, &one.context("a call panicked")??);
    }
    report.fired("callers gone", gone);
    report.judged(vec![attached]);
    stage.judge(Duration::from_mins(2), report).await
}

/// Calls, hangs up, comes again twice.
async fn call(
    mut courier: Courier,
    letter: Letter,
    patience: Duration,
    pause: Duration,
) -> Result<[Sending; 3]> {
    let gone = courier.send_for(&letter, patience).await?;
    sleep(pause).await;
    let second = courier.send(&letter).await?;
    let third = courier.send(&letter).await?;
    courier.write().await?;
    Ok([gone, second, third])
}

/// Gives 1 where the caller was gone before there was an answer.
fn judge(attached: &mut Verdict, [gone, second, third]: &[Sending; 3]) -> u64 {
    for again in [second, third] {
        let (status, runs) = (again.status, &again.runs);
        attached.demand(status == 200 && runs.len() == 1 && again.duplicate, || {
            format!("the same key got {status} with runs {runs:?}")
        });
    }
    attached.demand(second.runs == third.runs, || {
        format!(
            "the same key got runs {:?} and {:?}",
            second.runs, third.runs
        )
    });
    u64::from(gone.status == UNANSWERED)
}
