//! TLS on the hub's own listeners.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use rcgen::{CertificateParams, date_time_ymd};
use rustix::process::Signal;
use rustls::SupportedProtocolVersion;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::version::{TLS12, TLS13};
use serde_json::json;

use super::floods::{place, slow};
use super::frames::Connection;
use super::latency::unharmed;
use crate::http::Request;
use crate::hub::{KEY, Place, Process, SECRET, run, wait_until};
use crate::secrecy::{Authority, Client, Identity};

fn plain(_: &mut CertificateParams) {}

fn start(place: &Place, identity: &Identity, more: &[&str]) -> Process {
    let (certificate, key) = identity.write(place.folder.path());
    let mut command = place.serve();
    command.arg("--tls-cert").arg(certificate);
    command.arg("--tls-key").arg(key).args(more);
    Process::start(&mut command)
}

fn order() -> Request {
    Request::post("/c/orders").bearer(SECRET).json(&json!({}))
}

fn der(identity: &Identity) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(identity.certificate.as_bytes()).unwrap()
}

#[test]
fn both_listeners_speak_tls_and_nothing_else() {
    let authority = Authority::new();
    let place = place();
    let identity = authority.issue(plain);
    let hub = start(&place, &identity, &["--admin-listen", "127.0.0.1:0"]);
    let log = hub.stderr();
    assert!(log.contains("listening on https://"), "{log}");
    let (_, admin) = log.split_once("managed on https://").unwrap();
    let end = admin.find(|c: char| !(c.is_ascii_digit() || ".:".contains(c)));
    let admin = admin[..end.unwrap()].parse().unwrap();
    let client = Client::new(&[&authority], None, |_| {});
    let (answer, shown) = client.send(&order(), hub.address).unwrap();
    assert_eq!((answer.status, shown), (202, der(&identity)));
    let agents = Request::get("/v1/agents").bearer(KEY);
    assert_eq!(client.send(&agents, admin).unwrap().0.status, 200);
    for address in [hub.address, admin] {
        assert!(agents.try_send(address).is_err());
    }
    let stranger = Client::new(&[&Authority::new()], None, |_| {});
    assert!(stranger.connect(hub.address).is_err());
}

#[test]
fn either_version_and_either_protocol_can_be_agreed_on_and_is_served() {
    let authority = Authority::new();
    let place = place();
    let hub = start(&place, &authority.issue(plain), &[]);
    let offering = |version: &'static SupportedProtocolVersion, offered: &[&str]| {
        let names = offered.iter().map(|name| name.as_bytes().to_vec());
        let names = names.collect();
        Client::speaking(&[version], &[&authority], None, |config| {
            config.alpn_protocols = names;
        })
    };
    for version in [&TLS12, &TLS13] {
        for (offered, agreed) in [
            (&["h2", "http/1.1"][..], Some("h2")),
            (&["http/1.1"], Some("http/1.1")),
            (&[], None),
        ] {
            let client = offering(version, offered);
            let mut stream = client.connect(hub.address).unwrap();
            assert_eq!(stream.conn.protocol_version(), Some(version.version));
            let protocol = stream.conn.alpn_protocol();
            assert_eq!(protocol, agreed.map(str::as_bytes));
            let accepted = if agreed == Some("h2") {
                let mut connection = Connection::over(stream, &[]);
                connection.post(1, ("/c/orders", Some(SECRET)), &json!({}))
            } else {
                let answer = order().exchange(&mut stream, hub.address);
                answer.unwrap().expect(202)
            };
            assert_eq!(accepted["duplicate"], false, "{accepted}");
        }
        let none_known = offering(version, &["spdy/1"]);
        assert!(none_known.connect(hub.address).is_err());
    }
}

#[test]
fn a_certificate_is_replaced_under_traffic_and_no_request_fails() {
    let (old, new) = (Authority::new(), Authority::new());
    let place = place();
    let hub = start(&place, &old.issue(plain), &[]);
    let client = Client::new(&[&old, &new], None, |_| {});
    let fresh = new.issue(plain);
    let (over, sent) = (AtomicBool::new(false), AtomicUsize::new(0));
    let last = thread::scope(|scope| {
        let sender = scope.spawn(|| {
            loop {
                let was_over = over.load(Ordering::Relaxed);
                let (answer, shown) = client.send(&order(), hub.address).unwrap();
                assert_eq!(answer.status, 202);
                sent.fetch_add(1, Ordering::Relaxed);
                if was_over {
                    return shown;
                }
            }
        });
        let some_more = || {
            let so_far = sent.load(Ordering::Relaxed);
            wait_until(|| sent.load(Ordering::Relaxed) > so_far + 5 || sender.is_finished());
        };
        some_more();
        // The half of it is a certificate with another's key.
        fs::write(place.folder.path().join("hub.pem"), &fresh.certificate).unwrap();
        hub.signal(Signal::HUP);
        wait_until(|| {
            hub.stderr()
                .contains("goes on with the certificate that it has")
        });
        some_more();
        fresh.write(place.folder.path());
        hub.signal(Signal::HUP);
        wait_until(|| hub.stderr().contains("was read again"));
        some_more();
        over.store(true, Ordering::Relaxed);
        sender.join().unwrap()
    });
    assert_eq!(last, der(&fresh));
}

