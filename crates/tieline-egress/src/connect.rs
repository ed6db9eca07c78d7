//! Opens connections: resolve, judge every address, connect to a permitted one, look where it went.
//!
//! The name is resolved for every connection, and the connection is made to the very address that
//! was judged, so a name that changes between two look-ups gains nothing.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::{Uri, uri::Scheme};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout_at},
};
use tower::Service;

use crate::{
    error::{EgressError, Phase},
    policy::{Policy, Reason},
    resolve::Resolver,
    stream::Stream,
    tls::Tls,
};

/// Opens connections under one policy.
#[derive(Clone)]
pub(crate) struct Connector(Arc<Shared>);

struct Shared {
    way: Way,
    timeout: Duration,
}

/// How connections are made: where to, by whose word, and with what trust.
pub(crate) struct Way {
    pub(crate) policy: Policy,
    pub(crate) resolver: Resolver,
    pub(crate) tls: Tls,
}

impl Connector {
    /// `timeout` covers look-up, connection and TLS together.
    pub(crate) fn new(way: Way, timeout: Duration) -> Self {
        Self(Arc::new(Shared { way, timeout }))
    }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = EgressError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, EgressError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), EgressError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let shared = Arc::clone(&self.0);
        Box::pin(async move { shared.open(&uri).await })
    }
}

/// Where a connection is wanted, out of a URI.
struct Wanted<'a> {
    host: &'a str,
    port: u16,
    secure: bool,
}

impl<'a> Wanted<'a> {
    fn of(uri: &'a Uri) -> Result<Self, EgressError> {
        let host = uri
            .host()
            .ok_or(EgressError::InvalidUrl("it has no host"))?;
        let host = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        let secure = uri.scheme() == Some(&Scheme::HTTPS);
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        Ok(Self { host, port, secure })
    }
}

impl Shared {
    async fn open(&self, uri: &Uri) -> Result<Stream, EgressError> {
        let wanted = Wanted::of(uri)?;
        let deadline = Instant::now() + self.timeout;
        let late = |_| EgressError::Timeout {
            phase: Phase::Connect,
        };
        let found = timeout_at(deadline, self.resolve(&wanted))
            .await
            .map_err(late)??;
        let permitted = self.permitted(&wanted, &found)?;
        let tcp = self.connect(&wanted, &permitted, deadline).await?;
        if wanted.secure {
            timeout_at(deadline, self.secure(wanted.host, tcp))
                .await
                .map_err(late)?
        } else {
            Ok(Stream::Plain(TokioIo::new(tcp)))
        }
    }

    /// The addresses of a name, judged by nobody yet.
    async fn resolve(&self, wanted: &Wanted<'_>) -> Result<Vec<SocketAddr>, EgressError> {
        if let Ok(literal) = wanted.host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(literal, wanted.port)]);
        }
        let found = self.way.resolver.look_up(wanted.host, wanted.port).await;
        found.map_err(|source| EgressError::Resolve {
            host: wanted.host.to_owned(),
            source: Arc::new(source),
        })
    }

    /// The addresses that may be connected to; if there is none, the reason against the first.
    fn permitted(
        &self,
        wanted: &Wanted<'_>,
        found: &[SocketAddr],
    ) -> Result<Vec<SocketAddr>, EgressError> {
        let mut refused = None;
        let mut permitted = Vec::with_capacity(found.len());
        for address in found {
            match self.way.policy.judge(wanted.secure, address.ip()) {
                Ok(()) => permitted.push(*address),
                Err(reason) => {
                    tracing::debug!(host = wanted.host, %address, %reason, "address refused");
                    refused.get_or_insert((*address, reason));
                }
            }
        }
        match refused {
            Some((address, reason)) if permitted.is_empty() => {
                Err(forbidden(wanted.host, address, reason))
            }
            _ if permitted.is_empty() => {
                let source = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
                Err(EgressError::Resolve {
                    host: wanted.host.to_owned(),
                    source: Arc::new(source),
                })
            }
            _ => Ok(permitted),
        }
    }

    /// Tries one address after the other, each with its share of the time that is left.
    async fn connect(
        &self,
        wanted: &Wanted<'_>,
        permitted: &[SocketAddr],
        deadline: Instant,
    ) -> Result<TcpStream, EgressError> {
        let mut failure = EgressError::Timeout {
            phase: Phase::Connect,
        };
        for (address, left) in permitted.iter().zip((1..=permitted.len()).rev()) {
            let now = Instant::now();
            let left = u32::try_from(left).unwrap_or(u32::MAX);
            let share = now + deadline.saturating_duration_since(now) / left;
            match timeout_at(share, TcpStream::connect(address)).await {
                Ok(Ok(tcp)) => return self.inspect(wanted, tcp, *address),
                Ok(Err(source)) => {
                    failure = EgressError::Connect {
                        address: *address,
                        source: Arc::new(source),
                    };
                }
                Err(_) => {
                    failure = EgressError::Timeout {
                        phase: Phase::Connect,
                    }
                }
            }
        }
        Err(failure)
    }

    /// Looks where a connection really leads to, and judges that again.
    fn inspect(
        &self,
        wanted: &Wanted<'_>,
        tcp: TcpStream,
        address: SocketAddr,
    ) -> Result<TcpStream, EgressError> {
        let failed = |source| EgressError::Connect {
            address,
            source: Arc::new(source),
        };
        let peer = tcp.peer_addr().map_err(failed)?;
        // Connecting to the unspecified address ends at loopback, which is no surprise.
        if peer.ip().to_canonical() != address.ip().to_canonical() && !address.ip().is_unspecified()
        {
            return Err(forbidden(wanted.host, peer, Reason::Moved));
        }
        self.way
            .policy
            .judge(wanted.secure, peer.ip())
            .map_err(|reason| forbidden(wanted.host, peer, reason))?;
        tcp.set_nodelay(true).map_err(failed)?;
        Ok(tcp)
    }

    async fn secure(&self, host: &str, tcp: TcpStream) -> Result<Stream, EgressError> {
        let failed = |source| EgressError::Tls {
            host: host.to_owned(),
            source: Arc::new(source),
        };
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| EgressError::InvalidUrl("TLS knows no such host name"))?;
        let connector = self.way.tls.connector().await.map_err(failed)?;
        let tls = connector.connect(name, tcp).await.map_err(failed)?;
        Ok(Stream::Tls(Box::new(TokioIo::new(tls))))
    }
}

fn forbidden(host: &str, address: SocketAddr, reason: Reason) -> EgressError {
    let ip = address.ip();
    let literal = host.parse::<IpAddr>().is_ok();
    let target = if literal {
        ip.to_string()
    } else {
        format!("{host} ({ip})")
    };
    EgressError::Forbidden { target, reason }
}

#[cfg(test)]
mod tests;
