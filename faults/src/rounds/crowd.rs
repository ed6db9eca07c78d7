//! R15: thousands of clients are back at once after a restart, and then more than there are places.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::Round;
use crate::courier::{Content, Letter};
use crate::message::{Inbox, connect};
use crate::report::Report;
use crate::stage::{Plan, Setting, Stage};
use crate::verdict::Verdict;

pub(super) const ROUND: Round = Round {
    id: "R15",
    about: "thousands of clients return at once",
    run: |plan, report| Box::pin(run(plan, report)),
};

const CLIENTS: usize = 5000;
/// More than one address may have, which is half of the 16,384 places.
const TOO_MANY: usize = 8400;
const OF_ONE_ADDRESS: usize = 8192;
const STEADY: Duration = Duration::from_mins(1);
/// What the hub may have resident at any time.
const MEMORY: u64 = 512 << 20;
/// How long is waited for what the hub says to a connection that it refuses.
const WORD: Duration = Duration::from_secs(2);

async fn run(plan: &Plan, report: &mut Report) -> Result<()> {
    let mut stage = Stage::open(plan, "crowd", Setting::default()).await?;
    let mut demands = Verdict::new(
        "R15",
        "memory is capped, the rest told to wait, steady in a minute",
    );
    let times = if plan.long { 10 } else { 1 };
    let mut took = Vec::new();
    for _ in 0..times {
        let before = return_at_once(&stage).await?;
        stage.kill().await?;
        stage.start().await?;
        let after = return_at_once(&stage).await?;
        demands.demand(after < STEADY, || {
            format!("{CLIENTS} clients had their acknowledgements after {after:?}")
        });
        took.extend([before, after]);
    }
    report.fired("clients at once", (took.len() * CLIENTS) as u64);
    report.spread("all acknowledged", &mut took);
    too_many(&stage, &mut demands, report).await?;
    let begin = Instant::now();
    let letter = letter(stage.key());
    let mut courier = stage.courier();
    courier.insist(&letter, STEADY).await?;
    courier.write().await?;
    report.figure("taken again after", format!("{:.1?}", begin.elapsed()));
    let memory = stage.hub.memory_peak()?;
    report.figure("most memory", format!("{} MiB", memory >> 20));
    demands.demand(memory < MEMORY, || format!("{memory} bytes were resident"));
    report.judged(vec![demands]);
    stage.judge(Duration::from_mins(5), report).await
}

/// Each client with a connection and an event of its own; gives how long it takes until the last
/// is acknowledged.
async fn return_at_once(stage: &Stage) -> Result<Duration> {
    let (begin, mut clients) = (Instant::now(), JoinSet::new());
    for _ in 0..CLIENTS {
        let (mut courier, letter) = (stage.courier(), letter(stage.key()));
        clients.spawn(async move {
            courier.insist(&letter, 2 * STEADY).await?;
            courier.write().await
        });
    }
    while let Some(client) = clients.join_next().await {
        client.context("a client panicked")??;
    }
    Ok(begin.elapsed())
}

fn letter(key: u64) -> Letter {
    Letter::new(&Content {
        to: "orders",
        key,
        session: "",
        agents: &["alpha"],
        text: "back again",
        file: None,
    })
}

/// Opens more connections than one address may have: those beyond are told so, or just closed.
async fn too_many(stage: &Stage, demands: &mut Verdict, report: &mut Report) -> Result<()> {
    let (mut told, mut closed, mut open) = (0, 0, Vec::new());
    for _ in 0..TOO_MANY {
        match connect(stage.hub.address).await {
            Ok(stream) => open.push(stream),
            Err(_refused) => closed += 1,
        }
    }
    for mut stream in open.drain(OF_ONE_ADDRESS.min(open.len())..) {
        match word(&mut stream).await {
            Some((status, waits)) => {
                told += 1;
                demands.demand(matches!(status, 429 | 503) && waits, || {
                    format!("a connection too many was answered {status}; told to wait: {waits}")
                });
            }
            None => closed += 1,
        }
    }
    report.fired("connections told that there are too many", told);
    report.figure("connections too many, closed without a word", closed);
    Ok(())
}

/// What the hub says by itself: the status, and whether it says when to come again.
async fn word(stream: &mut TcpStream) -> Option<(u16, bool)> {
    let mut inbox = Inbox::default();
    let message = timeout(WORD, inbox.next(stream)).await.ok()?.ok()??;
    let waits = message.header("retry-after").is_some();
    Some((message.status().ok()?, waits))
}
