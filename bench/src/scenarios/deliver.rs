//! The whole way: accepted, run by `echo`, delivered to a receiver. Each has three commits and a
//! signed request.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};

use super::Plan;
use super::cell::{Cell, measure, warm_up};
use crate::hub::{Hub, SECRET, order, post};
use crate::load::{Load, Until, as_f64};
use crate::receiver::Receiver;
use crate::report::{Table, count, median, millis, tenths};

const CALLERS: usize = 64;
/// How many events are between their sending and their delivery at the most.
const WINDOW: usize = 1_000;
/// How long the last deliveries may take.
const REST_MAX: Duration = Duration::from_mins(2);

pub(super) async fn run(plan: &Plan) -> Result<Vec<Table>> {
    let columns = [
        "",
        "delivered per second",
        "p50 ms of the 202",
        "p99 ms of the 202",
        "hub CPU µs",
        "written KiB",
        "generator and receiver CPU µs",
    ];
    let mut table = Table::new("Accept → run → delivered", &columns);
    table.note(format!(
        "{CALLERS} callers, at most {WINDOW} events on their way; counted by distinct `webhook-id`."
    ));
    let window = Arc::new(Semaphore::new(WINDOW));
    let receiver = Receiver::start(Arc::clone(&window)).await?;
    let setup = plan.setup("deliver", config(receiver.address))?;
    let hub = Hub::start(&setup).await?;
    let load = Load {
        target: hub.address,
        request: post("inbound", &order()),
        status: 202,
        callers: CALLERS,
        until: Until::Elapsed(plan.time),
        pace: None,
        window: Some(window),
    };
    let mut sent = warm_up(&load).await?;
    rest(&receiver, sent).await?;
    let (mut cells, mut rates) = (Vec::new(), Vec::new());
    for _ in 0..plan.repeat {
        let begin = Instant::now();
        let measured = measure(hub.process()?, &load, async |tally| {
            sent += tally.answered;
            rest(&receiver, sent).await
        });
        let cell = timeout(plan.time + REST_MAX, measured)
            .await
            .context("the deliveries stopped")??;
        rates.push(as_f64(cell.answered) / begin.elapsed().as_secs_f64());
        cells.push(cell);
    }
    ensure!(
        receiver.distinct() == sent,
        "{} of {sent} events were delivered",
        receiver.distinct()
    );
    table.note(format!(
        "{} deliveries in {} requests; none is missing.",
        count(as_f64(sent)),
        count(as_f64(receiver.requests()))
    ));
    table.row(row(&cells, rates));
    hub.stop().await?;
    Ok(vec![table])
}

/// Waits until everything sent has been delivered.
async fn rest(receiver: &Receiver, sent: u64) -> Result<()> {
    let all = async {
        while receiver.distinct() < sent {
            sleep(Duration::from_millis(1)).await;
        }
    };
    let waited = timeout(REST_MAX, all).await;
    waited.with_context(|| format!("{} of {sent} events were delivered", receiver.distinct()))
}

fn row(cells: &[Cell], rates: Vec<f64>) -> Vec<String> {
    let of = |field: fn(&Cell) -> f64| median(cells.iter().map(field));
    vec![
        "`echo`".to_owned(),
        count(median(rates)),
        millis(of(|cell| cell.p50_seconds)),
        millis(of(|cell| cell.p99_seconds)),
        tenths(of(|cell| cell.cpu_micros)),
        tenths(of(|cell| cell.written / 1024.0)),
        tenths(of(|cell| cell.own_micros)),
    ]
}

fn config(receiver: SocketAddr) -> String {
    format!(
        "agents:
  - {{ name: agent, runtime: echo, concurrency: 64 }}
connectors:
  - name: inbound
    type: webhook
    mode: inbound
    secret: {SECRET}
    agents: [agent]
  - name: outbound
    type: webhook
    mode: outbound
    secret: {SECRET}
    agents: [agent]
    settings: {{ url: \"http://{receiver}/\" }}
egress:
  allow: [127.0.0.0/8]
"
    )
}
