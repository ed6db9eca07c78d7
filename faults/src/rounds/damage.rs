//! R6: bits that flip and files that lose their end, in the store of a hub that is down.
//!
//! What is destroyed is lost, and most laws with it: what is asked is that it is found and said,
//! and that everything beside it goes on. A log that was cut within its last write is another
//! matter: this is what a crash leaves, and every law holds.

mod doctor;
mod stored;

use std::fs::{self, OpenOptions};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use uuid::Uuid;

use self::stored::Stored;
use super::Round;
use crate::courier::{Content, Letter};
use crate::report::Report;
use crate::shown::Run;
use crate::stage::{Plan, Setting, Stage};
use crate::verdict::Verdict;

pub(super) const ROUND: Round = Round {
    id: "R6",
    about: "bits flip, files lose their end",
    run: |plan, report| Box::pin(run(plan, report)),
};

const DRAIN: Duration = Duration::from_mins(1);
const REFUSES_WITHIN: Duration = Duration::from_secs(30);
const LETTERS: usize = 20;
/// A page of the write-ahead log with its head.
const FRAME: u64 = 8192 + 24;

async fn run(plan: &Plan, report: &mut Report) -> Result<()> {
    body(plan, report).await?;
    page(plan, report).await?;
    short_file(plan, report).await?;
    short_log(plan, report).await
}

/// What a letter says, and its run.
struct Posted {
    mark: String,
    run: Uuid,
}

/// Sends letters to `alpha`.
async fn post(stage: &Stage, letters: usize) -> Result<Vec<Posted>> {
    let mut courier = stage.courier();
    let mut posted = Vec::new();
    for _ in 0..letters {
        let key = stage.key();
        let mark = format!("marked-{key}-so-that-it-is-found");
        let letter = Letter::new(&Content {
            to: "orders",
            key,
            session: "",
            agents: &["alpha"],
            text: &mark,
            file: None,
        });
        let sent = courier.insist(&letter, DRAIN).await?;
        let run = *sent.runs.first().context("a letter has a run")?;
        posted.push(Posted { mark, run });
    }
    courier.write().await?;
    Ok(posted)
}

/// A stage whose letters are answered and delivered, and whose hub is down.
async fn settled(plan: &Plan, name: &str) -> Result<(Stage, Vec<Posted>)> {
    let mut stage = Stage::open(plan, name, Setting::default()).await?;
    let posted = post(&stage, LETTERS).await?;
    stage.drain(DRAIN).await?;
    let ended = stage.terminate().await?;
    ensure!(ended.success(), "the hub ended with {ended}");
    Ok((stage, posted))
}

/// A body that does not open is found: on claim where its run waits, on read where that has ended.
async fn body(plan: &Plan, report: &mut Report) -> Result<()> {
    let mut stage = Stage::open(plan, "damage-body", Setting::default()).await?;
    let mut verdict = Verdict::new(
        "R6 body",
        "found on claim and on read; its neighbours go on",
    );
    let ended = post(&stage, 2).await?;
    stage.drain(DRAIN).await?;
    stage.client().act("/v1/agents/alpha/pause").await?;
    let waiting = post(&stage, LETTERS).await?;
    stage.terminate().await?;
    let whole = doctor::says(&stage)?;
    verdict.demand(whole.is_well, || {
        format!("the doctor says of a whole store: {}", whole.text)
    });
    let mut flips = 0;
    for of in [&ended[0], &waiting[LETTERS / 2]] {
        flips += Stored::of(&stage).flip_all(of.run)?;
    }
    let ill = doctor::says(&stage)?;
    verdict.demand(!ill.is_well, || {
        format!("the doctor says of damaged bodies: {}", ill.text)
    });
    stage.start().await?;
    let mut client = stage.client();
    let path = format!("/v1/runs/{}", ended[0].run);
    let (status, text) = client.show(&path).await?;
    let is_said = status == 200 && text.contains("\"damaged\"") && !text.contains("so-that-it");
    verdict.demand(is_said, || format!("a damaged output reads as {text}"));
    let (status, text) = client.show(&format!("/v1/runs/{}", ended[1].run)).await?;
    verdict.demand(status == 200 && text.contains(&ended[1].mark), || {
        format!("an output beside a damaged one reads as {text}")
    });
    client.act("/v1/agents/alpha/resume").await?;
    stage.drain(DRAIN).await?;
    for (number, of) in waiting.iter().enumerate() {
        let run: Run = client.get(&format!("/v1/runs/{}", of.run)).await?;
        let is_damaged = number == LETTERS / 2;
        let (status, code) = if is_damaged {
            ("failed", "damaged")
        } else {
            ("completed", "")
        };
        verdict.demand(run.status == status && run.code() == code, || {
            format!("run {number} is {} with `{}`", run.status, run.code())
        });
    }
    let said = fs::read_to_string(stage.hub.log())?.contains("is damaged");
    verdict.demand(said, || "the log does not say it".to_owned());
    report.fired("bits flipped in bodies", flips);
    stage.leave(vec![verdict], report)
}

