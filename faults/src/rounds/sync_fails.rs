//! R4: a sync of the log answers EIO. Nothing is acknowledged on it or after it, the process ends by
//! itself, and the next start recovers.

use std::fs;
use std::time::Duration;

use anyhow::{Result, bail};
use uuid::Uuid;

use super::Round;
use crate::courier::{Content, Courier, Letter};
use crate::report::Report;
use crate::stage::{Plan, Setting, Stage};
use crate::tools;
use crate::trace::{self, Trace};
use crate::verdict::Verdict;

pub(super) const ROUND: Round = Round {
    id: "R4",
    about: "a sync answers EIO",
    run: |plan, report| Box::pin(run(plan, report)),
};

/// Which sync of the writing thread fails: none of those before the hub is ready.
const FIRST: u64 = 40;
const SPREAD: u64 = 120;
const ENDS_WITHIN: Duration = Duration::from_secs(30);
const LETTERS_MAX: u64 = 5000;

async fn run(plan: &Plan, report: &mut Report) -> Result<()> {
    if let Err(why) = tools::program("strace") {
        report.skip(why);
        return Ok(());
    }
    let mut stage = Stage::open(plan, "sync-fails", Setting::default()).await?;
    let mut chance = stage.chance.clone();
    let mut verdict = Verdict::new("R4", "no 2xx on it or after it, and an end by itself");
    let (mut failed, mut acknowledged) = (0, 0);
    for life in 1..=if plan.long { 30 } else { 4 } {
        stage.terminate().await?;
        let when = FIRST + chance.below(SPREAD);
        let file = plan.folder.join(format!("sync-{}-{life}.trace", plan.seed));
        let fault = format!("fdatasync,fsync:error=EIO:when={when}");
        stage.hub.setup.wrapper = trace::wrapper(&file, Some(&fault));
        stage.start().await?;
        let mut courier = stage.courier();
        let (runs, last) = send(plan, &stage, &mut courier).await?;
        let ended = stage.end_by_itself(ENDS_WITHIN).await?;
        verdict.demand(ended.code().is_some_and(|code| code != 0), || {
            format!("in life {life}, the hub ended with {ended}")
        });
        let trace = Trace::read(&file)?;
        trace.judge(&runs, &mut verdict);
        failed += trace.syncs().1;
        acknowledged += runs.len() as u64;
        if !plan.keep && verdict.holds() {
            fs::remove_file(&file)?;
        }
        stage.hub.setup.wrapper.clear();
        stage.start().await?;
        courier.insist(&last, ENDS_WITHIN).await?;
        courier.write().await?;
    }
    verdict.count("acknowledged under the fault", acknowledged);
    report.fired("EIO", failed);
    report.judged(vec![verdict]);
    stage.judge(Duration::from_mins(2), report).await
}

/// Sends one letter after the other until one is not acknowledged: a run of each of the others, and it.
async fn send(plan: &Plan, stage: &Stage, courier: &mut Courier) -> Result<(Vec<Uuid>, Letter)> {
    let mut runs = Vec::new();
    for _ in 0..LETTERS_MAX {
        let key = stage.key();
        let mark = format!("mark-{key}-of-{}", plan.seed);
        let letter = Letter::new(&Content {
            to: "orders",
            key,
            session: "sync-fails",
            agents: &["alpha", "beta"],
            text: &mark,
            file: None,
        });
        let sending = courier.send(&letter).await?;
        if !sending.is_acknowledged() {
            return Ok((runs, letter));
        }
        runs.extend(sending.runs.first());
    }
    bail!("no sync failed under {LETTERS_MAX} letters")
}
