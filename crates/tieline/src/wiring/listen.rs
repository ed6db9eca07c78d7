//! Sockets, bound before any work starts: what cannot be bound must not have begun.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use tieline_api::ServeOptions;
use tieline_config::HubSettings;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use super::tls::Certificates;
use super::{LISTEN, Options, Running};

/// The sockets of a hub, bound and not yet served.
pub(super) struct Sockets {
    public: TcpListener,
    admin: Option<TcpListener>,
}

impl Sockets {
    pub(super) async fn bind(
        options: &Options,
        settings: &HubSettings,
        tls: bool,
    ) -> anyhow::Result<Self> {
        let public = Listen {
            address: options.listen.or(settings.listen).unwrap_or(LISTEN),
            or_free_port: options.or_free_port,
        };
        let admin = options.admin_listen.or(settings.admin_listen);
        let admin = admin.map(|address| Listen {
            address,
            or_free_port: false,
        });
        if !tls {
            let allowed = options.plain_http || settings.plain_http;
            let addresses = admin.iter().chain([&public]).map(|listen| listen.address);
            for address in addresses.filter(|address| is_beyond(*address)) {
                plain_beyond(address, allowed, settings)?;
            }
        }
        let public = bind(public).await?;
        let admin = match admin {
            Some(admin) => Some(bind(admin).await?),
            None => None,
        };
        Ok(Self { public, admin })
    }

    pub(super) fn public_address(&self) -> anyhow::Result<SocketAddr> {
        self.public.local_addr().context("failed to find the port")
    }

    pub(super) fn admin_address(&self) -> anyhow::Result<Option<SocketAddr>> {
        let address = self.admin.as_ref().map(TcpListener::local_addr);
        address.transpose().context("failed to find the port")
    }

    /// Begins to accept.
    pub(super) fn serve(self, running: &mut Running, certificates: Option<Certificates>) {
        let api = &running.api;
        let closing = &running.closing;
        let serve = |listener, router| {
            let options = ServeOptions {
                // How long requests in hand have is the shutdown's to say, for everything at once.
                grace: Duration::MAX,
                tls: certificates.as_ref().map(Certificates::tls),
                proxies: running.proxies.clone(),
                ..ServeOptions::default()
            };
            let serving = tieline_api::serve(listener, router, closing.clone(), options);
            running.serving.spawn(serving);
        };
        match self.admin {
            Some(admin) => {
                serve(self.public, api.public_router());
                serve(admin, api.admin_router());
            }
            None => serve(self.public, api.router()),
        }
        running.serving.close();
        if let Some(certificates) = certificates {
            let again = Arc::new(Notify::new());
            let watching = certificates.watch(Arc::clone(&again), closing.clone());
            running.watching.spawn(watching);
            running.certificates = Some(again);
        }
    }
}

/// Whether others than this machine's own programs can connect to it.
fn is_beyond(address: SocketAddr) -> bool {
    !address.ip().to_canonical().is_loopback()
}

/// Refuses plain HTTP that nobody asked for, and warns of what was asked for.
fn plain_beyond(address: SocketAddr, allowed: bool, settings: &HubSettings) -> anyhow::Result<()> {
    if !allowed {
        bail!(
            "refusing to listen on {address} with plain HTTP: whoever is on the way reads every \
             secret\n  \
             fix: give the hub a certificate, with `tls` or with `--tls-cert` and `--tls-key`; or, \
             where a proxy in front speaks TLS, allow it with `plain_http: true` or `--plain-http`"
        );
    }
    tracing::warn!("plain HTTP on {address}: only a proxy that speaks TLS should reach it");
    if settings.trusted_proxies.is_empty() {
        tracing::warn!(
            "`trusted_proxies` is empty: all senders behind a proxy look like one to the hub"
        );
    }
    Ok(())
}

/// Where to listen, and whether another port will do.
#[derive(Clone, Copy, Debug)]
struct Listen {
    address: SocketAddr,
    /// A port that is taken is no reason to fail.
    or_free_port: bool,
}

/// A bound socket.
async fn bind(listen: Listen) -> anyhow::Result<TcpListener> {
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
