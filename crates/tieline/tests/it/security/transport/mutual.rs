//! `auth: mtls`: connectors that know their callers by their certificates.

use std::fmt::Write as _;
use std::fs;

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, SanType, date_time_ymd};
use rustix::process::Signal;
use rustls::HandshakeKind;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::json;
use tieline_signature::digest::sha256;

use super::frames::Connection;
use crate::http::{Answer, Request};
use crate::hub::{KEY, Place, Process, SECRET, wait_until};
use crate::secrecy::{Authority, Client, Identity};

const NAME: &str = "billing.example.com";
const URI: &str = "spiffe://example.com/billing";
/// Whose certificate is known by its fingerprint alone.
const PRINTED: &str = "printed.example.com";

/// A hub that asks its clients for certificates.
struct Scene {
    /// Who issues those of clients.
    clients: Authority,
    /// Who issued the hub's own.
    own: Authority,
    printed: Identity,
    place: Place,
    hub: Process,
}

impl Scene {
    fn new(wanted: &str) -> Self {
        let (clients, own) = (Authority::new(), Authority::new());
        let printed = clients.issue(named(&[dns(PRINTED)]));
        let fingerprint = fingerprint(&printed);
        let place = Place::new(&format!(
            r#"
agents: [{{ name: echo, runtime: echo }}]
connectors:
  - name: billing
    type: webhook
    mode: inbound
    secret: "{SECRET}"
    agents: [echo]
    settings: {{ auth: mtls, mtls: {{ names: [{NAME}, "{URI}"], fingerprints: ["{fingerprint}"] }} }}
  - name: ask
    type: webhook
    mode: sync
    agents: [echo]
    settings: {{ auth: mtls, mtls: {{ names: [{NAME}] }} }}
  - {{ name: orders, type: webhook, mode: inbound, secret: "{SECRET}", agents: [echo] }}
trusted_proxies: [127.0.0.1/32]
tls: {{ certificate: hub.pem, key: hub.key, client_ca: ca.pem, client_certificates: {wanted} }}
"#
        ));
        own.issue(|_| {}).write(place.folder.path());
        fs::write(place.folder.path().join("ca.pem"), &clients.pem).unwrap();
        let hub = place.start();
        Self {
            clients,
            own,
            printed,
            place,
            hub,
        }
    }

    fn client(&self, identity: Option<&Identity>) -> Client {
        Client::new(&[&self.own], identity, |_| {})
    }

    /// `None` where the hub does not talk to the client.
    fn send(&self, identity: Option<&Identity>, request: &Request) -> Option<Answer> {
        let sent = self.client(identity).send(request, self.hub.address);
        sent.ok().map(|(answer, _)| answer)
    }

    /// How many events there are.
    fn events(&self, identity: Option<&Identity>) -> usize {
        let request = Request::get("/v1/events").bearer(KEY);
        let events = self.send(identity, &request).unwrap().expect(200);
        events["data"].as_array().unwrap().len()
    }
}

fn dns(name: &str) -> SanType {
    SanType::DnsName(name.try_into().unwrap())
}

fn uri(text: &str) -> SanType {
    SanType::URI(text.try_into().unwrap())
}

/// A certificate of these names and no others.
fn named(names: &[SanType]) -> impl FnOnce(&mut CertificateParams) {
    |params| params.subject_alt_names = names.to_vec()
}

/// As OpenSSL prints it.
fn fingerprint(identity: &Identity) -> String {
    let der = CertificateDer::from_pem_slice(identity.certificate.as_bytes()).unwrap();
    let mut text = String::new();
    for byte in sha256(&der) {
        write!(text, "{byte:02X}:").unwrap();
    }
    text.trim_end_matches(':').to_owned()
}

fn post(connector: &str) -> Request {
    Request::post(&format!("/c/{connector}")).json(&json!({ "amount": 1 }))
}

/// Certificates that are good for the listener, and of nobody whom a connector takes.
fn others(clients: &Authority) -> Vec<(&'static str, Identity)> {
    let of = |names: &[SanType]| clients.issue(named(names));
    let common = |params: &mut CertificateParams| {
        params.subject_alt_names = vec![dns("other.example.com")];
        params.distinguished_name.push(DnType::CommonName, NAME);
    };
    vec![
        ("another name", of(&[dns("other.example.com")])),
        ("a longer name", of(&[dns("billing.example.com.evil.test")])),
        ("a name below", of(&[dns("a.billing.example.com")])),
        ("any name", of(&[dns("*.example.com")])),
        ("another URI", of(&[uri("spiffe://example.com/Billing")])),
        (
            "the name as a URI",
            of(&[uri("https://billing.example.com")]),
        ),
        ("the name where none is looked for", clients.issue(common)),
        ("the name of another fingerprint", of(&[dns(PRINTED)])),
    ]
}

/// Certificates that are not good at all, by whoever they say they are.
fn bad(clients: &Authority) -> Vec<(&'static str, Identity)> {
    let not_for_clients = |params: &mut CertificateParams| {
        named(&[dns(NAME)])(params);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    };
    let expired = |params: &mut CertificateParams| {
        named(&[dns(NAME)])(params);
        params.not_after = date_time_ymd(2020, 1, 1);
    };
    // All authorities here have the same name.
    let elsewhere = Authority::new().issue(named(&[dns(NAME)]));
    vec![
        ("of another authority", elsewhere),
        ("expired", clients.issue(expired)),
        ("of a server", clients.issue(not_for_clients)),
    ]
}

