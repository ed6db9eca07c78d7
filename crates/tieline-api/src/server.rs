//! The sockets: who may connect, how long anything may take, and how it all ends.
//!
//! HTTP/1.1 and HTTP/2 on one port. A handler that panics costs its request a 500 and nothing else.

mod guard;
mod places;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::response::{IntoResponse as _, Response};
use axum::{BoxError, Router};
use futures_util::FutureExt as _;
use http::Request;
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulConnection;
use tieline_contract::Code;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service as _;

use self::guard::{Guarded, PREFACE};
use self::places::{Place, Places};
use crate::limits::{
    ACCEPT_PAUSE, CONNECTIONS, HEAD_BYTES, HEAD_READ, PING_EVERY, STREAM_RESETS, STREAMS,
};
use crate::problem::{Failure, is_of_connectors};

/// How a listener is served.
#[derive(Clone, Copy, Debug)]
pub struct ServeOptions {
    /// How many connections at once.
    pub connections: usize,
    /// How long requests in hand have once the listener is told to stop.
    pub grace: Duration,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            connections: CONNECTIONS,
            grace: Duration::from_secs(30),
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
        either: either_builder(tracked),
        stop: stop.clone(),
        abandon: abandon.clone(),
    });
    let places = Arc::new(Places::new(options.connections));
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => welcome(&server, &places, &tasks, (stream, peer)),
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
    /// For connections of which nothing says yet that they speak HTTP/1.1.
    either: auto::Builder<Tracked>,
    stop: CancellationToken,
    abandon: CancellationToken,
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

fn welcome(
    server: &Arc<Server>,
    places: &Arc<Places>,
    tasks: &TaskTracker,
    (stream, peer): (TcpStream, SocketAddr),
) {
    // Without it, an answer may wait for the other side's acknowledgement of the one before.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection was gone at once");
        return;
    }
    match places.take(peer.ip()) {
        Ok(place) => {
            tasks.spawn(converse(Arc::clone(server), stream, place));
        }
        Err(Some(refusal)) => {
            tasks.spawn(places::refuse(stream, refusal));
        }
        Err(None) => {}
    }
}

/// One connection, from its first byte to its end.
async fn converse(server: Arc<Server>, stream: TcpStream, place: Place) {
    let http1 = tokio::select! {
        biased;
        () = server.stop.cancelled() => return,
        http1 = begins_http1(&stream) => http1,
    };
    let service = service_fn(|request| respond(server.router.clone(), request));
    let ended: Result<(), BoxError> = match http1 {
        Ok(true) => {
            let io = TokioIo::new(Guarded::after_opening(stream));
            let connection = server.http1.serve_connection(io, service);
            carry(&server, connection).await.map_err(Into::into)
        }
        Ok(false) => {
            let io = TokioIo::new(Guarded::new(stream));
            let connection = server.either.serve_connection(io, service);
            // Kept apart: what HTTP/2 needs would make every connection larger.
            Box::pin(carry(&server, connection)).await
        }
        Err(error) => Err(error.into()),
    };
    if let Err(error) = ended {
        tracing::debug!(error = %error, "a connection ended badly");
    }
    drop(place);
}

/// Whether what comes first is certain not to be HTTP/2; nothing is taken from the connection.
///
/// The library can tell as well, but reads ahead for it, and then holds a buffer of twice the size
/// for as long as the connection lasts.
async fn begins_http1(stream: &TcpStream) -> io::Result<bool> {
    let mut first = [0; PREFACE.len()];
    let seen = timeout(HEAD_READ, stream.peek(&mut first)).await??;
    let first = first.get(..seen).unwrap_or_default();
    Ok(!PREFACE.starts_with(first))
}

/// Serves a connection to its end, or to the end of the request in hand once the hub stops.
async fn carry<C: GracefulConnection>(server: &Server, connection: C) -> Result<(), C::Error> {
    tokio::pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => ended,
        () = server.stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection.as_mut() => ended,
                () = server.abandon.cancelled() => Ok(()),
            }
        }
    }
}

/// Passes a request on. Whatever happens in a handler, there is an answer.
async fn respond(mut router: Router, request: Request<Incoming>) -> Result<Response, Infallible> {
    let to_sender = is_of_connectors(request.uri());
    let answer = AssertUnwindSafe(router.call(request)).catch_unwind();
    let Ok(response) = answer.await else {
        // The panic hook has told the log where it happened.
        let detail = "The hub failed; its log says more.";
        let failure = Failure::new(Code::Internal, detail);
        let failure = if to_sender {
            failure.for_sender()
        } else {
            failure
        };
        return Ok(failure.into_response());
    };
    response
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
