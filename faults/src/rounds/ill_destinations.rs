//! R34: destinations that cut, refuse, redirect, answer slowly or endlessly, or are down, beside one
//! that is well.
//!
//! An expired certificate and a name that points elsewhere are not among them: those need a root and
//! a resolver of the harness's own.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use serde::Deserialize;
use tokio::time::sleep;

use super::Round;
use super::paced::{self, Pace, median};
use crate::courier::{Content, Letter};
use crate::gate::Gate;
use crate::hub::SECRET;
use crate::ill::{Ill, IllServer};
use crate::report::Report;
use crate::shown::{self, Attempt, Delivery};
use crate::stage::{Plan, Setting, Stage, standard_config};
use crate::verdict::Verdict;

pub(super) const ROUND: Round = Round {
    id: "R34",
    about: "destinations that cut, refuse, redirect, are slow, endless or down",
    run: |plan, report| Box::pin(run(plan, report)),
};

/// A destination, what it does, and what its first attempt is recorded as: the status, the code of
/// the error, and the beginning of the answer.
struct Of {
    name: &'static str,
    ill: Ill,
    status: Option<u16>,
    code: &'static str,
    response: &'static str,
}

const fn of(name: &'static str, ill: Ill, status: Option<u16>, code: &'static str) -> Of {
    Of {
        name,
        ill,
        status,
        code,
        response: "",
    }
}

const WELL: &str = "well";
const GONE: &str = "gone";
const DOWN: &str = "down";
const FOLLOWED: &str = "/followed";
const ELSEWHERE: (&str, &str) = ("location", FOLLOWED);
const LATER: (&str, &str) = ("retry-after", "2");
const PLAIN: (&str, &str) = ("x-plain", "1");

static DESTINATIONS: [Of; 10] = [
    of(WELL, Ill::Well("{}"), Some(200), ""),
    // It has done the work by then.
    of("cut", Ill::Cut, None, "connection-broken"),
    Of {
        response: "broken inside",
        ..of(
            "fails",
            Ill::Status(500, PLAIN, "broken inside"),
            Some(500),
            "unavailable",
        )
    },
    of(
        "busy",
        Ill::Status(429, LATER, ""),
        Some(429),
        "unavailable",
    ),
    of(GONE, Ill::Status(410, PLAIN, ""), Some(410), "gone"),
    of(
        "moved",
        Ill::Status(302, ELSEWHERE, ""),
        Some(302),
        "redirected",
    ),
    of("slow-head", Ill::SlowHead, None, "timeout"),
    // The status says that it was taken; its body is only looked at for people.
    of("slow-body", Ill::SlowBody, Some(200), ""),
    of("endless", Ill::EndlessBody, Some(200), ""),
    of(DOWN, Ill::Well("{}"), None, "unreachable"),
];

const BLOCKS: usize = 4;
const BLOCK: Pace = Pace {
    per_second: 10.0,
    time: Duration::from_secs(2),
};
/// Longer than the timeout of an attempt, so that all have had one.
const STILL_ILL: Duration = Duration::from_secs(8);
/// The shortest and the longest first pause: that of the schedule with its jitter, and what `busy`
/// asks for.
const FIRST_PAUSE: (Duration, Duration) =
    (Duration::from_millis(4500), Duration::from_millis(5600));
const BUSY_PAUSE: (Duration, Duration) = (Duration::from_millis(1900), Duration::from_millis(5600));

/// What the destinations know.
#[derive(Debug, Default)]
struct Known {
    is_ill: AtomicBool,
    /// The path and the id of what was answered with 200.
    taken: Mutex<HashSet<(String, String)>>,
    followed: AtomicBool,
}

#[derive(Debug, Deserialize)]
struct Shown {
    breaker: Breaker,
    paused: bool,
}

#[derive(Debug, Deserialize)]
struct Breaker {
    state: String,
}

