//! A closed loop of callers: each sends its next request when its last one is answered.
//!
//! It runs on the one thread of the bench, over sockets of its own and with requests built
//! beforehand, because the hub has to share its processors with it. Its own CPU time is reported.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::histogram::Histogram;
use crate::message::{Inbox, Message};
use crate::process;

/// What is sent to whom, and for how long.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) target: SocketAddr,
    pub(crate) request: Bytes,
    /// The only status that counts as an answer; any other ends the measurement.
    pub(crate) status: u16,
    pub(crate) callers: usize,
    pub(crate) until: Until,
    /// Requests per second over all callers; `None` is as fast as they are answered.
    pub(crate) pace: Option<f64>,
    /// Every request takes one permit and does not give it back: somebody else does.
    pub(crate) window: Option<Arc<Semaphore>>,
}

/// When no further request is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Until {
    Elapsed(Duration),
    Sent(u64),
}

/// What came of a load.
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) answered: u64,
    /// From the first request to the last answer.
    pub(crate) elapsed: Duration,
    pub(crate) latencies: Histogram,
    /// What the bench's own process spent meanwhile.
    pub(crate) own_cpu: Duration,
}

impl Tally {
    pub(crate) fn per_second(&self) -> f64 {
        as_f64(self.answered) / self.elapsed.as_secs_f64()
    }
}

/// Puts the load on and waits for its last answer.
pub(crate) async fn run(load: &Load) -> Result<Tally> {
    let mut streams = Vec::with_capacity(load.callers);
    for _ in 0..load.callers {
        streams.push(connect(load.target).await?);
    }
    let cpu_before = process::own_cpu();
    let begin = Begin {
        at: Instant::now(),
        sent: Arc::default(),
    };
    let mut callers = JoinSet::new();
    for stream in streams {
        callers.spawn(caller(load.clone(), stream, begin.clone()));
    }
    let mut latencies = Histogram::default();
    let mut answered = 0;
    while let Some(ended) = callers.join_next().await {
        let of_one = ended.context("a caller panicked")??;
        latencies.merge(&of_one.latencies);
        answered += of_one.answered;
    }
    Ok(Tally {
        answered,
        elapsed: begin.at.elapsed(),
        latencies,
        own_cpu: process::own_cpu().saturating_sub(cpu_before),
    })
}

/// What all callers of one load share.
#[derive(Clone)]
struct Begin {
    at: Instant,
    sent: Arc<AtomicU64>,
}

struct OfOne {
    answered: u64,
    latencies: Histogram,
}

async fn caller(load: Load, mut stream: TcpStream, begin: Begin) -> Result<OfOne> {
    let mut inbox = Inbox::default();
    let mut latencies = Histogram::default();
    let mut answered = 0;
    while turn(&load, &begin).await? {
        let sent_at = Instant::now();
        stream.write_all(&load.request).await?;
        let answer = inbox.next(&mut stream).await?;
        let answer = answer.context("the connection was closed instead of an answer")?;
        expect(&answer, load.status)?;
        latencies.record(sent_at.elapsed());
        answered += 1;
    }
    Ok(OfOne {
        answered,
        latencies,
    })
}

/// Waits until the next request may go; `false` where there is none.
async fn turn(load: &Load, begin: &Begin) -> Result<bool> {
    if let Some(window) = &load.window {
        window.acquire().await?.forget();
    }
    let number = begin.sent.fetch_add(1, Ordering::Relaxed);
    if let Some(pace) = load.pace {
        let due = begin.at + Duration::from_secs_f64(as_f64(number) / pace);
        if due > Instant::now() {
            tokio::time::sleep_until(due).await;
        }
    }
    Ok(match load.until {
        Until::Elapsed(time) => begin.at.elapsed() < time,
        Until::Sent(most) => number < most,
    })
}

/// A connection without delays.
pub(crate) async fn connect(target: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(target).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// One request over a connection of its own.
pub(crate) async fn call(target: SocketAddr, request: &[u8]) -> Result<Message> {
    let mut stream = connect(target).await?;
    stream.write_all(request).await?;
    let answer = Inbox::default().next(&mut stream).await?;
    answer.context("the connection was closed instead of an answer")
}

/// Refuses an answer with another status, and shows what it said.
pub(crate) fn expect(answer: &Message, status: u16) -> Result<()> {
    let found = answer.status()?;
    ensure!(
        found == status,
        "the answer was {found} instead of {status}: {}",
        String::from_utf8_lossy(&answer.body)
    );
    Ok(())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a benchmark stay far below 2^52"
)]
pub(crate) fn as_f64(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests;
