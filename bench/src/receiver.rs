//! What stands at the other end: a receiver of deliveries that counts them, and an agent that
//! never answers. Both are served by the bench itself, over loopback.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::load::as_f64;
use crate::message::Inbox;
use crate::report::count;

/// A receiver that runs; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    _serving: JoinSet<()>,
}

/// What was received.
#[derive(Debug, Default)]
struct Seen {
    ids: HashSet<Vec<u8>>,
    requests: u64,
}

impl Receiver {
    /// Answers every request with 200, and gives the window one permit for each `webhook-id` that
    /// is new, before the answer.
    pub(crate) async fn start(window: Arc<Semaphore>) -> Result<Self> {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let shared = Arc::clone(&seen);
        let (address, serving) = listen(move |stream| {
            let (shared, window) = (Arc::clone(&shared), Arc::clone(&window));
            async move {
                // The hub closes its connections as it likes; what it lost, it sends again.
                let _closed = receive(stream, &shared, &window).await;
            }
        })
        .await?;
        Ok(Self {
            address,
            seen,
            _serving: serving,
        })
    }

    /// How many deliveries have arrived, by their ids.
    pub(crate) fn distinct(&self) -> u64 {
        self.seen().ids.len() as u64
    }

    /// How many requests have arrived, repetitions included.
    pub(crate) fn requests(&self) -> u64 {
        self.seen().requests
    }

    /// Waits until so many deliveries have arrived.
    pub(crate) async fn reach(&self, deliveries: u64, most: Duration) -> Result<()> {
        let all = async {
            while self.distinct() < deliveries {
                sleep(Duration::from_millis(1)).await;
            }
        };
        let waited = timeout(most, all).await;
        waited.with_context(|| format!("{} of {deliveries} events were delivered", self.distinct()))
    }

    /// Says how `sent` events arrived; fails where one did not, or one came that nobody sent.
    pub(crate) fn ledger(&self, sent: u64) -> Result<String> {
        let (distinct, requests) = (self.distinct(), self.requests());
        ensure!(
            distinct == sent,
            "{distinct} of {sent} events were delivered"
        );
        Ok(format!(
            "{} deliveries in {} requests; none is missing.",
            count(as_f64(sent)),
            count(as_f64(requests))
        ))
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn receive(mut stream: TcpStream, seen: &Mutex<Seen>, window: &Semaphore) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut inbox = Inbox::default();
    while let Some(request) = inbox.next(&mut stream).await? {
        let id = request.header("webhook-id").unwrap_or_default().to_vec();
        let is_new = {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.requests += 1;
            seen.ids.insert(id)
        };
        if is_new {
            window.add_permits(1);
        }
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            .await?;
    }
    Ok(())
}

/// An agent that takes every request and answers none; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Silent {
    pub(crate) address: SocketAddr,
    _serving: JoinSet<()>,
}

impl Silent {
    pub(crate) async fn start() -> Result<Self> {
        let (address, serving) = listen(|stream| async move {
            let _held = stream;
            std::future::pending::<()>().await;
        })
        .await?;
        Ok(Self {
            address,
            _serving: serving,
        })
    }
}

/// Serves each connection by a task of its own.
async fn listen<F>(
    serve: impl Fn(TcpStream) -> F + Send + 'static,
) -> Result<(SocketAddr, JoinSet<()>)>
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            connections.spawn(serve(stream));
            while connections.try_join_next().is_some() {}
        }
    });
    Ok((address, serving))
}

#[cfg(test)]
mod tests;
