use rcgen::{CertificateParams, CertifiedKey, KeyPair, date_time_ymd, generate_simple_self_signed};

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const DAY: Duration = Duration::from_hours(24);

fn files(folder: &Path) -> TlsSettings {
    TlsSettings {
        certificate: folder.join("hub.pem"),
        key: folder.join("hub.key"),
        client_ca: None,
        client_certificates: ClientCertificates::Off,
    }
}

/// Writes a good certificate and its key.
fn write(files: &TlsSettings) {
    let made = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let CertifiedKey { cert, signing_key } = made;
    fs::write(&files.certificate, cert.pem()).unwrap();
    fs::write(&files.key, signing_key.serialize_pem()).unwrap();
}

fn wrong(files: &TlsSettings) -> String {
    let error = load(files, NOW).expect_err("there is a mistake");
    format!("{error:#}")
}

#[test]
fn what_cannot_be_used_names_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let good = files(folder.path());
    assert!(wrong(&good).contains("failed to read `") && wrong(&good).contains("hub.pem"));
    write(&good);
    assert!(load(&good, NOW).is_ok());
    let swapped = TlsSettings {
        certificate: good.key.clone(),
        key: good.certificate.clone(),
        ..good.clone()
    };
    assert!(wrong(&swapped).contains("hub.key`: it holds no certificate in PEM"));
    let keyless = TlsSettings {
        key: good.certificate.clone(),
        ..good.clone()
    };
    assert!(wrong(&keyless).contains("hub.pem`: it holds no private key in PEM"));
    let other = KeyPair::generate().unwrap();
    fs::write(&good.key, other.serialize_pem()).unwrap();
    assert!(wrong(&good).contains("with `"), "{}", wrong(&good));
    write(&good);
    let without_issuers = TlsSettings {
        client_ca: Some(good.key.clone()),
        client_certificates: ClientCertificates::Required,
        ..good
    };
    assert!(wrong(&without_issuers).contains("hub.key`: it holds no certificate"));
}

#[test]
fn a_certificate_that_is_over_or_not_yet_good_is_seen() {
    let at = |days: u32| Timestamp::from_millis(0).plus(DAY * days);
    for (now, expected) in [
        (99, Standing::NotYet),
        (100, Standing::Good),
        (185, Standing::Good),
        (187, Standing::EndsSoon),
        (200, Standing::EndsSoon),
        (201, Standing::Over),
    ] {
        assert_eq!(standing(at(now), at(100), at(200)), expected, "{now}");
    }
    // One that is good for a few days only is renewed that often.
    assert_eq!(standing(at(109), at(100), at(110)), Standing::Good);
    let folder = tempfile::tempdir().unwrap();
    let files = files(folder.path());
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.not_after = date_time_ymd(2023, 1, 1);
    let key = KeyPair::generate().unwrap();
    fs::write(&files.certificate, params.self_signed(&key).unwrap().pem()).unwrap();
    fs::write(&files.key, key.serialize_pem()).unwrap();
    let (_, standing) = load(&files, NOW).unwrap();
    assert_eq!(standing.complaint(), Some("has expired"));
}

#[test]
fn the_command_line_comes_first_and_the_clients_issuers_stay() {
    let configured = TlsSettings {
        client_ca: Some("ca.pem".into()),
        client_certificates: ClientCertificates::Required,
        ..files(Path::new("tls"))
    };
    let folder = Some(Path::new("/etc/tieline"));
    assert!(super::files(None, None, folder).is_none());
    let found = super::files(None, Some(&configured), folder).unwrap();
    assert_eq!(found.key, Path::new("/etc/tieline/tls/hub.key"));
    let given = ("a.pem".into(), "a.key".into());
    let found = super::files(Some(&given), Some(&configured), folder).unwrap();
    assert_eq!((found.certificate, found.key), given);
    let ca = Path::new("/etc/tieline/ca.pem");
    assert_eq!(found.client_ca.as_deref(), Some(ca));
    assert_eq!(found.client_certificates, ClientCertificates::Required);
}

#[test]
fn a_bad_new_certificate_leaves_the_old_one_until_a_good_one_comes() {
    let folder = tempfile::tempdir().unwrap();
    let files = files(folder.path());
    write(&files);
    let mut certificates = Certificates::read(files.clone(), NOW).unwrap();
    let before = certificates.stamps.clone();
    fs::write(&files.key, "nothing").unwrap();
    certificates.look(false, NOW);
    assert_ne!(certificates.stamps, before);
    assert!(load(&files, NOW).is_err());
    write(&files);
    certificates.look(false, NOW);
    assert_eq!(certificates.stamps, stamps(&files));
}
