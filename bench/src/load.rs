//! A load of callers with a connection each. In the closed loop, a caller sends its next request
//! when its last one is answered. In the open loop, requests are due at a fixed rate whatever the
//! answers do, and what they take is counted from then: one that had to wait for a free caller is
//! as late as its sender would have found it.
//!
//! The callers run on the one thread of the bench, over sockets of its own and with requests built
//! beforehand, because the hub has to share its processors with it. Its own CPU time is reported.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::Instant;

use crate::histogram::Histogram;
use crate::message::{Inbox, Message};
use crate::process;

/// In a request: an address of the caller's own.
pub(crate) const SENDER: &str = "@sender@";

/// What is sent to whom, and for how long.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) target: SocketAddr,
    /// Where it has [`SENDER`], each caller writes an address there that no other has.
    pub(crate) request: Bytes,
    /// The only status that counts as an answer; any other ends the measurement.
    pub(crate) status: u16,
    pub(crate) callers: usize,
    pub(crate) until: Until,
    /// The open loop; `None` is the closed one.
    pub(crate) pace: Option<Pace>,
    /// Every request takes one permit and does not give it back: somebody else does.
    pub(crate) window: Option<Arc<Semaphore>>,
}

impl Load {
    /// A closed loop without a window.
    pub(crate) fn closed(
        target: SocketAddr,
        request: Bytes,
        status: u16,
        callers: usize,
        until: Until,
    ) -> Self {
        Self {
            target,
            request,
            status,
            callers,
            until,
            pace: None,
            window: None,
        }
    }
}

/// A fixed rate over all callers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) per_second: f64,
    pub(crate) flow: Flow,
}

impl Pace {
    /// How long after the begin a request is due.
    fn due(self, number: u64) -> Duration {
        Duration::from_secs_f64(as_f64(number) / self.per_second)
    }

    /// When it is let go: then, or with the next burst.
    fn goes(self, number: u64) -> Duration {
        let due = self.due(number);
        match self.flow {
            Flow::Even => due,
            Flow::Bursts => {
                let bursts = due.as_nanos().div_ceil(BURST.as_nanos());
                BURST * u32::try_from(bursts).unwrap_or(u32::MAX)
            }
        }
    }
}

/// How requests follow one another at a fixed rate.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Flow {
    /// Each goes when it is due.
    Even,
    /// Those that are due go together, once in a millisecond. So it is in the closed loop on a hub,
    /// which answers all callers of one commit at once; and a server that is called evenly pays for
    /// waking up each time.
    Bursts,
}

const BURST: Duration = Duration::from_millis(1);

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
    /// From the sending, or from when the request was due, to the answer.
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
        due: Arc::new(Semaphore::new(0)),
    };
    let mut callers = JoinSet::new();
    for stream in streams {
        callers.spawn(caller(load.clone(), stream, begin.clone()));
    }
    let joined = tokio::try_join!(gather(callers), pacer(load, &begin));
    // A pacer that is left behind by an error ends as well.
    begin.due.close();
    let (of_all, ()) = joined?;
    Ok(Tally {
        answered: of_all.answered,
        elapsed: of_all
            .last_at
            .map_or_else(|| begin.at.elapsed(), |last| last - begin.at),
        latencies: of_all.latencies,
        own_cpu: process::own_cpu().saturating_sub(cpu_before),
    })
}

/// What all callers of one load share.
#[derive(Clone)]
struct Begin {
    at: Instant,
    sent: Arc<AtomicU64>,
    /// One permit for each request that is due, in the open loop.
    due: Arc<Semaphore>,
}

impl Begin {
    /// Whether a request is still part of the load. In the open loop all that fall due in time are,
    /// however late they get their turn.
    fn wants(&self, load: &Load, number: u64) -> bool {
        match (load.until, load.pace) {
            (Until::Sent(most), _) => number < most,
            (Until::Elapsed(time), None) => self.at.elapsed() < time,
            (Until::Elapsed(time), Some(pace)) => pace.due(number) < time,
        }
    }
}

/// What came of one caller, or of several.
#[derive(Default)]
struct Part {
    answered: u64,
    latencies: Histogram,
    /// When the last answer came.
    last_at: Option<Instant>,
}

async fn gather(mut callers: JoinSet<Result<Part>>) -> Result<Part> {
    let mut all = Part::default();
    while let Some(ended) = callers.join_next().await {
        let one = ended.context("a caller panicked")??;
        all.latencies.merge(&one.latencies);
        all.answered += one.answered;
        all.last_at = all.last_at.max(one.last_at);
    }
    Ok(all)
}

/// Lets requests go when they are due; at the end, lets every caller learn that it is the end.
///
/// It has a thread of its own, whose sleep is exact to the kernel's timer slack (50 µs where nobody
/// changed it): the runtime's timers round up to a millisecond, which would stand in every latency.
async fn pacer(load: &Load, begin: &Begin) -> Result<()> {
    let Some(pace) = load.pace else {
        return Ok(());
    };
    let (load, begin) = (load.clone(), begin.clone());
    let pacing = spawn_blocking(move || {
        let mut number = 0;
        while begin.wants(&load, number) && !begin.due.is_closed() {
            thread::sleep(pace.goes(number).saturating_sub(begin.at.elapsed()));
            begin.due.add_permits(1);
            number += 1;
        }
        begin.due.add_permits(load.callers);
    });
    pacing.await.context("the pacer panicked")
}

/// A request with an address of its own in the place of [`SENDER`].
fn own(request: &Bytes) -> Bytes {
    static SENDERS: AtomicU32 = AtomicU32::new(0);
    let mut places = request.windows(SENDER.len());
    let Some(at) = places.position(|place| place == SENDER.as_bytes()) else {
        return request.clone();
    };
    let [_, a, b, c] = SENDERS.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    let address = format!("10.{a}.{b}.{c}");
    let (before, after) = (request.slice(..at), request.slice(at + SENDER.len()..));
    [&before, address.as_bytes(), &after].concat().into()
}

async fn caller(load: Load, mut stream: TcpStream, begin: Begin) -> Result<Part> {
    let request = own(&load.request);
    let mut inbox = Inbox::default();
    let mut part = Part::default();
    while let Some(intended) = turn(&load, &begin).await? {
        stream.write_all(&request).await?;
        let answer = inbox.next(&mut stream).await?;
        let answer = answer.context("the connection was closed instead of an answer")?;
        expect(&answer, load.status)?;
        let answered_at = Instant::now();
        part.latencies.record(answered_at - intended);
        part.answered += 1;
        part.last_at = Some(answered_at);
    }
    Ok(part)
}

/// Waits until the next request may go, and tells when it should have gone; `None` where there is
/// none.
async fn turn(load: &Load, begin: &Begin) -> Result<Option<Instant>> {
    if let Some(window) = &load.window {
        window.acquire().await?.forget();
    }
    if load.pace.is_some() {
        begin.due.acquire().await?.forget();
    }
    let number = begin.sent.fetch_add(1, Ordering::Relaxed);
    let intended = || match load.pace {
        Some(pace) => begin.at + pace.due(number),
        None => Instant::now(),
    };
    Ok(begin.wants(load, number).then(intended))
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