/// A page is found by whoever reads it: never is it passed over.
async fn page(plan: &Plan, report: &mut Report) -> Result<()> {
    let (mut stage, posted) = settled(plan, "damage-page").await?;
    let mut verdict = Verdict::new("R6 page", "found by the read that meets it, and said");
    let of = &posted[LETTERS / 2];
    let flips = Stored::of(&stage).flip_page(of.run)?;
    let ill = doctor::says(&stage)?;
    verdict.demand(!ill.is_well, || {
        format!("the doctor says of a damaged page: {}", ill.text)
    });
    // It may be met by the start itself.
    if stage.start().await.is_ok() {
        let path = format!("/v1/runs/{}", of.run);
        let read = stage.client().show(&path).await;
        // A client that is told of an error knows that something is wrong; the rest is in the log.
        let is_passed_over = matches!(&read, Ok((..500, _)));
        verdict.demand(!is_passed_over, || format!("it reads as {read:?}"));
    }
    let log = fs::read_to_string(stage.hub.log())?;
    verdict.demand(log.contains("malformed"), || "nothing was said".to_owned());
    report.fired("bits flipped in pages", flips);
    stage.leave(vec![verdict], report)
}

/// A file without its end is refused, with words.
async fn short_file(plan: &Plan, report: &mut Report) -> Result<()> {
    let (mut stage, _) = settled(plan, "damage-short").await?;
    let mut verdict = Verdict::new("R6 file", "without its end, it is refused");
    let file = OpenOptions::new()
        .write(true)
        .open(Stored::of(&stage).file)?;
    file.set_len(file.metadata()?.len() / 2)?;
    let before = fs::read_to_string(stage.hub.log())?.len();
    let ended = stage.start_to_end(REFUSES_WITHIN).await;
    let refused = matches!(&ended, Ok(status) if status.code().is_some_and(|code| code != 0));
    verdict.demand(refused, || "the hub starts".to_owned());
    let log = fs::read_to_string(stage.hub.log())?;
    let said = log
        .get(before..)
        .is_some_and(|log| log.contains("malformed"));
    verdict.demand(said, || "nothing was said".to_owned());
    report.fired("files cut", 1);
    stage.leave(vec![verdict], report)
}

/// A log that ends within its last write is what a crash leaves.
async fn short_log(plan: &Plan, report: &mut Report) -> Result<()> {
    let mut stage = Stage::open(plan, "damage-log", Setting::default()).await?;
    post(&stage, LETTERS).await?;
    stage.drain(DRAIN).await?;
    stage.kill().await?;
    let file = OpenOptions::new()
        .write(true)
        .open(Stored::of(&stage).log())?;
    let length = file.metadata()?.len();
    let cut = 1 + stage.chance.below(FRAME - 1);
    file.set_len(length.checked_sub(cut).context("the log is empty")?)?;
    report.fired("logs cut", 1);
    stage.start().await?;
    post(&stage, LETTERS).await?;
    stage.judge(DRAIN, report).await
}
