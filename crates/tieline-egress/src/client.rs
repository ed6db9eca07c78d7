//! Requests, responses and the client between them.

use std::{fmt, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use http_body_util::Full;
use hyper_util::{
    client::legacy::{Client as Pool, connect::capture_connection},
    rt::{TokioExecutor, TokioTimer},
};
use tokio::time::{Instant, timeout_at};

use crate::{
    body::BodyReader,
    connect::{Connector, Way},
    error::{EgressError, Phase},
    policy::Policy,
    resolve::Resolver,
    target::Target,
    tls::Tls,
};

/// How long a connection is kept for the next request. Common agent servers close after 5 s, and a
/// request that meets the close half-way is a failed attempt.
const IDLE_CONNECTION: Duration = Duration::from_secs(4);
/// Most idle connections kept to one host.
const IDLE_CONNECTIONS: usize = 512;
/// Longest time that is waited for anything, which keeps sums of times in range.
const LONGEST: Duration = Duration::from_hours(24 * 365);
/// hyper's own lower bound for the buffer that a head must fit in.
const LEAST_HEAD_BYTES: usize = 8 * 1024;

/// What the framing and the coding of messages depend on belongs to the client, not to the caller.
const OWN_HEADERS: [HeaderName; 7] = [
    header::ACCEPT_ENCODING,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::HOST,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// What a client spends on one request at most.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// For look-up, connection and TLS together.
    pub connect: Duration,
    /// Between two pieces of a body that is read by [`BodyReader::chunk`].
    pub idle: Duration,
    /// For the whole request, whatever its own timeout says.
    pub total: Duration,
    /// Bytes of a response's head; at least 8 KiB are granted.
    pub head_bytes: usize,
    /// Bytes of a response's body, whatever the reader asks for.
    pub body_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            idle: Duration::from_mins(1),
            total: Duration::from_hours(1),
            head_bytes: 64 * 1024,
            body_bytes: 64 * 1024 * 1024,
        }
    }
}

/// A request to send.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Where to.
    pub target: Target,
    /// The headers, without those that framing and coding depend on, which are ignored.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// For the whole exchange: connecting, the response's head, and its body.
    pub timeout: Duration,
}

/// The head of a response, with its body still to be read.
#[derive(Debug)]
pub struct Response {
    /// The status. A redirect is an answer like any other.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body. Dropping it unread closes the connection.
    pub body: BodyReader,
}

/// An HTTP client under one policy, with its own pool of connections. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    pool: Pool<Connector, Full<Bytes>>,
    limits: Limits,
}

impl Client {
    /// A client that connects where `policy` permits. Nothing is opened or read before the first
    /// request.
    pub fn new(policy: Policy, limits: Limits) -> Self {
        let way = Way {
            policy,
            resolver: Resolver::System,
            tls: Tls::default(),
        };
        Self::by(way, limits)
    }

    pub(crate) fn by(way: Way, limits: Limits) -> Self {
        let head_bytes = limits.head_bytes.max(LEAST_HEAD_BYTES);
        let limits = Limits {
            connect: limits.connect.min(LONGEST),
            idle: limits.idle.min(LONGEST),
            total: limits.total.min(LONGEST),
            head_bytes,
            body_bytes: limits.body_bytes,
        };
        let pool = Pool::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_CONNECTION)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .http1_max_buf_size(head_bytes)
            .http2_max_header_list_size(u32::try_from(head_bytes).unwrap_or(u32::MAX))
            .build(Connector::new(way, limits.connect));
        Self { pool, limits }
    }

    /// Sends one request, once, and returns when the head of the response is there.
    ///
    /// A pooled connection that was closed before a byte was sent is replaced silently; nothing
    /// else is retried, and no redirect is followed.
    pub async fn send(&self, request: Request) -> Result<Response, EgressError> {
        let deadline = Instant::now() + request.timeout.min(self.limits.total);
        let mut outgoing = http::Request::new(Full::new(request.body));
        *outgoing.method_mut() = request.method;
        *outgoing.uri_mut() = request.target.uri().clone();
        *outgoing.headers_mut() = request.headers;
        for name in &OWN_HEADERS {
            outgoing.headers_mut().remove(name);
        }
        // Without it, an answer may be in any coding that the other side likes (RFC 9110, section
        // 12.5.3).
        let plain = HeaderValue::from_static("identity");
        outgoing
            .headers_mut()
            .insert(header::ACCEPT_ENCODING, plain);
        let connection = capture_connection(&mut outgoing);
        let response = match timeout_at(deadline, self.pool.request(outgoing)).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => {
                return Err(EgressError::from_client(error, self.limits.head_bytes));
            }
            Err(_) => {
                let connected = connection.connection_metadata().is_some();
                let phase = if connected {
                    Phase::Response
                } else {
                    Phase::Connect
                };
                return Err(EgressError::Timeout { phase });
            }
        };
        let (head, body) = response.into_parts();
        let body = BodyReader::new(body, &head.headers, deadline, &self.limits);
        Ok(Response {
            status: head.status,
            headers: head.headers,
            body,
        })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
