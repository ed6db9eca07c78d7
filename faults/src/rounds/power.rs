//! R3, its first half: between the write of an event and its acknowledgement, the log was synced.
//!
//! The other half, a disk that forgets what was not synced, is `unsynced`.

use std::fs;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::Round;
use crate::courier::{Content, Letter};
use crate::report::Report;
use crate::stage::{Plan, Setting, Stage};
use crate::tools;
use crate::trace::{self, Trace};
use crate::verdict::Verdict;

pub(super) const ROUND: Round = Round {
    id: "R3a",
    about: "system calls: a finished sync before each acknowledgement",
    run: |plan, report| Box::pin(run(plan, report)),
};

async fn run(plan: &Plan, report: &mut Report) -> Result<()> {
    if let Err(why) = tools::program("strace") {
        report.skip(why);
        return Ok(());
    }
    let file = plan.folder.join(format!("power-{}.trace", plan.seed));
    let setting = Setting {
        wrapper: trace::wrapper(&file, None),
        ..Setting::default()
    };
    let stage = Stage::open(plan, "power", setting).await?;
    let mut courier = stage.courier();
    let mut runs = Vec::new();
    for _ in 0..if plan.long { 500 } else { 30 } {
        let key = stage.key();
        let mark = format!("mark-{key}-of-{}", plan.seed);
        let letter = Letter::new(&Content {
            to: "orders",
            key,
            session: "power",
            agents: &["alpha", "beta"],
            text: &mark,
            file: None,
        });
        let sending = courier.send(&letter).await?;
        let status = sending.status;
        ensure!(status == 202, "a letter was answered with {status}");
        runs.extend(sending.runs.first());
    }
    courier.write().await?;
    stage.judge(Duration::from_mins(1), report).await?;
    let trace = Trace::read(&file)?;
    let mut durable = Verdict::new("R3", "what is acknowledged was synced before");
    trace.judge(&runs, &mut durable);
    durable.count("acknowledged", runs.len() as u64);
    report.fired("syncs seen", trace.syncs().0);
    if durable.holds() && !plan.keep {
        fs::remove_file(&file)?;
    }
    report.judged(vec![durable]);
    Ok(())
}