#[test]
fn a_connector_for_certificates_takes_those_it_names_and_no_others() {
    for wanted in ["optional", "required"] {
        let scene = Scene::new(wanted);
        let good = scene.clients.issue(named(&[dns("x.test"), dns(NAME)]));
        for (what, identity) in others(&scene.clients) {
            for connector in ["billing", "ask"] {
                let answer = scene.send(Some(&identity), &post(connector)).unwrap();
                assert_eq!(answer.expect_problem(401), "unauthorized", "{what}");
            }
        }
        for (what, identity) in bad(&scene.clients) {
            let answer = scene.send(Some(&identity), &post("billing"));
            assert!(answer.is_none(), "{wanted}, {what}: {answer:?}");
        }
        let without = scene.send(None, &post("billing"));
        let without = without.map(|answer| answer.expect_problem(401));
        let expected = (wanted == "optional").then(|| "unauthorized".to_owned());
        assert_eq!(without, expected);
        // The secret of a connector that asks for a certificate is no way in.
        let by_secret = others(&scene.clients).remove(0).1;
        let by_secret = scene.send(Some(&by_secret), &post("billing").bearer(SECRET));
        assert_eq!(by_secret.unwrap().status, 401);
        assert_eq!(scene.events(Some(&good)), 0);
        let by_uri = scene.clients.issue(named(&[uri(URI)]));
        for identity in [&good, &by_uri, &scene.printed] {
            let accepted = scene.send(Some(identity), &post("billing")).unwrap();
            let event = accepted.expect(202)["event_id"].clone();
            let path = format!("/v1/events/{}", event.as_str().unwrap());
            let event = scene.send(Some(identity), &Request::get(&path).bearer(KEY));
            assert_eq!(event.unwrap().expect(200)["trust"], "verified");
        }
        let answer = scene.send(Some(&good), &post("ask")).unwrap().expect(200);
        assert_eq!(answer["result"]["output"], json!({ "amount": 1 }));
        assert_eq!(scene.events(Some(&good)), 4);
    }
}

#[test]
fn a_certificate_opens_nothing_that_wants_a_secret_or_a_key() {
    let scene = Scene::new("optional");
    let good = scene.clients.issue(named(&[dns(NAME)]));
    let offering = |config: &mut rustls::ClientConfig| {
        config.alpn_protocols = vec![b"h2".to_vec()];
    };
    let client = Client::new(&[&scene.own], Some(&good), offering);
    // All on one connection, which has shown what it has.
    let mut connection = Connection::over(client.connect(scene.hub.address).unwrap(), &[]);
    let mut ask = |stream, path, secret| connection.post(stream, (path, secret), &json!({}));
    let accepted = ask(1, "/c/billing", None);
    let run = accepted["run_ids"][0].as_str().unwrap();
    for (stream, path) in [
        (3, "/c/orders"),
        (5, "/v1/agents"),
        (7, "/v1/connectors/orders/trigger"),
    ] {
        assert_eq!(ask(stream, path, None)["code"], "unauthorized", "{path}");
    }
    assert_eq!(ask(9, "/c/orders", Some(SECRET))["duplicate"], false);
    assert_eq!(scene.events(None), 2);
    // Results are for who knows the secret.
    let read = Request::get(&format!("/c/billing/runs/{run}"));
    assert_eq!(scene.send(Some(&good), &read).unwrap().status, 401);
    let read = scene.send(None, &read.bearer(SECRET)).unwrap();
    assert_eq!(read.expect(200)["run_id"], run);
}

#[test]
fn a_proxys_certificate_says_nothing_of_who_is_behind_it() {
    let scene = Scene::new("optional");
    let proxy = scene.clients.issue(named(&[dns(NAME)]));
    for forwarded in ["198.51.100.7", "127.0.0.1", "garbage", ""] {
        let request = post("billing").header("X-Forwarded-For", forwarded);
        let answer = scene.send(Some(&proxy), &request).unwrap();
        assert_eq!(answer.status, 401, "{forwarded}");
    }
    assert_eq!(scene.events(None), 0);
    let own = scene.send(Some(&proxy), &post("billing"));
    own.unwrap().expect(202);
}

#[test]
fn a_session_that_is_resumed_has_its_certificate_and_none_outlives_its_authority() {
    let scene = Scene::new("optional");
    let identity = scene.clients.issue(named(&[dns(NAME)]));
    let client = scene.client(Some(&identity));
    let send = |client: &Client| {
        let mut stream = client.connect(scene.hub.address).ok()?;
        let kind = stream.conn.handshake_kind().unwrap();
        let answer = post("billing").exchange(&mut stream, scene.hub.address);
        Some((kind, answer.ok()?.status))
    };
    assert_eq!(send(&client), Some((HandshakeKind::Full, 202)));
    assert_eq!(send(&client), Some((HandshakeKind::Resumed, 202)));
    let fresh = Authority::new();
    fs::write(scene.place.folder.path().join("ca.pem"), &fresh.pem).unwrap();
    scene.hub.signal(Signal::HUP);
    wait_until(|| scene.hub.stderr().contains("was read again"));
    assert_eq!(send(&client), None);
    assert_eq!(scene.events(None), 2);
    let identity = fresh.issue(named(&[dns(NAME)]));
    let client = scene.client(Some(&identity));
    assert_eq!(send(&client).map(|(_, status)| status), Some(202));
}