async fn run(plan: &Plan, report: &mut Report) -> Result<()> {
    let known = Arc::new(Known::default());
    let server = serve(Arc::clone(&known)).await?;
    let mut gate = Gate::shut_at_first().await?;
    gate.open(server.address).await?;
    let setting = Setting {
        config: config(&server.address.to_string(), &gate.address.to_string()),
        ..Setting::default()
    };
    let stage = Stage::open(plan, "destinations", setting).await?;
    let mut blocks = HashMap::new();
    for block in 0..2 * BLOCKS {
        if block == BLOCKS {
            stage.drain(Duration::from_mins(1)).await?;
            known.is_ill.store(true, Ordering::Relaxed);
            gate.shut().await;
        }
        let sent = paced::send(&stage, BLOCK, draft).await?;
        let runs = sent.into_iter().flat_map(|letter| letter.sending.runs);
        blocks.extend(runs.map(|run| (run, block)));
    }
    sleep(STILL_ILL).await;
    let mut demands = Verdict::new("R34", "each destination by itself, and nothing is dropped");
    breakers(&stage, &mut demands).await?;
    scheduled(&stage, &mut demands).await?;
    known.is_ill.store(false, Ordering::Relaxed);
    gate.open(server.address).await?;
    let resume = format!("/v1/connectors/{GONE}/resume");
    stage.client().act(&resume).await?;
    // What is never delivered is told below.
    let _drained = stage.drain(Duration::from_mins(3)).await;
    let deliveries = shown::deliveries(&mut stage.client()).await?;
    outcomes(&deliveries, &known, blocks.len(), &mut demands);
    recorded(&stage, &deliveries, (&mut demands, report)).await?;
    siblings(&deliveries, &blocks, report);
    stage.leave(vec![demands], report)
}

async fn serve(known: Arc<Known>) -> Result<IllServer> {
    IllServer::start(move |message| {
        let path = message.path();
        if path == FOLLOWED {
            known.followed.store(true, Ordering::Relaxed);
        }
        let of = DESTINATIONS
            .iter()
            .find(|of| path.trim_start_matches('/') == of.name);
        let is_ill = known.is_ill.load(Ordering::Relaxed);
        let ill = of.filter(|_| is_ill).map_or(Ill::Well("{}"), |of| of.ill);
        // The work is done even where nobody is told so.
        let taken = !matches!(ill, Ill::Status(..) | Ill::SlowHead);
        if let Some(id) = message.header("webhook-id").filter(|_| taken) {
            let mut of = known.taken.lock().unwrap_or_else(PoisonError::into_inner);
            of.insert((path.trim_start_matches('/').to_owned(), id.to_owned()));
        }
        ill
    })
    .await
}

fn draft(_: u64, key: u64) -> Letter {
    Letter::new(&Content {
        to: "orders",
        key,
        session: "",
        agents: &["alpha"],
        text: "work",
        file: None,
    })
}

fn config(server: &str, gate: &str) -> String {
    let mut config = standard_config();
    let rest = config.find("  - name: results").unwrap_or(config.len());
    config.truncate(rest);
    for Of { name, .. } in &DESTINATIONS {
        let place = if *name == DOWN { gate } else { server };
        config.extend([format!(
            "  - {{ name: {name}, type: webhook, mode: outbound, secret: {SECRET}, agents: [alpha], \
             settings: {{ url: \"http://{place}/{name}\", timeout: 3s }} }}\n"
        )]);
    }
    config.push_str("egress: { allow: [127.0.0.0/8] }\n");
    config
}

/// Each destination has a breaker of its own: those that fail are held, the others are not. One that
/// wants no more is paused, until a person resumes it.
async fn breakers(stage: &Stage, demands: &mut Verdict) -> Result<()> {
    let mut client = stage.client();
    for of in &DESTINATIONS {
        let shown: Shown = client.get(&format!("/v1/connectors/{}", of.name)).await?;
        let is_gone = of.name == GONE;
        demands.demand(shown.paused == is_gone, || {
            format!("{} is paused: {}", of.name, shown.paused)
        });
        if is_gone {
            continue;
        }
        let is_closed = shown.breaker.state == "closed";
        demands.demand(is_closed == of.code.is_empty(), || {
            format!("the breaker of {} is {}", of.name, shown.breaker.state)
        });
    }
    Ok(())
}

/// What became of all deliveries once the destinations were well again.
fn outcomes(deliveries: &[Delivery], known: &Known, runs: usize, demands: &mut Verdict) {
    let taken = known.taken.lock().unwrap_or_else(PoisonError::into_inner);
    let followed = known.followed.load(Ordering::Relaxed);
    demands.demand(!followed, || "a redirect was followed".to_owned());
    for Of { name, .. } in &DESTINATIONS {
        let of = deliveries.iter().filter(|one| one.connector == *name);
        let there = of.count();
        demands.demand(there == runs, || {
            format!("{name} has {there} deliveries, of {runs} runs")
        });
    }
    let is_refused = |one: &&Delivery| one.connector == GONE && one.status == "failed";
    for delivery in deliveries.iter().filter(|one| !is_refused(one)) {
        let (name, id) = (&delivery.connector, delivery.id.to_string());
        let arrived = taken.contains(&(name.clone(), id));
        demands.demand(arrived && delivery.status == "delivered", || {
            let (id, status) = (delivery.id, &delivery.status);
            format!("delivery {id} to {name} is {status}; arrived: {arrived}")
        });
    }
    demands.count("deliveries", deliveries.len() as u64);
}

