//! Soak: steady load for as long as `--seconds` says, and whether anything in the hub grows.
//!
//! The load is events that are delivered, round trips in sync mode, and callers that come with a
//! connection of their own, all at fixed rates well below what the hub can do.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, sleep_until};

use super::{Plan, RUNS_MAX, config};
use crate::hub::{Hub, SECRET, order, post};
use crate::load::{self, Flow, Load, Pace, Tally, Until, as_f64, call, expect};
use crate::process::{Handles, Memory};
use crate::receiver::Receiver;
use crate::report::{Table, count, hundredths, megabytes, millis, slope, tenths};

/// Events and round trips together, per second, where `--rates` says nothing.
const RATE: f64 = 1_000.0;
const CALLERS: usize = 64;
const SAMPLE_EVERY: Duration = Duration::from_mins(1);
/// Fewest samples, however short it is.
const SAMPLES: u32 = 10;
/// Between two callers that come with a connection of their own.
const COMES_EVERY: Duration = Duration::from_millis(50);

/// The hub at one moment.
#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Duration,
    memory: Memory,
    handles: Handles,
    runs: u64,
}

pub(super) async fn run(plan: &Plan) -> Result<Vec<Table>> {
    let receiver = Receiver::start(Arc::new(Semaphore::new(0))).await?;
    let setup = plan.setup("soak", config(receiver.address))?;
    let hub = Hub::start(&setup).await?;
    let rate = plan.rates.first().copied().unwrap_or(RATE);
    let load = |connector: &str, status| Load {
        pace: Some(Pace {
            per_second: rate / 2.0,
            flow: Flow::Even,
        }),
        ..Load::closed(
            hub.address,
            post(connector, &order()),
            status,
            CALLERS,
            Until::Elapsed(plan.time),
        )
    };
    let (events, trips) = (load("inbound", 202), load("sync", 200));
    let (events, trips, came, samples) = tokio::try_join!(
        load::run(&events),
        load::run(&trips),
        come(&hub, plan.time),
        sample(&hub, plan.time)
    )?;
    receiver.reach(events.answered, RUNS_MAX).await?;
    let mut table = table(&samples);
    table.note(told(&events, &trips, came));
    table.note(receiver.ledger(events.answered)?);
    hub.stop().await?;
    Ok(vec![table])
}

/// Sync callers one after the other, each on a new connection; tells how many there were.
async fn come(hub: &Hub, time: Duration) -> Result<u64> {
    let request = post("sync", &order());
    let begin = Instant::now();
    let mut came = 0;
    while begin.elapsed() < time {
        expect(&call(hub.address, &request).await?, 200)?;
        came += 1;
        sleep(COMES_EVERY).await;
    }
    Ok(came)
}

/// The hub from the begin to the end, every minute or more often.
async fn sample(hub: &Hub, time: Duration) -> Result<Vec<Sample>> {
    let every = SAMPLE_EVERY.min(time / SAMPLES);
    let begin = Instant::now();
    let mut samples = Vec::new();
    let mut at = Duration::ZERO;
    while at <= time {
        sleep_until(begin + at).await;
        let process = hub.process()?;
        samples.push(Sample {
            at,
            memory: process.memory()?,
            handles: process.handles()?,
            runs: hub.metric("tieline_runs_queued_total").await?,
        });
        at += every;
    }
    Ok(samples)
}

fn table(samples: &[Sample]) -> Table {
    let columns = [
        "minute",
        "runs until then",
        "resident MB",
        "anonymous MB",
        "open files and sockets",
        "threads",
    ];
    let mut table = Table::new("Soak: the hub under steady load", &columns);
    for sample in samples {
        table.row(vec![
            hundredths(sample.at.as_secs_f64() / 60.0),
            count(as_f64(sample.runs)),
            megabytes(sample.memory.resident),
            megabytes(sample.memory.anonymous),
            sample.handles.open.to_string(),
            sample.handles.threads.to_string(),
        ]);
    }
    let (_, late) = samples.split_at(samples.len() / 2);
    let per_hour = |of: fn(&Sample) -> u64| {
        let point = |sample: &Sample| (sample.at.as_secs_f64() / 3600.0, as_f64(of(sample)));
        slope(&late.iter().map(point).collect::<Vec<_>>())
    };
    table.note(format!(
        "Growth per hour, by least squares over the second half: {} MB resident, {} MB anonymous, \
         {} open files and sockets, {} threads.",
        tenths(per_hour(|sample| sample.memory.resident) * 1024.0 / 1e6),
        tenths(per_hour(|sample| sample.memory.anonymous) * 1024.0 / 1e6),
        tenths(per_hour(|sample| sample.handles.open)),
        tenths(per_hour(|sample| sample.handles.threads)),
    ));
    table
}

fn told(events: &Tally, trips: &Tally, came: u64) -> String {
    let p99 = |tally: &Tally| millis(tally.latencies.quantile(990).as_secs_f64());
    format!(
        "{} events (p99 {} ms), {} round trips (p99 {} ms) and {} callers with a connection of \
         their own.",
        count(as_f64(events.answered)),
        p99(events),
        count(as_f64(trips.answered)),
        p99(trips),
        count(as_f64(came))
    )
}

/// The whole way, and `sync` ↔ `other`, whose results are not delivered.
fn config(receiver: SocketAddr) -> String {
    let delivering = config::delivering(receiver);
    let other = "agents:\n  - { name: other, runtime: echo, concurrency: 64 }\n";
    let sync = format!(
        "connectors:
  - name: sync
    type: webhook
    mode: sync
    secret: {SECRET}
    agents: [other]
"
    );
    delivering
        .replacen("agents:\n", other, 1)
        .replacen("connectors:\n", &sync, 1)
}
