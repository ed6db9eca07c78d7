//! T9: where callers may come from is compared as addresses, and is no proof of anything.

use super::scheme::{BODY, SCHEMES, secret};
use super::{hub, nothing_came, refused, send};
use crate::http::Request;

fn connector(name: &str, allowed: &str, auth: &str) -> String {
    let secret = secret(0);
    format!(
        "  - {{ name: {name}, type: webhook, mode: inbound, agents: [parrot], secret: \"{secret}\", settings: {{ auth: {auth}, allow_from: [\"{allowed}\"] }} }}\n"
    )
}

/// The tests call from 127.0.0.1.
#[test]
fn an_address_that_only_looks_like_an_allowed_one_is_refused() {
    let far = [
        "27.0.0.1",
        "127.0.0.10",
        "127.0.0.2",
        "::1",
        "12.0.0.0/8",
        "::ffff:127.0.0.2",
    ];
    let near = [
        "127.0.0.1",
        "127.0.0.0/8",
        "::ffff:127.0.0.1",
        "::ffff:127.0.0.0/104",
    ];
    let named = |kind: &str, n: usize| format!("{kind}-{n}");
    let of = |kind: &str, all: &[&str]| -> Vec<String> {
        let all = all.iter().enumerate();
        all.map(|(n, one)| connector(&named(kind, n), one, "secret"))
            .collect()
    };
    let (_place, hub) = hub(&[of("far", &far), of("near", &near)].concat());
    let good = (SCHEMES[0].sign)(0, BODY);
    for (n, allowed) in far.iter().enumerate() {
        let name = named("far", n);
        refused(&send(&hub, &name, &good, BODY), allowed);
        // Nobody says that for themselves.
        let forwarded = ["x-forwarded-for", "x-real-ip", "forwarded"]
            .map(|name| (name.to_owned(), (*allowed).to_owned()));
        let spoofed = [good.clone(), forwarded.to_vec()].concat();
        refused(&send(&hub, &name, &spoofed, BODY), allowed);
    }
    nothing_came(&hub);
    for (n, allowed) in near.iter().enumerate() {
        let name = named("near", n);
        refused(&send(&hub, &name, &[], BODY), allowed);
        assert_eq!(send(&hub, &name, &good, BODY).status, 202, "{allowed}");
    }
}

#[test]
fn an_open_connector_with_a_network_is_closed_to_all_others_for_reading_too() {
    let (_place, hub) = hub(&[
        connector("far", "192.0.2.0/24", "none"),
        connector("near", "127.0.0.0/8", "none"),
    ]);
    refused(&send(&hub, "far", &[], BODY), "far");
    let accepted = send(&hub, "near", &[], BODY).expect(202);
    let event = accepted["event_id"].as_str().unwrap();
    let read = |name: &str| hub.send(&Request::get(&format!("/c/{name}/events/{event}")));
    assert_eq!(read("near").status, 200);
    assert_eq!(read("far").status, 401);
}
