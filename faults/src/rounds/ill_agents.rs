//! Agents that answer garbage, too much, too slowly, too late or nothing: each run ends in a clear
//! state with a reason, in time, and a healthy agent beside them notices nothing.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Result;

use super::Round;
use super::paced::{self, Pace};
use crate::check::Terms;
use crate::courier::{Content, Letter};
use crate::hub::SECRET;
use crate::ill::{Ill, IllServer};
use crate::report::Report;
use crate::shown::{self, Run};
use crate::stage::{Plan, Setting, Stage, standard_config};
use crate::verdict::Verdict;

pub(super) const ROUND: Round = Round {
    id: "agents",
    about: "agents answer garbage, endlessly, slowly, late or nothing",
    run: |plan, report| Box::pin(run(plan, report)),
};

/// The agents, what they do, and the code that their runs end with.
const AGENTS: [(&str, Ill, &str); 10] = [
    ("garbage", Ill::Garbage, "connection-broken"),
    ("nonsense", Ill::Well("{\"output\":"), "bad-output"),
    ("endless-body", Ill::EndlessBody, "output-too-large"),
    ("endless-head", Ill::EndlessHead, "output-too-large"),
    ("slow-body", Ill::SlowBody, "timeout"),
    ("slow-head", Ill::SlowHead, "timeout"),
    ("short", Ill::Short, "connection-broken"),
    ("cut", Ill::Cut, "connection-broken"),
    ("silent", Ill::Silent, "timeout"),
    ("late", Ill::Late(LATE), "timeout"),
];
const NAMES: [&str; 10] = [
    "garbage",
    "nonsense",
    "endless-body",
    "endless-head",
    "slow-body",
    "slow-head",
    "short",
    "cut",
    "silent",
    "late",
];
const LATE: Duration = Duration::from_secs(3);
/// How long a run may take: the agents' timeout, which is 2 s, and what the machine adds.
const LONGEST: Duration = Duration::from_secs(7);
/// What the hub may have resident, with dozens of endless answers at once.
const MEMORY: u64 = 256 << 20;
const PACE: Pace = Pace {
    per_second: 5.0,
    time: Duration::from_secs(6),
};

async fn run(plan: &Plan, report: &mut Report) -> Result<()> {
    let server = IllServer::start(|message| {
        let name = message.path().trim_start_matches('/');
        let agent = AGENTS.iter().find(|agent| agent.0 == name);
        agent.map_or(Ill::Cut, |agent| agent.1)
    })
    .await?;
    let setting = Setting {
        config: config(&server.address.to_string()),
        terms: Terms {
            unseen: &NAMES,
            ..Terms::default()
        },
        ..Setting::default()
    };
    let stage = Stage::open(plan, "agents", setting).await?;
    let agents: Vec<_> = NAMES.into_iter().chain(["alpha"]).collect();
    let sent = paced::send(&stage, PACE, |_, key| {
        Letter::new(&Content {
            to: "ills",
            key,
            session: "",
            agents: &agents,
            text: "work",
            file: None,
        })
    })
    .await?;
    stage.drain(Duration::from_mins(2)).await?;
    let memory = stage.hub.memory_peak()?;
    report.figure("most memory", format!("{} MiB", memory >> 20));
    let runs = shown::runs(&mut stage.client()).await?;
    let mut demands = Verdict::new(
        "agents",
        "a clear state and reason, in time, and in little memory",
    );
    demands.demand(memory < MEMORY, || format!("{memory} bytes were resident"));
    demand(&runs, &mut demands);
    for agent in NAMES {
        report.fired(agent, sent.len() as u64);
    }
    report.judged(vec![demands]);
    stage.judge(Duration::from_mins(1), report).await
}

fn demand(runs: &[Run], demands: &mut Verdict) {
    let codes: HashMap<_, _> = AGENTS.iter().map(|agent| (agent.0, agent.2)).collect();
    for run in runs {
        let (agent, status) = (run.agent_name.as_str(), run.status.as_str());
        let expected = codes
            .get(agent)
            .map_or(("completed", ""), |code| ("failed", code));
        demands.demand((status, run.code()) == expected, || {
            format!("a run of {agent} is {status} (`{}`)", run.code())
        });
        let took = run.took().unwrap_or(Duration::MAX);
        demands.demand(took < LONGEST, || format!("a run of {agent} took {took:?}"));
    }
}

fn config(address: &str) -> String {
    let mut agents = String::new();
    for name in NAMES {
        agents.extend([format!(
            "  - {{ name: {name}, runtime: http, timeout: 2s, max_output: 64KiB, \
             retry: {{ attempts: 1, crashes: 1 }}, url: \"http://{address}/{name}\" }}\n"
        )]);
    }
    let all = NAMES.join(", ");
    let connectors = format!(
        "{agents}connectors:\n  - {{ name: ills, type: webhook, mode: inbound, secret: {SECRET}, \
         agents: [{all}, alpha] }}\n"
    );
    standard_config()
        .replace(
            "agents: [alpha, beta]",
            &format!("agents: [{all}, alpha, beta]"),
        )
        .replacen("connectors:\n", &connectors, 1)
}
