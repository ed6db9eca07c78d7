//! The whole way on an idle hub: one event at a time, from its sending to its delivery.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};

use super::{Plan, RUNS_MAX, config};
use crate::histogram::Histogram;
use crate::hub::{Hub, order, post};
use crate::load::{as_f64, connect, expect};
use crate::message::Inbox;
use crate::receiver::Receiver;
use crate::report::{Table, count, median, micros_each, millis, tenths};

/// Between a delivery and the next event: the hub records the delivery meanwhile.
const REST: Duration = Duration::from_millis(5);

/// What one repetition gave.
#[derive(Debug, Default)]
struct Round {
    events: u64,
    acknowledged: Histogram,
    delivered: Histogram,
    cpu: Duration,
}

pub(super) async fn run(plan: &Plan) -> Result<Vec<Table>> {
    let columns = [
        "",
        "events",
        "p50 ms to the 202",
        "p99 ms to the 202",
        "**p50 ms to the destination**",
        "p99 ms to the destination",
        "p99.9 ms to the destination",
        "hub CPU µs",
    ];
    let mut table = Table::new("Idle: from an event's sending to its delivery", &columns);
    table.note("One event at a time, five milliseconds after the last one was delivered.");
    let arrivals = Arc::new(Semaphore::new(0));
    let receiver = Receiver::start(Arc::clone(&arrivals)).await?;
    let setup = plan.setup("idle", config::delivering(receiver.address))?;
    let hub = Hub::start(&setup).await?;
    let mut sent = round(&hub, &arrivals, Duration::from_millis(300))
        .await?
        .events;
    let mut rounds = Vec::new();
    for _ in 0..plan.repeat {
        let round = round(&hub, &arrivals, plan.time).await?;
        sent += round.events;
        rounds.push(round);
    }
    table.note(receiver.ledger(sent)?);
    hub.stop().await?;
    table.row(row(&rounds));
    Ok(vec![table])
}

/// One event after the other, for `time`.
async fn round(hub: &Hub, arrivals: &Semaphore, time: Duration) -> Result<Round> {
    let request = post("inbound", &order());
    let mut stream = connect(hub.address).await?;
    let mut inbox = Inbox::default();
    let mut round = Round::default();
    let before = hub.process()?.spent()?;
    let begin = Instant::now();
    while begin.elapsed() < time {
        let sent_at = Instant::now();
        stream.write_all(&request).await?;
        let answer = inbox.next(&mut stream).await?;
        let answer = answer.context("the connection was closed instead of an answer")?;
        expect(&answer, 202)?;
        round.acknowledged.record(sent_at.elapsed());
        let arrival = timeout(RUNS_MAX, arrivals.acquire()).await;
        arrival.context("an event was not delivered")??.forget();
        round.delivered.record(sent_at.elapsed());
        round.events += 1;
        sleep(REST).await;
    }
    round.cpu = hub.process()?.spent()?.cpu_since(&before);
    Ok(round)
}

fn row(rounds: &[Round]) -> Vec<String> {
    let of = |field: fn(&Round) -> f64| median(rounds.iter().map(field));
    vec![
        "`echo`".to_owned(),
        count(of(|round| as_f64(round.events))),
        millis(of(|round| seconds(&round.acknowledged, 500))),
        millis(of(|round| seconds(&round.acknowledged, 990))),
        format!("**{}**", millis(of(|round| seconds(&round.delivered, 500)))),
        millis(of(|round| seconds(&round.delivered, 990))),
        millis(of(|round| seconds(&round.delivered, 999))),
        tenths(of(|round| micros_each(round.cpu, round.events))),
    ]
}

fn seconds(latencies: &Histogram, per_mille: u64) -> f64 {
    latencies.quantile(per_mille).as_secs_f64()
}