/// What failed once is due when the schedule or the destination says.
async fn scheduled(stage: &Stage, demands: &mut Verdict) -> Result<()> {
    let mut client = stage.client();
    let mut checked = 0;
    for delivery in shown::deliveries(&mut client).await? {
        let path = format!("/v1/deliveries/{}", delivery.id);
        let of = DESTINATIONS.iter().find(|of| of.name == delivery.connector);
        let Some(of) = of.filter(|_| delivery.status == "waiting") else {
            continue;
        };
        let shown: Delivery = client.get(&path).await?;
        let ([one], Some(due)) = (&*shown.attempts, shown.due_at) else {
            continue;
        };
        checked += 1;
        let pause = due.duration_since(one.ended_at).unsigned_abs();
        let is_asked = of.status == Some(429);
        let (least, most) = if is_asked { BUSY_PAUSE } else { FIRST_PAUSE };
        demands.demand((least..=most).contains(&pause), || {
            format!(
                "a delivery to {} is due {pause:?} after its first attempt",
                of.name
            )
        });
    }
    demands.demand(checked > 0, || {
        "no delivery waits for its second attempt".to_owned()
    });
    demands.count("waiting as scheduled", checked);
    Ok(())
}

/// Every attempt that failed is recorded with its status, its times and the first bytes of the
/// answer.
async fn recorded(
    stage: &Stage,
    deliveries: &[Delivery],
    (demands, report): (&mut Verdict, &mut Report),
) -> Result<()> {
    let mut client = stage.client();
    for of in &DESTINATIONS {
        let mut ill = 0;
        for delivery in deliveries.iter().filter(|one| one.connector == of.name) {
            let path = format!("/v1/deliveries/{}", delivery.id);
            let shown: Delivery = client.get(&path).await?;
            for attempt in shown.attempts.iter().filter(|one| one.error.is_some()) {
                ill += 1;
                demands.demand(is_as_told(of, attempt), || {
                    format!("an attempt of {} is recorded as {attempt:?}", of.name)
                });
            }
        }
        if of.code.is_empty() {
            demands.demand(ill == 0, || format!("{ill} attempts of {} failed", of.name));
        } else {
            report.fired(of.name, ill);
        }
    }
    Ok(())
}

fn is_as_told(of: &Of, attempt: &Attempt) -> bool {
    let code = attempt.error.as_ref().map_or("", |error| &error.code);
    let response = attempt.response.as_deref().unwrap_or_default();
    let is_timed = attempt.ended_at >= attempt.started_at;
    is_timed && attempt.status == of.status && code == of.code && response == of.response
}

/// What two of the hub's stamps can tell apart.
const STAMP: Duration = Duration::from_millis(1);

/// How long the destination that is well waits for its deliveries, with and without the others. A
/// median of stamps would jump by a whole one where hardly anything has moved; a mean does not.
fn siblings(deliveries: &[Delivery], blocks: &HashMap<uuid::Uuid, usize>, report: &mut Report) {
    let mut demands = Verdict::new(
        "beside",
        "a destination that is well moves by less than a tenth, or than can be told",
    );
    let mut took = vec![Vec::new(); 2 * BLOCKS];
    for delivery in deliveries.iter().filter(|one| one.connector == WELL) {
        let block = blocks.get(&delivery.run_id);
        if let Some(block) = block.and_then(|block| took.get_mut(*block)) {
            block.extend(delivery.took());
        }
    }
    let mut means: Vec<_> = took.iter().map(|block| paced::mean(block)).collect();
    let mut ill = means.split_off(BLOCKS);
    let (without, with) = (median(&mut means), median(&mut ill));
    let spread = paced::spread(&mut means);
    report.figure("mean while all are well", format!("{without:.1?}"));
    report.figure("mean beside the others", format!("{with:.1?}"));
    report.figure("spread while all are well", format!("{spread:.1?}"));
    demands.demand(with <= without + without / 10 + spread + STAMP, || {
        format!("{with:?} beside the others, {without:?} alone, spread {spread:?}")
    });
    report.judged(vec![demands]);
}
