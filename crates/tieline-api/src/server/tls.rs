//! TLS on a listener: what it is spoken with, and what a handshake tells of a client.

use std::fmt;
use std::io;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use tieline_contract::auth::ClientCertificate;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::certificate;

const HTTP2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

/// What listeners speak TLS with. It may change while the hub works: for the connections that come
/// after that.
#[derive(Clone)]
pub struct Tls(Arc<ArcSwap<ServerConfig>>);

impl Tls {
    /// HTTP/2 and HTTP/1.1 are offered, whatever the configuration says of it.
    pub fn new(config: ServerConfig) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(offering(config))))
    }

    /// Shows other certificates from now on. Sessions of before are not resumed.
    pub fn replace(&self, config: ServerConfig) {
        self.0.store(Arc::new(offering(config)));
    }

    pub(super) async fn shake_hands(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let acceptor = TlsAcceptor::from(self.0.load_full());
        acceptor.accept(stream).await
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

fn offering(mut config: ServerConfig) -> ServerConfig {
    config.alpn_protocols = vec![HTTP2.to_vec(), HTTP1.to_vec()];
    config
}

pub(super) fn is_http2(stream: &TlsStream<TcpStream>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(HTTP2)
}

/// The client's certificate. One that is here has been verified: the handshake fails otherwise.
pub(super) fn certificate(stream: &TlsStream<TcpStream>) -> Option<ClientCertificate> {
    let shown = stream.get_ref().1.peer_certificates()?.first()?;
    let read = certificate::of_client(shown);
    if read.is_none() {
        tracing::debug!("a client's certificate cannot be read");
    }
    read
}
