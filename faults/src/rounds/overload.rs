//! R16: three times the capacity for a while, in an open loop.
//!
//! The capacity is what a connector may take (`rate`), because the harness is no faster than the
//! hub: what a hub does when its processors are the limit takes a machine for each side, and is not
//! shown here.

use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Result, ensure};
use futures_util::future::join_all;
use tokio::time::{Instant, sleep, sleep_until};

use super::Round;
use super::paced::permille;
use crate::courier::{Content, Courier, Letter};
use crate::report::Report;
use crate::stage::{Plan, Setting, Stage, standard_config};
use crate::verdict::Verdict;

pub(super) const ROUND: Round = Round {
    id: "R16",
    about: "three times what a connector may take",
    run: |plan, report| Box::pin(run(plan, report)),
};

/// Events per second that the connector may take, and how often as many are sent.
const RATE: u32 = 150;
const TIMES: u32 = 3;
const LANES: usize = 128;
/// What the acknowledgements of those that are taken may need at the most, but for one in a hundred.
const LONGEST: Duration = Duration::from_secs(1);
const MEASURED: Duration = Duration::from_secs(5);
const REST: Duration = Duration::from_secs(2);
/// How long is waited for what was refused to be taken in the end, and how often it is sent again.
const AGAIN: Duration = Duration::from_mins(10);
const AGAIN_EVERY: Duration = Duration::from_millis(500);

/// What an open loop saw.
#[derive(Default)]
struct Seen {
    taken: Vec<Duration>,
    refused: u64,
    /// Neither 2xx, nor told to come again.
    otherwise: Vec<u16>,
    left: Vec<Letter>,
}

async fn run(plan: &Plan, report: &mut Report) -> Result<()> {
    let setting = Setting {
        config: standard_config().replacen(
            "mode: inbound\n",
            &format!("mode: inbound\n    rate: {RATE}/s\n"),
            1,
        ),
        ..Setting::default()
    };
    let stage = Stage::open(plan, "overload", setting).await?;
    let mut demands = Verdict::new(
        "R16",
        "goodput stays, the rest is told to wait, it recovers",
    );
    let capacity = open_loop(&stage, RATE, MEASURED).await?;
    let capacity_rate = rate(&capacity, MEASURED);
    let time = Duration::from_secs(if plan.long { 60 } else { 10 });
    let mut over = open_loop(&stage, RATE * TIMES, time).await?;
    let goodput = rate(&over, time);
    let longest = permille(&mut over.taken, 990);
    report.figure("capacity", format!("{capacity_rate:.0} events/s"));
    report.figure("goodput under overload", format!("{goodput:.0} events/s"));
    report.figure("p99 of its acknowledgements", format!("{longest:.1?}"));
    report.fired("refused", over.refused);
    demands.demand(goodput >= 0.9 * capacity_rate, || {
        format!("{goodput:.0} events/s under overload, {capacity_rate:.0} at capacity")
    });
    demands.demand(longest < LONGEST, || format!("a p99 of {longest:?}"));
    for status in capacity.otherwise.iter().chain(&over.otherwise) {
        demands.demand(false, || format!("{status} without a Retry-After"));
    }
    sleep(REST).await;
    let after = open_loop(&stage, RATE / 2, MEASURED).await?;
    let (refused, mut taken) = (after.refused, after.taken);
    let recovered = permille(&mut taken, 990);
    report.figure("p99 after it", format!("{recovered:.1?}"));
    demands.demand(refused == 0 && recovered < LONGEST, || {
        format!("{refused} refused after the overload, a p99 of {recovered:?}")
    });
    report.judged(vec![demands]);
    let left = [capacity.left, over.left, after.left].concat();
    settle(&stage, left).await?;
    stage.judge(Duration::from_mins(3), report).await
}

/// Sends so many a second, whatever becomes of those before, and each once.
async fn open_loop(stage: &Stage, per_second: u32, time: Duration) -> Result<Seen> {
    let begin = Instant::now();
    let gap = Duration::from_secs(1) / per_second;
    let lanes = (0_u32..).take(LANES).map(|lane| async move {
        let (mut courier, keys, mut seen) = (stage.courier(), stage.keys(), Seen::default());
        for number in (lane..).step_by(LANES) {
            let after = gap * number;
            if after >= time {
                break;
            }
            sleep_until(begin + after).await;
            let letter = letter(keys.fetch_add(1, Ordering::Relaxed));
            send(&mut courier, letter, (begin + after, &mut seen)).await?;
        }
        courier.write().await?;
        anyhow::Ok(seen)
    });
    let mut all = Seen::default();
    for seen in join_all(lanes).await {
        let seen = seen?;
        all.taken.extend(seen.taken);
        all.refused += seen.refused;
        all.otherwise.extend(seen.otherwise);
        all.left.extend(seen.left);
    }
    Ok(all)
}

async fn send(
    courier: &mut Courier,
    letter: Letter,
    (due, seen): (Instant, &mut Seen),
) -> Result<()> {
    let sending = courier.send(&letter).await?;
    if sending.is_acknowledged() {
        seen.taken.push(due.elapsed());
        return Ok(());
    }
    seen.left.push(letter);
    if sending.told_to_wait && matches!(sending.status, 429 | 503) {
        seen.refused += 1;
    } else {
        seen.otherwise.push(sending.status);
    }
    Ok(())
}

/// Sends what was refused until it is taken: an event that nobody sends again is nobody's loss, but
/// the ledgers would not know.
async fn settle(stage: &Stage, mut left: Vec<Letter>) -> Result<()> {
    let begin = Instant::now();
    let mut courier = stage.courier();
    while let Some(letter) = left.pop() {
        ensure!(begin.elapsed() < AGAIN, "{} were never taken", left.len());
        if !courier.send(&letter).await?.is_acknowledged() {
            left.push(letter);
            sleep(AGAIN_EVERY).await;
        }
    }
    courier.write().await
}

fn letter(key: u64) -> Letter {
    Letter::new(&Content {
        to: "orders",
        key,
        session: "",
        agents: &["alpha"],
        text: "one of too many",
        file: None,
    })
}

/// Taken events per second.
fn rate(seen: &Seen, time: Duration) -> f64 {
    let taken = u32::try_from(seen.taken.len()).unwrap_or(u32::MAX);
    f64::from(taken) / time.as_secs_f64()
}
