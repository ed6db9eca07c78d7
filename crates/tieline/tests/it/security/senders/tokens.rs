//! Tokens and the keys of their issuer: T1 and T2 for `auth: jwt`.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use super::super::wire::{Wire, plain};
use super::scheme::{BODY, ISSUER, claims, key_set, now_s, token};
use super::{nothing_came, refused, send};
use crate::http::Answer;
use crate::hub::{Place, Process};

/// A hub that asks `issuer` for the keys of tokens.
fn hub(issuer: &Wire) -> (Place, Process) {
    let url = issuer.url("/keys");
    let place = Place::new(&format!(
        r#"
agents: [{{ name: parrot, runtime: echo }}]
connectors:
  - name: orders
    type: webhook
    mode: inbound
    agents: [parrot]
    settings:
      auth: jwt
      jwt: {{ issuer: "{ISSUER}", audience: hub, jwks_url: "{url}", claims: {{ sub: billing }} }}
egress: {{ allow: [127.0.0.0/8] }}
"#
    ));
    let hub = place.start();
    (place, hub)
}

fn with(hub: &Process, token: &str) -> Answer {
    let header = ("authorization".to_owned(), format!("Bearer {token}"));
    send(hub, "orders", &[header], BODY)
}

#[test]
fn a_token_is_judged_by_the_keys_that_its_issuer_publishes() {
    let issuer = Wire::saying(&key_set(0, "k").to_string());
    let (_place, hub) = hub(&issuer);
    let but = |name: &str, value: serde_json::Value| {
        let mut claims = claims();
        claims[name] = value;
        token(0, "k", &claims)
    };
    let good = token(0, "k", &claims());
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let none = format!("eyJhbGciOiJub25lIn0.{}.", good.split('.').nth(1).unwrap());
    for (what, token) in [
        ("another key", token(1, "k", &claims())),
        ("a key that is not known", token(0, "other", &claims())),
        (
            "another issuer",
            but("iss", json!("https://evil.example.com")),
        ),
        ("for another", but("aud", json!("elsewhere"))),
        ("too old", but("exp", json!(now_s() - 300))),
        ("without an end", but("exp", json!(null))),
        ("not yet", but("nbf", json!(now_s() + 300))),
        ("of another subject", but("sub", json!("shipping"))),
        ("without a signature", format!("{signed}.")),
        ("cut", format!("{signed}.{}", &signature[..80])),
        ("of no algorithm", none),
        ("not a token", "a.b.c".to_owned()),
    ] {
        refused(&with(&hub, &token), what);
    }
    nothing_came(&hub);
    // Its id is no identity of an event: tokens are used more than once.
    for _ in 0..2 {
        let accepted = with(&hub, &good).expect(202);
        assert_eq!(accepted["duplicate"], false);
    }
    assert_eq!(hub.count("/v1/runs"), 2);
    // All of that took one look, and perhaps a second for the key that is not known.
    assert!(issuer.seen().len() <= 2, "{}", issuer.seen().len());
    assert_eq!(issuer.seen()[0].path(), "/keys");
}

#[test]
fn keys_that_cannot_be_had_are_503_and_never_a_yes() {
    for answer in [
        plain("500 Oops", "", "{}"),
        plain("302 Found", "Location: /elsewhere\r\n", "{}"),
        plain("200 OK", "", "{}"),
        plain("200 OK", "", r#"{"keys":[]}"#),
        plain("200 OK", "", "no JSON"),
        plain(
            "200 OK",
            "",
            &format!("{{\"keys\":[],\"x\":\"{}\"}}", "x".repeat(100_000)),
        ),
        Vec::new(),
    ] {
        let told = String::from_utf8_lossy(&answer).into_owned();
        let issuer = Wire::answering(move |_, stream| stream.write_all(&answer));
        let (_place, hub) = hub(&issuer);
        for token in [token(0, "k", &claims()), token(1, "k", &claims())] {
            for _ in 0..2 {
                let answer = with(&hub, &token);
                assert_eq!(answer.expect_problem(503), "keys-unavailable", "{told}");
                assert_eq!(answer.header("retry-after"), Some("10"), "{told}");
            }
        }
        // Whoever has no token at all is told so, and asks nobody.
        refused(&send(&hub, "orders", &[], BODY), &told);
        nothing_came(&hub);
        assert_eq!(issuer.seen().len(), 1, "{told}");
    }
}

#[test]
fn keys_that_were_had_once_are_good_while_their_issuer_is_away() {
    let away = Arc::new(AtomicBool::new(false));
    let is_away = Arc::clone(&away);
    let keys = plain("200 OK", "", &key_set(0, "k").to_string());
    let issuer = Wire::answering(move |_, stream| {
        if is_away.load(Ordering::SeqCst) {
            return Ok(());
        }
        stream.write_all(&keys)
    });
    let (_place, hub) = hub(&issuer);
    with(&hub, &token(0, "k", &claims())).expect(202);
    away.store(true, Ordering::SeqCst);
    with(&hub, &token(0, "k", &claims())).expect(202);
    refused(&with(&hub, &token(1, "k", &claims())), "another key");
}
