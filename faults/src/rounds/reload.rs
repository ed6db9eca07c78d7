//! SIGHUP with another config, again and again under load: valid ones, broken ones, and a kill in
//! the middle of a reload.

use std::time::Duration;

use anyhow::Result;
use serde::Deserialize;
use tokio::time::{Instant, sleep};

use super::Round;
use crate::report::Report;
use crate::sender::Load;
use crate::stage::{Plan, Setting, Stage};
use crate::verdict::Verdict;

pub(super) const ROUND: Round = Round {
    id: "reload",
    about: "SIGHUP with changing and with broken configs under load, and kills in the middle",
    run: |plan, report| Box::pin(run(plan, report)),
};

const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(500));
/// How soon after a signal the hub is killed: in the middle of its reading the config.
const MIDDLE: (Duration, Duration) = (Duration::ZERO, Duration::from_millis(30));
/// How soon a config must be in force.
const TAKEN: Duration = Duration::from_secs(5);
/// Every so often the config is broken, or the hub is killed.
const BROKEN_EVERY: u64 = 3;
const KILL_EVERY: u64 = 5;

/// The fields of an agent that are looked at.
#[derive(Debug, Deserialize)]
struct Shown {
    concurrency: u64,
}

async fn run(plan: &Plan, report: &mut Report) -> Result<()> {
    let mut stage = Stage::open(plan, "reload", Setting::moody()).await?;
    let base = stage.hub.setup.config.clone();
    let sender = stage.send(Load {
        pace: 200.0,
        ..Load::default()
    });
    let mut demands = Verdict::new("reload", "a config is in force at once, or not at all");
    let mut chance = stage.chance.clone();
    let (reloads, mut broken, mut kills) = (if plan.long { 200 } else { 20 }, 0, 0);
    for number in 1..=reloads {
        sleep(chance.time(PAUSE.0, PAUSE.1)).await;
        stage.hub.reload(variant(&base, number))?;
        let took = in_force(&stage, number).await?;
        demands.demand(took.is_some(), || {
            format!("config {number} is not in force after {TAKEN:?}")
        });
        if number % BROKEN_EVERY == 0 {
            let unknown = format!("{}surprise: {number}\n", variant(&base, number + reloads));
            stage.hub.reload(unknown)?;
            sleep(PAUSE.1).await;
            let stays = in_force(&stage, number).await?;
            demands.demand(stays.is_some(), || {
                format!("config {number} is not in force after a broken one")
            });
            broken += 1;
        }
        if number % KILL_EVERY == 0 {
            stage.hub.reload(variant(&base, number + reloads))?;
            sleep(chance.time(MIDDLE.0, MIDDLE.1)).await;
            stage.kill().await?;
            stage.start().await?;
            kills += 1;
        }
    }
    report.fired("SIGHUP", reloads);
    report.fired("broken configs", broken);
    report.fired("kill -9 in a reload", kills);
    report.figure("acknowledged", sender.finish().await?);
    report.judged(vec![demands]);
    stage.judge(Duration::from_mins(3), report).await
}

/// The concurrency that config `number` gives to `alpha`: two in a row never have the same.
const fn concurrency(number: u64) -> u64 {
    4 + number % 29
}

/// The config with other limits, and with an agent and a connector that only it has.
fn variant(base: &str, number: u64) -> String {
    let limits = format!("name: alpha, concurrency: {},", concurrency(number));
    let agent = format!("  - {{ name: extra-{number}, runtime: echo }}\nconnectors:\n");
    let connector = format!(
        "connectors:\n  - {{ name: extra-{number}, type: webhook, mode: inbound, agents: [extra-{number}] }}\n"
    );
    let text = base.replace("name: alpha,", &limits);
    let text = text.replacen("connectors:\n", &connector, 1);
    text.replacen("connectors:\n", &agent, 1)
}

/// How long it takes until config `number` is in force; `None` where it takes too long.
async fn in_force(stage: &Stage, number: u64) -> Result<Option<Duration>> {
    let mut client = stage.client();
    let begin = Instant::now();
    while begin.elapsed() < TAKEN {
        let shown: Shown = client.get("/v1/agents/alpha").await?;
        if shown.concurrency == concurrency(number) {
            return Ok(Some(begin.elapsed()));
        }
        sleep(Duration::from_millis(10)).await;
    }
    Ok(None)
}
