//! Every policy of a session under load with kills: each event keeps its run, and one that gave up
//! its place names the run that it went into.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::Round;
use crate::conduct::{Conduct, Reply};
use crate::courier::{Content, Letter};
use crate::hub::SECRET;
use crate::report::Report;
use crate::shown::{self, Run};
use crate::stage::{Plan, Setting, Stage, standard_config};
use crate::verdict::Verdict;

pub(super) const ROUND: Round = Round {
    id: "sessions",
    about: "queue, coalesce, replace, reject and debounce under load with kills",
    run: |plan, report| Box::pin(run(plan, report)),
};

/// The connector, what its link says, and the code with which a run gives up its place.
const POLICIES: [(&str, &str, &str); 5] = [
    ("by-queue", "policy: queue", ""),
    ("by-coalesce", "policy: coalesce", "coalesced"),
    ("by-replace", "policy: replace", "replaced"),
    ("by-reject", "policy: reject", ""),
    (
        "by-debounce",
        "debounce: { quiet: 150ms, max_wait: 1s, max_count: 20 }",
        "debounced",
    ),
];
const LANES: u64 = 4;
/// Longer than the pause between two events of a session, so that runs pile up.
const WORK: Duration = Duration::from_millis(60);
const PAUSE: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(120));
const LIFE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(3));
const PATIENCE: Duration = Duration::from_mins(1);

/// What a run was sent as: the policy, the session, and the how manieth of the session.
type Sent = HashMap<Uuid, (usize, u64, u64)>;

async fn run(plan: &Plan, report: &mut Report) -> Result<()> {
    let setting = Setting {
        agents: Conduct::new(|_| Reply::well_after(WORK)),
        config: config(),
        ..Setting::default()
    };
    let mut stage = Stage::open(plan, "sessions", setting).await?;
    let kills = if plan.long { 100 } else { 5 };
    let mut chance = stage.chance.clone();
    let until = Instant::now() + (LIFE.0 + LIFE.1) / 2 * kills;
    let mut lanes = JoinSet::new();
    for policy in 0..POLICIES.len() {
        for session in 0..LANES {
            lanes.spawn(lane(&stage, (policy, session), until));
        }
    }
    for _ in 0..kills {
        sleep(chance.time(LIFE.0, LIFE.1)).await;
        stage.kill().await?;
        stage.start().await?;
    }
    let mut sent = Sent::new();
    while let Some(ended) = lanes.join_next().await {
        sent.extend(ended.context("a lane panicked")??);
    }
    report.fired("kill -9", u64::from(kills));
    report.figure("acknowledged", sent.len());
    // What the laws find open is theirs to tell.
    let _drained = stage.drain(Duration::from_mins(1)).await;
    let runs = shown::runs(&mut stage.client()).await?;
    demand(&runs, &sent, report);
    stage.judge(Duration::from_mins(1), report).await
}

fn config() -> String {
    let mut connectors = "connectors:\n".to_owned();
    for (name, policy, _) in POLICIES {
        connectors.extend([format!(
            "  - {{ name: {name}, type: webhook, mode: inbound, secret: {SECRET}, \
             agents: [{{ agent: alpha, session: input.session, {policy} }}] }}\n"
        )]);
    }
    standard_config().replacen("connectors:\n", &connectors, 1)
}

/// Sends events of one session, one after the other.
fn lane(
    stage: &Stage,
    (policy, session): (usize, u64),
    until: Instant,
) -> impl Future<Output = Result<Sent>> + Send + use<> {
    let (mut courier, keys) = (stage.courier(), stage.keys());
    let number = u64::try_from(policy).unwrap_or_default() * LANES + session;
    let mut chance = stage.chance.part(number);
    let to = POLICIES.get(policy).map_or("", |policy| policy.0);
    let name = format!("{to}-{session}");
    async move {
        let mut sent = Sent::new();
        for number in 0.. {
            sleep(chance.time(PAUSE.0, PAUSE.1)).await;
            if Instant::now() > until {
                break;
            }
            let letter = Letter::new(&Content {
                to,
                key: keys.fetch_add(1, Ordering::Relaxed),
                session: &name,
                agents: &["alpha"],
                text: "one of many",
                file: None,
            });
            let sending = courier.insist(&letter, PATIENCE).await?;
            let of = sending.runs.into_iter();
            sent.extend(of.map(|run| (run, (policy, session, number))));
        }
        courier.write().await?;
        Ok(sent)
    }
}

fn demand(runs: &[Run], sent: &Sent, report: &mut Report) {
    let mut demands = Verdict::new("into", "who gave up its place names who took it");
    let shown: HashMap<_, _> = runs.iter().map(|run| (run.id, run)).collect();
    let mut given_up: HashMap<&str, u64> = HashMap::new();
    for run in runs {
        let (id, status, code) = (run.id, run.status.as_str(), run.code());
        let Some(&(policy, session, number)) = sent.get(&id) else {
            demands.demand(false, || format!("run {id} was not answered to anyone"));
            continue;
        };
        let by = POLICIES.get(policy).map_or("", |policy| policy.2);
        if status == "cancelled" {
            *given_up.entry(by).or_default() += 1;
            let is_so = code == by && !by.is_empty();
            demands.demand(is_so, || format!("run {id} is cancelled as `{code}`"));
            let into = run.into.and_then(|into| sent.get(&into));
            let later = into.is_some_and(|&(in_policy, in_session, in_number)| {
                (in_policy, in_session) == (policy, session) && in_number > number
            });
            demands.demand(later, || {
                format!(
                    "run {id} went into {:?}, no later one of its session",
                    run.into
                )
            });
            let last = last(run, &shown);
            demands.demand(last.status == "completed", || {
                format!("run {id} went into {}, which is {}", last.id, last.status)
            });
        } else {
            let is_so = status == "completed" && run.into.is_none();
            demands.demand(is_so, || {
                format!("run {id} is {status} and went into {:?}", run.into)
            });
        }
    }
    for (_, _, code) in POLICIES.iter().filter(|policy| !policy.2.is_empty()) {
        report.fired(code, given_up.get(code).copied().unwrap_or_default());
    }
    report.judged(vec![demands]);
}

/// The run at the end of the chain. Each is later than the one before, so that there is an end.
fn last<'a>(run: &'a Run, shown: &HashMap<Uuid, &'a Run>) -> &'a Run {
    let mut last = run;
    for _ in 0..shown.len() {
        let Some(next) = last.into.and_then(|into| shown.get(&into)) else {
            break;
        };
        last = next;
    }
    last
}
