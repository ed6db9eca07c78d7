use rcgen::{CertificateParams, KeyPair, SanType, date_time_ymd};

use super::*;

fn certificate(change: impl FnOnce(&mut CertificateParams)) -> CertificateDer<'static> {
    let mut params = CertificateParams::new(["hub.example.com".to_owned()]).unwrap();
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    params.self_signed(&key).unwrap().der().clone()
}

#[test]
fn the_dates_are_those_that_stand_in_it() {
    // What a date is written with changes with the year 2050 (RFC 5280, 4.1.2.5).
    for (from, until) in [((2020, 1, 2), (2021, 3, 4)), ((2049, 12, 31), (2093, 1, 1))] {
        let (from, until) = (
            date_time_ymd(from.0, from.1, from.2),
            date_time_ymd(until.0, until.1, until.2),
        );
        let certificate = certificate(|params| {
            params.not_before = from;
            params.not_after = until;
        });
        let (begin, end) = validity(&certificate).unwrap();
        assert_eq!(begin.as_millis(), from.unix_timestamp() * 1000);
        assert_eq!(end.as_millis(), until.unix_timestamp() * 1000);
    }
}

#[test]
fn an_authority_that_serves_itself_has_dates_too() {
    let certificate = certificate(|params| {
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.not_after = date_time_ymd(2021, 1, 1);
    });
    let (_, end) = validity(&certificate).unwrap();
    assert_eq!(end.as_millis(), 1_609_459_200_000);
}

#[test]
fn a_client_is_known_by_its_fingerprint_and_its_names() {
    let certificate = certificate(|params| {
        let uri = "spiffe://example.com/billing".try_into().unwrap();
        params.subject_alt_names.push(SanType::URI(uri));
        let address = "192.0.2.1".parse().unwrap();
        params.subject_alt_names.push(SanType::IpAddress(address));
    });
    let client = of_client(&certificate).unwrap();
    assert_eq!(
        client.names,
        ["hub.example.com", "spiffe://example.com/billing"]
    );
    assert_eq!(client.fingerprint, sha256(&certificate));
}

#[test]
fn what_is_no_certificate_has_neither_dates_nor_names() {
    let der = CertificateDer::from(&b"0\x03\x02\x01\x01"[..]);
    assert!(validity(&der).is_none() && of_client(&der).is_none());
}
