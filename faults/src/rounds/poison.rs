//! R13: one payload kills its agent every time, a process and a server alike.

use std::time::Duration;

use anyhow::Result;

use super::Round;
use super::paced::{self, Pace};
use crate::check::Terms;
use crate::conduct::{Act, Conduct, Reply};
use crate::courier::{Content, Letter};
use crate::hub::SECRET;
use crate::report::Report;
use crate::shown::{self, Run};
use crate::stage::{Plan, Setting, Stage, standard_config};
use crate::verdict::Verdict;

pub(super) const ROUND: Round = Round {
    id: "R13",
    about: "one payload kills its agent every time",
    run: |plan, report| Box::pin(run(plan, report)),
};

const POISON: &str = "poison";
/// The crash budget that an agent has by default.
const CRASHES: u32 = 5;
/// How many neighbours the server and the process have.
const NEIGHBOURS: Duration = Duration::from_secs(6);
const QUICK: &str = "retry: { backoff: { initial: 50ms, max: 200ms } },";
/// Dies by a signal where its input names the poison.
const SCRIPT: &str = "if grep -q poison; then kill -9 $$; fi; echo well";

async fn run(plan: &Plan, report: &mut Report) -> Result<()> {
    let setting = Setting {
        agents: Conduct::new(|call| match call.session {
            POISON => Reply::now(Act::HangUp),
            _ => Reply::WELL,
        }),
        config: config(),
        terms: Terms {
            unseen: &["shell"],
            ..Terms::default()
        },
        ..Setting::default()
    };
    let stage = Stage::open(plan, "poison", setting).await?;
    let pace = Pace {
        per_second: 40.0,
        time: NEIGHBOURS,
    };
    // One in twenty goes to the process, because starting one costs much.
    let letters = paced::send(&stage, pace, |number, key| {
        let to_process = number % 20 == 10;
        let text = if number == 30 { POISON } else { "a neighbour" };
        let session = if number == 15 { POISON } else { "neighbours" };
        Letter::new(&Content {
            to: if to_process { "jobs" } else { "orders" },
            key,
            session: if to_process { "" } else { session },
            agents: if to_process { &["shell"] } else { &["alpha"] },
            text,
            file: None,
        })
    })
    .await?;
    report.figure("acknowledged", letters.len());
    stage.drain(Duration::from_mins(2)).await?;
    let runs = shown::runs(&mut stage.client()).await?;
    demand(&runs, report);
    stage.judge(Duration::from_mins(1), report).await
}

fn config() -> String {
    let agents = format!(
        "  - {{ name: shell, runtime: command, {QUICK} command: [/bin/sh, -c, \"{SCRIPT}\"] }}\n\
         connectors:\n  - {{ name: jobs, type: webhook, mode: inbound, secret: {SECRET}, agents: [shell] }}\n"
    );
    standard_config()
        .replace("name: alpha,", &format!("name: alpha, {QUICK}"))
        .replace("agents: [alpha, beta]", "agents: [alpha, beta, shell]")
        .replacen("connectors:\n", &agents, 1)
}

fn demand(runs: &[Run], report: &mut Report) {
    let mut demands = Verdict::new(
        "R13",
        "dead letters after the crash budget, neighbours complete",
    );
    for agent in ["alpha", "shell"] {
        let of = runs.iter().filter(|run| run.agent_name == agent);
        let (dead, others): (Vec<_>, Vec<_>) = of.partition(|run| run.dead_letter);
        demands.demand(dead.len() == 1, || {
            format!("{} runs of {agent} are dead letters", dead.len())
        });
        for run in &dead {
            let (attempt, code) = (run.attempt, run.code());
            demands.demand(run.status == "failed" && attempt == CRASHES, || {
                format!(
                    "the poison of {agent} is {} after {attempt} attempts",
                    run.status
                )
            });
            report.figure(
                "ended as",
                format!("{agent}: `{code}` after {attempt} attempts"),
            );
        }
        for run in &others {
            let is_so = run.status == "completed" && run.attempt == 1;
            demands.demand(is_so, || {
                let Run {
                    id,
                    status,
                    attempt,
                    ..
                } = run;
                format!("neighbour {id} of {agent} is {status} after {attempt} attempts")
            });
        }
        let crashes = dead.iter().map(|run| u64::from(run.attempt)).sum();
        report.fired(
            if agent == "alpha" {
                "hung up"
            } else {
                "killed itself"
            },
            crashes,
        );
    }
    report.judged(vec![demands]);
}
