//! One connection: what it speaks, who is at its other end, and each of its requests.
//!
//! A handler that panics costs its request a 500 and nothing else.

use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::BoxError;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use http::header::CONNECTION;
use http::{HeaderValue, Request, Version};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulConnection;
use tieline_contract::auth::Peer;
use tieline_contract::{Code, Problem};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower::Service as _;

use super::Server;
use super::answer::Answer;
use super::guard::{Guarded, PREFACE};
use super::places::Place;
use super::streams::{Streams, Unanswered};
use super::tls::{self, Tls};
use crate::limits::{HEAD_READ, RETRY_AFTER};
use crate::problem::{Failure, HangUp, is_of_connectors};
use crate::shares::Share;

/// What the requests of one connection share.
struct Conversation {
    server: Arc<Server>,
    peer: Arc<Peer>,
    streams: Arc<Streams>,
}

/// What is spoken on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speech {
    Http1,
    Http2,
    /// It has not said.
    Either,
}

/// One connection, from its first byte to its end.
pub(super) async fn converse(
    server: Arc<Server>,
    stream: TcpStream,
    address: IpAddr,
    place: Place,
) {
    let stop = server.stop.clone();
    let peer = Peer::new(address);
    let ended = match server.tls.clone() {
        None => {
            let http1 = stop.run_until_cancelled(begins_http1(&stream)).await;
            match http1 {
                None => Ok(()),
                Some(Ok(true)) => serve(server, stream, peer, Speech::Http1).await,
                Some(Ok(false)) => serve(server, stream, peer, Speech::Either).await,
                Some(Err(error)) => Err(error.into()),
            }
        }
        // Kept apart: what TLS needs would make every connection larger.
        Some(tls) => Box::pin(converse_secretly(server, stream, peer, tls)).await,
    };
    if let Err(error) = ended {
        tracing::debug!(error = %error, "a connection ended badly");
    }
    drop(place);
}

/// One connection with TLS. The handshake has as long as the head of a request.
async fn converse_secretly(
    server: Arc<Server>,
    stream: TcpStream,
    mut peer: Peer,
    tls: Tls,
) -> Result<(), BoxError> {
    let share = server.share(peer.address);
    let Ok(waiting) = server.handshakes.take(peer.address, share) else {
        return Err("there are too many handshakes".into());
    };
    let handshake = timeout(HEAD_READ, tls.shake_hands(stream));
    let Some(shaken) = server.stop.run_until_cancelled(handshake).await else {
        return Ok(());
    };
    let stream = shaken.map_err(io::Error::from)??;
    drop(waiting);
    peer.certificate = tls::certificate(&stream);
    let speech = if tls::is_http2(&stream) {
        Speech::Http2
    } else {
        Speech::Http1
    };
    serve(server, stream, peer, speech).await
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

async fn serve<S>(
    server: Arc<Server>,
    stream: S,
    peer: Peer,
    speech: Speech,
) -> Result<(), BoxError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let conversation = Arc::new(Conversation {
        server: Arc::clone(&server),
        peer: Arc::new(peer),
        streams: Arc::default(),
    });
    let streams = Arc::clone(&conversation.streams);
    let service = service_fn(|request| respond(Arc::clone(&conversation), request));
    let builder = match speech {
        Speech::Http1 => {
            let io = TokioIo::new(Guarded::after_opening(stream));
            let connection = server.http1.serve_connection(io, service);
            return carry(&server, connection).await.map_err(Into::into);
        }
        Speech::Http2 => &server.http2,
        Speech::Either => &server.either,
    };
    let connection = builder.serve_connection(TokioIo::new(Guarded::new(stream)), service);
    // Kept apart: what HTTP/2 needs would make every connection larger.
    Box::pin(carry_streams(&server, connection, &streams)).await
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

/// As [`carry`], for a connection of many streams, which may be of no more use before its end.
async fn carry_streams<C: GracefulConnection>(
    server: &Server,
    connection: C,
    streams: &Streams,
) -> Result<(), C::Error> {
    tokio::pin!(connection);
    let abused = streams.abused();
    tokio::pin!(abused);
    tokio::select! {
        ended = connection.as_mut() => return ended,
        why = abused.as_mut() => {
            tracing::debug!("a connection was cut: {why}");
            return Ok(());
        }
        () = server.stop.cancelled() => {}
        () = streams.last_called() => {}
        () = streams.idle() => {}
    }
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        ended = connection.as_mut() => ended,
        why = abused => {
            tracing::debug!("a connection was cut: {why}");
            Ok(())
        }
        () = server.abandon.cancelled() => Ok(()),
    }
}

/// Passes a request on. Whatever happens in a handler, there is an answer.
async fn respond(
    conversation: Arc<Conversation>,
    mut request: Request<Incoming>,
) -> Result<Response<Answer>, Infallible> {
    let Conversation {
        server,
        peer,
        streams,
    } = conversation.as_ref();
    let to_sender = is_of_connectors(request.uri());
    let version = request.version();
    let sender = server.proxies.sender(peer, request.headers());
    let Ok(place) = server.in_flight.take(sender.address, Share::Client) else {
        let detail = "You have too many requests in hand. Send the same request again.";
        let problem = Problem::new(Code::Overloaded, detail).retry_after(RETRY_AFTER);
        return Ok(failed(problem.into(), to_sender).map(Answer::unwatched));
    };
    request.extensions_mut().insert(sender);
    let unanswered = (version == Version::HTTP_2).then(|| streams.unanswered());
    let mut router = server.router.clone();
    let answer = AssertUnwindSafe(router.call(request)).catch_unwind().await;
    let mut response = match answer {
        Ok(Ok(response)) => response,
        // The panic hook has told the log where it happened.
        Err(_) => {
            let failure = Failure::new(Code::Internal, "The hub failed; its log says more.");
            failed(failure, to_sender)
        }
    };
    let hang_up = response.extensions_mut().remove::<HangUp>().is_some();
    // A proxy's connection carries others' requests too.
    if hang_up && !server.proxies.hold(peer.address) {
        if version == Version::HTTP_2 {
            streams.call_last();
        } else {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(CONNECTION, close);
        }
    }
    let watched = unanswered.map(Unanswered::answered);
    Ok(response.map(|body| Answer::new(body, place, watched)))
}

fn failed(failure: Failure, to_sender: bool) -> Response {
    if to_sender {
        failure.for_sender().into_response()
    } else {
        failure.into_response()
    }
}
