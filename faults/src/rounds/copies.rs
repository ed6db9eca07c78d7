//! R24 on one node: the same id a thousand times at once.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::task::JoinSet;

use super::Round;
use crate::courier::{Content, Letter};
use crate::report::Report;
use crate::stage::{Plan, Setting, Stage};
use crate::verdict::Verdict;

pub(super) const ROUND: Round = Round {
    id: "R24",
    about: "the same id a thousand times at once",
    run: |plan, report| Box::pin(run(plan, report)),
};

const COPIES: u64 = 1000;

async fn run(plan: &Plan, report: &mut Report) -> Result<()> {
    let stage = Stage::open(plan, "copies", Setting::default()).await?;
    let mut same = Verdict::new("R24", "every copy is acknowledged, and one is new");
    let keys = if plan.long { 100 } else { 5 };
    for _ in 0..keys {
        let key = stage.key();
        let letter = Letter::new(&Content {
            to: "orders",
            key,
            session: "copies",
            agents: &["alpha", "beta"],
            text: "a copy",
            file: None,
        });
        let mut copies = JoinSet::new();
        for _ in 0..COPIES {
            let (mut courier, letter) = (stage.courier(), letter.clone());
            copies.spawn(async move {
                let sending = courier.send(&letter).await?;
                courier.write().await?;
                anyhow::Ok(sending)
            });
        }
        let mut new = 0;
        while let Some(sending) = copies.join_next().await {
            let sending = sending.context("a copy panicked")??;
            let status = sending.status;
            same.demand(sending.is_acknowledged(), || {
                format!("a copy of key {key} was answered with {status}")
            });
            new += u64::from(sending.is_acknowledged() && !sending.duplicate);
        }
        same.demand(new == 1, || format!("{new} copies of key {key} were new"));
    }
    report.fired("copies", keys * COPIES);
    report.judged(vec![same]);
    stage.judge(Duration::from_mins(1), report).await
}
