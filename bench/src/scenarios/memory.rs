//! Memory: at rest, with a long queue, and with many connections: at rest, and each with a caller
//! that waits for an answer.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::Plan;
use crate::hub::{Hub, SECRET, order, post};
use crate::load::{self, Load, Until, connect, expect};
use crate::message::Inbox;
use crate::process::Memory;
use crate::receiver::Silent;
use crate::report::{Table, megabytes};

const QUEUED: u64 = 100_000;
const CONNECTIONS: usize = 5_000;
const LIMIT: &str = "no further connection: `ulimit -n` must allow 12 000 open files";
const WAITING_MAX: Duration = Duration::from_mins(1);
/// What has to be done after a change has been done by then.
const CALM: Duration = Duration::from_secs(1);

pub(super) async fn run(plan: &Plan) -> Result<Vec<Table>> {
    let columns = ["", "resident MB", "proportional (PSS) MB", "anonymous MB"];
    let mut table = Table::new("Memory of the hub", &columns);
    let silent = Silent::start().await?;
    let setup = plan.setup("memory", config(&silent))?;

    let hub = Hub::start(&setup).await?;
    hub.pause("agent").await?;
    sleep(CALM).await;
    row(&mut table, "idle, empty store", hub.process()?.memory()?);
    let request = post("inbound", &order());
    let load = Load::closed(hub.address, request, 202, 64, Until::Sent(QUEUED));
    load::run(&load).await?;
    sleep(CALM).await;
    row(
        &mut table,
        "100 000 queued runs, just accepted by 64 callers",
        hub.process()?.memory()?,
    );
    hub.stop().await?;

    let hub = Hub::start(&setup).await?;
    sleep(CALM).await;
    row(
        &mut table,
        "100 000 queued runs, after a restart",
        hub.process()?.memory()?,
    );
    hub.stop().await?;

    let fresh = plan.setup("memory-resting", config(&silent))?;
    let hub = Hub::start(&fresh).await?;
    let resting = rest(&hub).await?;
    sleep(CALM).await;
    row(
        &mut table,
        "5 000 connections at rest, each after a request",
        hub.process()?.memory()?,
    );
    drop(resting);
    hub.stop().await?;

    let fresh = plan.setup("memory-waiting", config(&silent))?;
    let hub = Hub::start(&fresh).await?;
    let waiting = wait(&hub).await?;
    sleep(CALM).await;
    row(
        &mut table,
        "5 000 callers waiting in sync mode",
        hub.process()?.memory()?,
    );
    drop(waiting);
    // Ending it in order would wait for the callers' runs, which never end.
    drop(hub);
    Ok(vec![table])
}

/// Connections on which an event was accepted.
async fn rest(hub: &Hub) -> Result<Vec<TcpStream>> {
    let request = post("inbound", &order());
    let mut resting = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        let mut stream = connect(hub.address).await.context(LIMIT)?;
        stream.write_all(&request).await?;
        let answer = Inbox::default().next(&mut stream).await?;
        expect(&answer.context("a connection was closed")?, 202)?;
        resting.push(stream);
    }
    Ok(resting)
}

/// Callers that have sent their request and hold on.
async fn wait(hub: &Hub) -> Result<Vec<TcpStream>> {
    let request = post("sync", &order());
    let mut callers = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        let mut stream = connect(hub.address).await.context(LIMIT)?;
        stream.write_all(&request).await?;
        callers.push(stream);
    }
    let all = CONNECTIONS as u64;
    hub.reach("tieline_sync_waiting", all, WAITING_MAX).await?;
    Ok(callers)
}

fn row(table: &mut Table, name: &str, memory: Memory) {
    let Memory {
        resident,
        proportional,
        anonymous,
    } = memory;
    let numbers = [resident, proportional, anonymous].map(megabytes);
    table.row([name.to_owned()].into_iter().chain(numbers).collect());
}

fn config(silent: &Silent) -> String {
    let silent = silent.address;
    format!(
        "agents:
  - {{ name: agent, runtime: echo }}
  - {{ name: silent, runtime: http, url: \"http://{silent}/\", concurrency: 64, timeout: 5m }}
connectors:
  - name: inbound
    type: webhook
    mode: inbound
    secret: {SECRET}
    agents: [agent]
  - name: sync
    type: webhook
    mode: sync
    secret: {SECRET}
    agents: [silent]
"
    )
}
