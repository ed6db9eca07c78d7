//! The sockets: who may connect, how long anything may take, and how it all ends.
//!
//! HTTP/1.1 and HTTP/2 on one port, with TLS or without.

mod answer;
mod converse;
mod guard;
mod places;
mod streams;
mod tls;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::rt::Executor;
use hyper::server::conn::http1;
use hyper_util::rt::TokioTimer;
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::converse::converse;
use self::places::Places;
use crate::limits::{
    ACCEPT_PAUSE, CONNECTIONS, HANDSHAKES, HEAD_BYTES, HEAD_READ, IN_FLIGHT, PING_EVERY,
    STREAM_RESETS, STREAMS,
};
use crate::peer::TrustedProxies;
use crate::shares::Share;

pub use self::tls::Tls;

/// How a listener is served.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// How many connections at once.
    pub connections: usize,
    /// How long requests in hand have once the listener is told to stop.
    pub grace: Duration,
    /// What is spoken; `None` is plain HTTP.
    pub tls: Option<Tls>,
    /// Whose word for the addresses of others is taken.
    pub proxies: TrustedProxies,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            connections: CONNECTIONS,
            grace: Duration::from_secs(30),
            tls: None,
            proxies: TrustedProxies::default(),
        }
    }
}

/// Serves a listener until `stop`; then takes no more connections, finishes the requests in hand,
/// and returns when they are done or their grace is over.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
    options: ServeOptions,
) {
    let tasks = TaskTracker::new();
    let abandon = CancellationToken::new();
    let tracked = Tracked {
        tasks: tasks.clone(),
        abandon: abandon.clone(),
    };
    let server = Arc::new(Server {
        router,
        http1: http1_builder(),
        http2: either_builder(tracked.clone()).http2_only(),
        either: either_builder(tracked),
        tls: options.tls,
        proxies: options.proxies,
        places: Arc::new(Places::new(options.connections)),
        handshakes: Arc::new(Places::new(HANDSHAKES)),
        in_flight: Arc::new(Places::new(IN_FLIGHT)),
        stop: stop.clone(),
        abandon: abandon.clone(),
    });
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => welcome(&server, &tasks, stream, peer),
            Err(error) => rest(&error).await,
        }
    }
    drop(listener);
    tasks.close();
    if timeout(options.grace, tasks.wait()).await.is_err() {
        tracing::warn!(open = tasks.len(), "requests in hand are given up");
        abandon.cancel();
        tasks.wait().await;
    }
}

struct Server {
    router: Router,
    http1: http1::Builder,
    /// For connections that have agreed on it in their handshake.
    http2: auto::Builder<Tracked>,
    /// For connections of which nothing says yet that they speak HTTP/1.1.
    either: auto::Builder<Tracked>,
    tls: Option<Tls>,
    proxies: TrustedProxies,
    places: Arc<Places>,
    /// Of connections that have not shaken hands yet.
    handshakes: Arc<Places>,
    in_flight: Arc<Places>,
    stop: CancellationToken,
    abandon: CancellationToken,
}

impl Server {
    /// How much of what there is an address may take.
    fn share(&self, address: IpAddr) -> Share {
        if self.proxies.hold(address.to_canonical()) {
            Share::Proxy
        } else {
            Share::Client
        }
    }
}

fn http1_builder() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_READ)
        .max_buf_size(HEAD_BYTES)
        // A read may bring more than the buffer's limit asks for.
        .max_header_size(HEAD_BYTES);
    builder
}

fn either_builder(tracked: Tracked) -> auto::Builder<Tracked> {
    let mut builder = auto::Builder::new(tracked);
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_READ)
        .max_buf_size(HEAD_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_pending_accept_reset_streams(STREAM_RESETS)
        .max_local_error_reset_streams(STREAM_RESETS)
        .max_header_list_size(u32::try_from(HEAD_BYTES).unwrap_or(u32::MAX))
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_EVERY);
    builder
}

fn welcome(server: &Arc<Server>, tasks: &TaskTracker, stream: TcpStream, peer: SocketAddr) {
    // Without it, an answer may wait for the other side's acknowledgement of the one before.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection was gone at once");
        return;
    }
    let address = peer.ip();
    match server.places.take(address, server.share(address)) {
        Ok(place) => {
            tasks.spawn(converse(Arc::clone(server), stream, address, place));
        }
        // In words, where it needs no handshake to say them.
        Err(Some(refusal)) if server.tls.is_none() => {
            tasks.spawn(places::refuse(stream, refusal));
        }
        Err(_) => {}
    }
}

async fn rest(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    if !matches!(
        error.kind(),
        ConnectionAborted | ConnectionReset | Interrupted
    ) {
        tracing::warn!(%error, "no connection can be accepted");
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}

/// Runs the streams of HTTP/2 connections where a shutdown can wait for them.
#[derive(Clone, Debug)]
struct Tracked {
    tasks: TaskTracker,
    abandon: CancellationToken,
}

impl<F> Executor<F> for Tracked
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, future: F) {
        let abandon = self.abandon.clone();
        self.tasks
            .spawn(async move { abandon.run_until_cancelled(future).await });
    }
}

#[cfg(test)]
mod tests;