#[test]
fn a_certificate_that_changes_is_noticed_without_a_signal() {
    let authority = Authority::new();
    let place = place();
    let hub = start(&place, &authority.issue(plain), &[]);
    let client = Client::new(&[&authority], None, |_| {});
    let fresh = authority.issue(plain);
    fresh.write(place.folder.path());
    wait_until(|| client.send(&order(), hub.address).unwrap().1 == der(&fresh));
}

/// A hub that asks clients for certificates, and who issues them.
fn mutual(wanted: &str, clients: &Authority, own: &Authority) -> (Place, Process) {
    let place = Place::new(&format!(
        r#"
agents: [{{ name: echo, runtime: echo }}]
connectors:
  - {{ name: orders, type: webhook, mode: inbound, secret: "{SECRET}", agents: [echo] }}
tls: {{ certificate: hub.pem, key: hub.key, client_ca: ca.pem, client_certificates: {wanted} }}
"#
    ));
    own.issue(plain).write(place.folder.path());
    fs::write(place.folder.path().join("ca.pem"), &clients.pem).unwrap();
    let hub = place.start();
    (place, hub)
}

#[test]
fn without_a_good_certificate_of_its_own_no_client_is_heard_where_one_is_required() {
    let (clients, own, others) = (Authority::new(), Authority::new(), Authority::new());
    let sent = |hub: &Process, identity: Option<&Identity>| {
        let client = Client::new(&[&own], identity, |_| {});
        let sent = client.send(&order(), hub.address);
        sent.is_ok_and(|(answer, _)| answer.status == 202)
    };
    let good = clients.issue(plain);
    let forged = others.issue(plain);
    let expired = clients.issue(|params| params.not_after = date_time_ymd(2020, 1, 1));
    for (wanted, without) in [("required", false), ("optional", true)] {
        let (_place, hub) = mutual(wanted, &clients, &own);
        assert_eq!(sent(&hub, None), without, "{wanted}");
        assert!(sent(&hub, Some(&good)), "{wanted}");
        for bad in [&forged, &expired] {
            assert!(!sent(&hub, Some(bad)), "{wanted}");
        }
    }
}

#[test]
fn a_certificate_that_is_over_is_warned_of_and_one_that_cannot_be_used_is_refused() {
    let authority = Authority::new();
    let place = place();
    let expired = authority.issue(|params| params.not_after = date_time_ymd(2020, 1, 1));
    let hub = start(&place, &expired, &[]);
    assert!(
        hub.stderr().contains("hub.pem` has expired"),
        "{}",
        hub.stderr()
    );
    drop(hub);
    let (certificate, key) = authority.issue(plain).write(place.folder.path());
    let mut command = place.serve();
    // They are swapped.
    command
        .arg("--tls-cert")
        .arg(&key)
        .arg("--tls-key")
        .arg(&certificate);
    let (code, _, stderr) = run(&mut command);
    assert_eq!(code, 1);
    assert!(
        stderr.contains("hub.key`: it holds no certificate"),
        "{stderr}"
    );
    assert!(!stderr.contains("PRIVATE KEY"));
}

#[test]
fn hundreds_of_handshakes_that_do_not_end_slow_nobody() {
    let authority = Authority::new();
    let place = place();
    let hub = start(&place, &authority.issue(plain), &[]);
    let client = Client::new(&[&authority], None, |_| {});
    let request = order();
    let begun = AtomicUsize::new(0);
    // The beginning of a record that says it is a long greeting.
    let greeting = "\u{16}\u{3}\u{1}\u{40}\0\u{1}\0\u{3f}";
    unharmed(
        || assert_eq!(client.send(&request, hub.address).unwrap().0.status, 202),
        &[&|over| slow(hub.address, "", &begun, over), &|over| {
            slow(hub.address, greeting, &begun, over);
        }],
        || wait_until(|| begun.load(Ordering::Relaxed) >= 1000),
    );
}
