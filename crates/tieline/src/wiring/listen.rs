//! Sockets, bound before any work starts: what cannot be bound must not have begun.

use std::io;
use std::net::SocketAddr;

use anyhow::{Context as _, anyhow};
use tokio::net::TcpListener;

/// Where to listen, and whether another port will do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listen {
    pub(crate) address: SocketAddr,
    /// A port that is taken is no reason to fail.
    pub(crate) or_free_port: bool,
}

/// A bound socket.
pub(crate) async fn bind(listen: Listen) -> anyhow::Result<TcpListener> {
    let Listen {
        address,
        or_free_port,
    } = listen;
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && or_free_port => {
            let any = SocketAddr::new(address.ip(), 0);
            let bound = TcpListener::bind(any).await;
            bound.with_context(|| format!("failed to listen on any port of {}", address.ip()))
        }
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(anyhow!(
            "failed to listen on {address}: it is in use\n  \
             fix: stop what listens there, or choose another address with `--listen`"
        )),
        Err(error) => Err(error).with_context(|| format!("failed to listen on {address}")),
    }
}
