//! The certificate of a caller: its chain was verified by the listener, whose it is is judged here.

use tieline_model::Trust;

use super::settings::MtlsSettings;
use super::{Peer, Refused};
use crate::Problems;

/// Whose certificates are good.
#[derive(Debug)]
pub(super) struct Mtls {
    names: Vec<String>,
    fingerprints: Vec<[u8; 32]>,
}

impl Mtls {
    pub(super) fn new(settings: &MtlsSettings, problems: &mut Problems) -> Self {
        if settings.names.is_empty() && settings.fingerprints.is_empty() {
            let fix = "name the certificates that may call, in `names` or `fingerprints`";
            problems.add_with_fix("mtls", "would take any certificate", fix);
        }
        for (at, name) in settings.names.iter().enumerate() {
            if name.is_empty() || name.contains('*') || !name.bytes().all(|b| b.is_ascii_graphic())
            {
                let fix = "write a whole name, such as `billing.example.com` or \
                           `spiffe://example.com/billing`";
                problems.add_with_fix(&format!("mtls.names[{at}]"), "is no name", fix);
            }
        }
        let mut fingerprints = Vec::new();
        for (at, text) in settings.fingerprints.iter().enumerate() {
            let digits = text.replace(':', "");
            let mut fingerprint = [0; 32];
            if hex::decode_to_slice(&digits, &mut fingerprint).is_ok() {
                fingerprints.push(fingerprint);
            } else {
                let path = format!("mtls.fingerprints[{at}]");
                let fix = "write 64 hexadecimal digits, as `openssl x509 -fingerprint -sha256` \
                           prints them";
                problems.add_with_fix(&path, "is no SHA-256 of a certificate", fix);
            }
        }
        Self {
            names: settings.names.clone(),
            fingerprints,
        }
    }

    pub(super) fn judge(&self, peer: Option<&Peer>) -> Result<Trust, Refused> {
        let certificate = peer.and_then(|peer| peer.certificate.as_ref());
        let certificate = certificate.ok_or(Refused::Missing)?;
        let named = |name: &String| certificate.names.iter().any(|own| is_same(own, name));
        if self.fingerprints.contains(&certificate.fingerprint) || self.names.iter().any(named) {
            Ok(Trust::Verified)
        } else {
            Err(Refused::Certificate)
        }
    }
}

/// The case of a DNS name does not matter (RFC 4343); a URI is compared as it is.
fn is_same(own: &str, wanted: &str) -> bool {
    if own.contains("://") || wanted.contains("://") {
        own == wanted
    } else {
        own.eq_ignore_ascii_case(wanted)
    }
}
