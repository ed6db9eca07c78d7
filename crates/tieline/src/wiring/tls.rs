//! The certificates of the hub's own listeners: read from files, and read again when these change.
//!
//! What cannot be used changes nothing: the hub goes on with what it has, and says so.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};
use tieline_api::{Tls, certificate};
use tieline_config::{ClientCertificates, TlsSettings};
use tieline_model::{Clock as _, Timestamp};
use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::SystemClock;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// Bytes that are read of one file.
const FILE_MAX: u64 = 1 << 20;
/// When a certificate ends soon: later than any robot should have renewed it.
const SOON: Duration = Duration::from_hours(14 * 24);

/// The certificates that the listeners show, and where they come from.
pub(crate) struct Certificates {
    files: TlsSettings,
    tls: Tls,
    stamps: Vec<Option<Stamp>>,
    standing: Standing,
}

/// How a certificate stands to a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Good,
    /// It ends within two weeks.
    EndsSoon,
    Over,
    NotYet,
}

impl Standing {
    /// What is wrong; nothing where it is good.
    pub(crate) fn complaint(self) -> Option<&'static str> {
        match self {
            Self::Good => None,
            Self::EndsSoon => Some("ends within two weeks"),
            Self::Over => Some("has expired"),
            Self::NotYet => Some("is not valid yet"),
        }
    }
}

/// What a file looked like from outside.
type Stamp = (u64, i64, i64, u64);

/// The files with whole paths: those of the command line, or those that the configuration names.
pub(crate) fn files(
    given: Option<&(PathBuf, PathBuf)>,
    configured: Option<&TlsSettings>,
    folder: Option<&Path>,
) -> Option<TlsSettings> {
    let whole = |path: &PathBuf| folder.map_or_else(|| path.clone(), |folder| folder.join(path));
    let configured = configured.map(|tls| TlsSettings {
        certificate: whole(&tls.certificate),
        key: whole(&tls.key),
        client_ca: tls.client_ca.as_ref().map(whole),
        client_certificates: tls.client_certificates,
    });
    let Some((certificate, key)) = given.cloned() else {
        return configured;
    };
    let (client_ca, client_certificates) = configured.map_or_else(
        || (None, ClientCertificates::default()),
        |tls| (tls.client_ca, tls.client_certificates),
    );
    Some(TlsSettings {
        certificate,
        key,
        client_ca,
        client_certificates,
    })
}

/// Reads the files, and says how the certificate stands.
pub(crate) fn load(
    files: &TlsSettings,
    now: Timestamp,
) -> anyhow::Result<(ServerConfig, Standing)> {
    let chain = certificates_of(&files.certificate)?;
    let named = |path: &Path| format!("failed to use `{}`", path.display());
    let validity = chain.first().and_then(certificate::validity);
    let (from, until) = validity
        .context("its first certificate cannot be read")
        .with_context(|| named(&files.certificate))?;
    let key = PrivateKeyDer::from_pem_slice(&read(&files.key)?)
        .map_err(|_| anyhow::anyhow!("it holds no private key in PEM"))
        .with_context(|| named(&files.key))?;
    let builder = match client_verifier(files)? {
        Some(verifier) => ServerConfig::builder().with_client_cert_verifier(verifier),
        None => ServerConfig::builder().with_no_client_auth(),
    };
    let config = builder.with_single_cert(chain, key).with_context(|| {
        let (certificate, key) = (files.certificate.display(), files.key.display());
        format!("failed to use `{certificate}` with `{key}`")
    })?;
    Ok((config, standing(now, from, until)))
}

fn standing(now: Timestamp, from: Timestamp, until: Timestamp) -> Standing {
    if now < from {
        Standing::NotYet
    } else if now > until {
        Standing::Over
    } else if now.plus(SOON) > until && from.plus(SOON) < until {
        Standing::EndsSoon
    } else {
        Standing::Good
    }
}

fn client_verifier(files: &TlsSettings) -> anyhow::Result<Option<Arc<dyn ClientCertVerifier>>> {
    let Some(path) = &files.client_ca else {
        return Ok(None);
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates_of(path)? {
        let added = roots.add(certificate);
        added.with_context(|| format!("failed to use `{}`", path.display()))?;
    }
    let builder = WebPkiClientVerifier::builder(Arc::new(roots));
    let builder = match files.client_certificates {
        ClientCertificates::Off => return Ok(None),
        ClientCertificates::Optional => builder.allow_unauthenticated(),
        ClientCertificates::Required => builder,
    };
    let built = builder.build();
    built
        .map(Some)
        .with_context(|| format!("failed to use `{}`", path.display()))
}

fn certificates_of(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let text = read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => bail!(
            "failed to use `{}`: it holds no certificate in PEM",
            path.display()
        ),
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(FILE_MAX).read_to_end(&mut bytes));
    read.with_context(|| format!("failed to read `{}`", path.display()))?;
    Ok(bytes)
}

impl Certificates {
    pub(super) fn read(files: TlsSettings, now: Timestamp) -> anyhow::Result<Self> {
        // Looked at first: what changes while it is read is read again.
        let stamps = stamps(&files);
        let (config, standing) = load(&files, now)?;
        let certificates = Self {
            files,
            tls: Tls::new(config),
            stamps,
            standing,
        };
        certificates.complain();
        Ok(certificates)
    }

    pub(super) fn tls(&self) -> Tls {
        self.tls.clone()
    }

    /// Looks at the files until `closing`, every now and then and whenever it is told to.
    pub(super) async fn watch(mut self, again: Arc<Notify>, closing: CancellationToken) {
        loop {
            let told = tokio::select! {
                () = closing.cancelled() => return,
                () = again.notified() => true,
                () = sleep(LOOK_EVERY) => false,
            };
            // A disk may take its time.
            let looked = tokio::task::spawn_blocking(move || {
                self.look(told, SystemClock.now());
                self
            });
            let Ok(looked) = looked.await else { return };
            self = looked;
        }
    }

    fn look(&mut self, told: bool, now: Timestamp) {
        let stamps = stamps(&self.files);
        let changed = stamps != self.stamps;
        self.stamps = stamps;
        let path = self.files.certificate.display();
        match load(&self.files, now) {
            Ok((config, standing)) => {
                if changed || told {
                    self.tls.replace(config);
                    tracing::info!("the certificate in `{path}` was read again");
                }
                if changed || standing != self.standing {
                    self.standing = standing;
                    self.complain();
                }
            }
            Err(error) if changed || told => {
                tracing::error!("the hub goes on with the certificate that it has: {error:#}");
            }
            // It was said when it changed.
            Err(_) => {}
        }
    }

    fn complain(&self) {
        if let Some(complaint) = self.standing.complaint() {
            let path = self.files.certificate.display();
            tracing::warn!("the certificate in `{path}` {complaint}");
        }
    }
}

fn stamps(files: &TlsSettings) -> Vec<Option<Stamp>> {
    let paths = [
        Some(&files.certificate),
        Some(&files.key),
        files.client_ca.as_ref(),
    ];
    let stamp = |path: &PathBuf| {
        let about = fs::metadata(path).ok()?;
        Some((about.ino(), about.mtime(), about.mtime_nsec(), about.size()))
    };
    paths.into_iter().flatten().map(stamp).collect()
}

#[cfg(test)]
mod tests;
