//! Who may trigger a connector: unsigned, wrong, replayed, from elsewhere.

mod closed;
mod networks;
mod replays;
mod scheme;
mod sessions;
mod tokens;

use serde_json::json;

use self::scheme::{BODY, SCHEMES, Scheme, connector};
use crate::agent::Agent;
use crate::http::{Answer, Request};
use crate::hub::{Place, Process};

/// A hub with the connectors given, all to an agent that gives back its input.
fn hub(connectors: &[String]) -> (Place, Process) {
    let place = Place::new(&format!(
        "agents: [{{ name: parrot, runtime: echo }}]\nconnectors:\n{}",
        connectors.concat()
    ));
    let hub = place.start();
    (place, hub)
}

/// Posts a body with headers.
fn send(hub: &Process, name: &str, headers: &[(String, String)], body: &str) -> Answer {
    let mut request = Request::post(&format!("/c/{name}")).body("application/json", body);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    hub.send(&request)
}

/// Refused as everybody is refused: nobody can tell from the answer why.
#[track_caller]
fn refused(answer: &Answer, what: &str) {
    assert_eq!(answer.status, 401, "{what}: {}", answer.text());
    assert_eq!(
        answer.text(),
        r#"{"type":"urn:tieline:problem:unauthorized","title":"The credentials are missing or wrong","code":"unauthorized","detail":"Send valid credentials with the request."}"#,
        "{what}"
    );
    assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{what}");
}

#[track_caller]
fn nothing_came(hub: &Process) {
    assert_eq!((hub.count("/v1/events"), hub.count("/v1/runs")), (0, 0));
}

/// A row of T1 for every scheme that there is.
#[test]
fn unsigned_wrong_truncated_and_others_credentials_are_refused_alike_and_leave_nothing() {
    let all: Vec<_> = SCHEMES
        .iter()
        .flat_map(|one| {
            [
                connector(one, one.name, 0),
                connector(one, &one.sibling(), 1),
            ]
        })
        .collect();
    let (_place, hub) = hub(&all);
    for scheme in &SCHEMES {
        let good = (scheme.sign)(0, BODY);
        refused(&send(&hub, scheme.name, &[], BODY), scheme.name);
        let cut = |keep: &dyn Fn(&str) -> String| {
            let mut cut = good.clone();
            let (_, credential) = cut.last_mut().unwrap();
            *credential = keep(credential);
            cut
        };
        let wrong = [
            ("a stranger's key", (scheme.sign)(2, BODY)),
            ("the sibling's key", (scheme.sign)(1, BODY)),
            ("cut", cut(&|whole| whole[..whole.len() - 4].to_owned())),
            (
                "its name alone",
                cut(&|whole| whole[..whole.len().min(7)].to_owned()),
            ),
            ("empty", cut(&|_| String::new())),
            ("grown", cut(&|whole| format!("{whole}AAAA"))),
        ];
        for (what, headers) in wrong {
            let what = format!("{}: {what}", scheme.name);
            refused(&send(&hub, scheme.name, &headers, BODY), &what);
        }
        let twice = [good.clone(), good.clone()].concat();
        refused(&send(&hub, scheme.name, &twice, BODY), scheme.name);
        if scheme.trust == "verified" && scheme.covers_body {
            let other = BODY.replace('1', "2");
            refused(&send(&hub, scheme.name, &good, &other), scheme.name);
            refused(&get(&hub, scheme, &good), scheme.name);
        }
    }
    nothing_came(&hub);
    // All of it was refused for what it was: what is good is taken, and its trust is told.
    for scheme in &SCHEMES {
        let accepted = send(&hub, scheme.name, &(scheme.sign)(0, BODY), BODY).expect(202);
        let event = accepted["event_id"].as_str().unwrap();
        let event = hub.get(&format!("/v1/events/{event}"));
        assert_eq!(event["trust"], scheme.trust, "{}", scheme.name);
    }
}

/// What a GET brings is its query, and no signature covers that.
fn get(hub: &Process, scheme: &Scheme, headers: &[(String, String)]) -> Answer {
    let mut request = Request::get(&format!("/c/{}?amount=1000000", scheme.name));
    for (name, value) in headers {
        request = request.header(name, value);
    }
    hub.send(&request)
}

#[test]
fn a_connector_for_certificates_takes_nobody_without_one() {
    let cert = "  - { name: cert, type: webhook, mode: inbound, agents: [parrot], settings: { auth: mtls, mtls: { names: [a] } } }\n";
    let (_place, hub) = hub(&[cert.to_owned()]);
    let secret = scheme::secret(0);
    for headers in [
        vec![],
        vec![("x-tieline-secret".to_owned(), secret)],
        vec![(
            "x-forwarded-client-cert".to_owned(),
            "By=a;Hash=b;URI=a".to_owned(),
        )],
        vec![("x-ssl-client-verify".to_owned(), "SUCCESS".to_owned())],
    ] {
        refused(&send(&hub, "cert", &headers, BODY), &format!("{headers:?}"));
    }
    nothing_came(&hub);
}

/// T6: what the signature does not cover is not believed, and what it covers is said.
#[test]
fn what_is_not_signed_changes_nothing_and_is_marked() {
    let scheme = &SCHEMES[scheme::WEBHOOKS];
    let agent = Agent::start();
    let place = Place::new(&format!(
        "agents: [{{ name: parrot, runtime: http, url: \"{}\" }}]\nconnectors:\n{}",
        agent.url(),
        connector(scheme, scheme.name, 0)
    ));
    let hub = place.start();
    let signed = (scheme.sign)(0, BODY);
    let with = |name: &str, value: &str| {
        let more = [(name.to_owned(), value.to_owned())];
        [signed.clone(), more.to_vec()].concat()
    };
    let first = send(&hub, scheme.name, &with("x-event", "refund"), BODY).expect(202);
    hub.ended(&first["run_ids"][0]);
    let event = &agent.seen()[0]["event"];
    assert_eq!(event["trust"], "verified");
    assert_eq!(event["headers"]["x-event"], "refund");
    assert_eq!(
        event["signed_headers"],
        json!(["webhook-id", "webhook-timestamp"])
    );
    for (name, value) in [
        ("x-event", "paid"),
        ("idempotency-key", "another"),
        ("x-github-delivery", "another"),
    ] {
        let again = send(&hub, scheme.name, &with(name, value), BODY).expect(202);
        assert_eq!(again["duplicate"], true, "{name}");
        assert_eq!(again["event_id"], first["event_id"], "{name}");
    }
    // The id is signed: another one makes the whole wrong.
    let mut renamed = signed.clone();
    renamed[0].1 = "msg_2".to_owned();
    refused(&send(&hub, scheme.name, &renamed, BODY), "another id");
    assert_eq!(hub.count("/v1/events"), 1);
}
