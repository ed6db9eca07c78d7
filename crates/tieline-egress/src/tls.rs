//! The TLS settings, made when the first https connection is opened: a hub that speaks plain http
//! only must start on a machine without CA certificates.

use std::{io, sync::Arc};

use rustls::{ClientConfig, crypto::aws_lc_rs};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::{sync::OnceCell, task};
use tokio_rustls::TlsConnector;

/// The TLS settings, made at first use. A failure is not remembered.
#[derive(Default)]
pub(crate) struct Tls(OnceCell<TlsConnector>);

impl Tls {
    /// The connector, which offers HTTP/2 and HTTP/1.1 and trusts what the system trusts.
    pub(crate) async fn connector(&self) -> io::Result<&TlsConnector> {
        // Reading the system's certificates blocks.
        let load = || async { task::spawn_blocking(load).await.map_err(io::Error::other)? };
        self.0.get_or_try_init(load).await
    }

    #[cfg(test)]
    pub(crate) fn trusting(roots: rustls::RootCertStore) -> Self {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self(OnceCell::new_with(Some(finish(config))))
    }
}

fn load() -> io::Result<TlsConnector> {
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(rustls::ConfigBuilder::with_platform_verifier)
        .map_err(io::Error::other)?
        .with_no_client_auth();
    Ok(finish(config))
}

fn finish(mut config: ClientConfig) -> TlsConnector {
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    TlsConnector::from(Arc::new(config))
}
