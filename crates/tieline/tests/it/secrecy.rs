//! Certificates for tests, and a client that speaks TLS.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, DEFAULT_VERSIONS, RootCertStore, StreamOwned,
    SupportedProtocolVersion,
};

use crate::http::{Answer, Request};

/// Who issues certificates.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
}

/// A certificate and its key, in PEM.
pub(crate) struct Identity {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    pub(crate) fn issue(&self, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        Identity {
            certificate,
            key: key.serialize_pem(),
        }
    }
}

impl Identity {
    /// Writes both into a folder, each at once.
    pub(crate) fn write(&self, folder: &Path) -> (PathBuf, PathBuf) {
        let put = |name: &str, text: &str| {
            let (path, fresh) = (folder.join(name), folder.join("fresh"));
            fs::write(&fresh, text).unwrap();
            fs::rename(&fresh, &path).unwrap();
            path
        };
        (put("hub.pem", &self.certificate), put("hub.key", &self.key))
    }
}

/// A client that trusts these.
pub(crate) struct Client(Arc<ClientConfig>);

impl Client {
    pub(crate) fn new(
        trusted: &[&Authority],
        own: Option<&Identity>,
        change: impl FnOnce(&mut ClientConfig),
    ) -> Self {
        Self::speaking(DEFAULT_VERSIONS, trusted, own, change)
    }

    /// One that knows these versions of TLS alone.
    pub(crate) fn speaking(
        versions: &[&'static SupportedProtocolVersion],
        trusted: &[&Authority],
        own: Option<&Identity>,
        change: impl FnOnce(&mut ClientConfig),
    ) -> Self {
        let mut roots = RootCertStore::empty();
        for authority in trusted {
            let der = CertificateDer::from_pem_slice(authority.pem.as_bytes()).unwrap();
            roots.add(der).unwrap();
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider);
        let builder = builder.with_protocol_versions(versions).unwrap();
        let builder = builder.with_root_certificates(roots);
        let mut config = match own {
            None => builder.with_no_client_auth(),
            Some(own) => {
                let chain = CertificateDer::from_pem_slice(own.certificate.as_bytes());
                let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes());
                let chain = vec![chain.unwrap()];
                builder.with_client_auth_cert(chain, key.unwrap()).unwrap()
            }
        };
        change(&mut config);
        Self(Arc::new(config))
    }

    pub(crate) fn connect(
        &self,
        to: SocketAddr,
    ) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(Arc::clone(&self.0), name);
        let stream = TcpStream::connect(to)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let mut stream = StreamOwned::new(connection.map_err(io::Error::other)?, stream);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(stream)
    }

    /// Sends a request; also returns the certificate that the hub showed.
    pub(crate) fn send(
        &self,
        request: &Request,
        to: SocketAddr,
    ) -> io::Result<(Answer, CertificateDer<'static>)> {
        let mut stream = self.connect(to)?;
        let answer = request.exchange(&mut stream, to)?;
        let shown = stream.conn.peer_certificates().unwrap()[0].clone();
        Ok((answer, shown))
    }
}
