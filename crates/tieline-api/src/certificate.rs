//! What stands in a certificate: who a client is, and from when until when one is good.

use std::time::Duration;

use rustls::pki_types::{CertificateDer, UnixTime};
use tieline_contract::auth::ClientCertificate;
use tieline_model::Timestamp;
use tieline_signature::digest::sha256;
use webpki::{EndEntityCert, Error, KeyUsage};

/// Later than any certificate can say: the last second of the year 9999 (RFC 5280, 4.1.2.5).
const LAST: u64 = 253_402_300_799;

/// From when until when a certificate is good. `None` where it cannot be read.
pub fn validity(certificate: &CertificateDer<'_>) -> Option<(Timestamp, Timestamp)> {
    let certificate = EndEntityCert::try_from(certificate).ok()?;
    // The dates come before all else that is looked at, and are told where they are not met.
    let judge = |seconds| {
        let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let usage = KeyUsage::server_auth();
        let judged = certificate.verify_for_usage(&[], &[], &[], time, usage, None, None);
        judged.err()
    };
    let from = match judge(0)? {
        Error::CertNotValidYet { not_before, .. } => not_before.as_secs(),
        _ => 0,
    };
    let until = match judge(LAST)? {
        Error::CertExpired { not_after, .. } => not_after.as_secs(),
        _ => LAST,
    };
    Some((timestamp(from), timestamp(until)))
}

fn timestamp(seconds: u64) -> Timestamp {
    Timestamp::from_millis(i64::try_from(seconds.saturating_mul(1000)).unwrap_or(i64::MAX))
}

/// Who shows this certificate. `None` where it cannot be read.
pub(crate) fn of_client(shown: &CertificateDer<'_>) -> Option<ClientCertificate> {
    let certificate = EndEntityCert::try_from(shown).ok()?;
    let names = certificate.valid_dns_names();
    let names = names.chain(certificate.valid_uri_names());
    Some(ClientCertificate {
        fingerprint: sha256(shown),
        names: names.map(str::to_owned).collect(),
    })
}

#[cfg(test)]
mod tests;
