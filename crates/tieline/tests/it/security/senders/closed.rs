//! T2: without a key that is one, nothing is taken.

use serde_json::{Value, json};

use super::scheme::{self, BODY, SCHEMES};
use super::{hub, nothing_came, refused, send};
use crate::http::Request;
use crate::hub::{KEY, Place, Process, run, tieline};

/// In each of them there is no key to judge by: none may be opened.
const KEYLESS: [&str; 12] = [
    r#"secret: """#,
    r#"secret: "                                ""#,
    "secret: []",
    r#"secret: [""]"#,
    r#"secret: { value: "" }"#,
    "secret: short",
    "secret: ${MISSING}",
    "secret: ${file:missing}",
    "secret: ${file:blank}",
    "settings: { auth: [] }",
    r#"settings: { auth: ed25519, ed25519: { header: X-Sig, public_keys: [""] } }"#,
    "settings: { auth: jwt, jwt: { issuer: i, audience: a, jwks: { keys: [] } } }",
];

#[test]
fn a_secret_that_is_missing_empty_or_blank_opens_nothing() {
    for field in KEYLESS {
        let place = Place::new(&format!(
            "agents: [{{ name: parrot, runtime: echo }}]\nconnectors:\n  - name: c\n    type: webhook\n    mode: inbound\n    agents: [parrot]\n    {field}\n"
        ));
        std::fs::write(place.folder.path().join("blank"), " \n").unwrap();
        let (code, said, why) = run(&mut place.serve());
        assert_ne!(code, 0, "{field}: {said}");
        assert!(why.contains("connectors[0]"), "{field}: {why}");
    }
}

#[test]
fn the_api_makes_no_connector_without_a_key_either() {
    let (_place, hub) = hub(&["  []".to_owned()]);
    for (field, value) in [
        ("secret", json!("")),
        ("secret", json!("                        ")),
        ("secret", json!([])),
        ("secret", json!(["", scheme::secret(0)])),
        ("secret", json!({ "value": "" })),
        (
            "secret",
            json!({ "value": scheme::secret(0), "not_after": "never" }),
        ),
        ("settings", json!({ "auth": [] })),
        ("settings", json!({ "auth": ["none", "secret"] })),
        ("settings", json!({ "auth": "hmac" })),
        ("settings", json!({ "auth": "jwt" })),
        ("settings", json!({ "auth": "mtls", "mtls": {} })),
        (
            "settings",
            json!({ "auth": "basic", "basic": { "user": "" } }),
        ),
        ("settings", json!({ "allow_from": [] })),
    ] {
        let mut wanted = json!({
            "name": "c", "type": "webhook", "mode": "inbound", "agents": ["parrot"],
        });
        wanted[field] = value.clone();
        let request = Request::post("/v1/connectors").bearer(KEY).json(&wanted);
        let answer = hub.send(&request);
        assert_eq!(answer.expect_problem(422), "invalid-settings", "{value}");
        let there = hub.send(&Request::post("/c/c").json(&json!({})));
        assert_eq!(there.status, 404, "{value}");
    }
    nothing_came(&hub);
}

#[test]
fn a_secret_whose_time_is_not_now_is_none() {
    let dated = |name: &str, from: &str, until: &str| {
        let secret = scheme::secret(0);
        format!(
            "  - {{ name: {name}, type: webhook, mode: inbound, agents: [parrot], secret: {{ value: \"{secret}\", not_before: {from}, not_after: {until} }} }}\n"
        )
    };
    let (_place, hub) = hub(&[
        dated("now", "2020-01-01T00:00:00Z", "2100-01-01T00:00:00Z"),
        dated("past", "2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z"),
        dated("future", "2100-01-01T00:00:00Z", "2101-01-01T00:00:00Z"),
    ]);
    for scheme in [&SCHEMES[0], &SCHEMES[1], &SCHEMES[scheme::WEBHOOKS]] {
        let headers = (scheme.sign)(0, BODY);
        for name in ["past", "future"] {
            refused(&send(&hub, name, &headers, BODY), scheme.name);
        }
    }
    nothing_came(&hub);
    send(&hub, "now", &(SCHEMES[0].sign)(0, BODY), BODY).expect(202);
    let shown = hub.get("/v1/connectors/past");
    assert_eq!(shown["secret"]["value"], "***");
    assert_eq!(shown["secret"]["not_after"], "2021-01-01T00:00:00.000Z");
}

#[test]
fn what_is_open_is_so_by_those_words_alone_and_is_marked_wherever_it_is_shown() {
    let open = "  - { name: open, type: webhook, mode: inbound, agents: [parrot], settings: { auth: none } }\n";
    let closed = "  - { name: closed, type: webhook, mode: inbound, agents: [parrot] }\n";
    let (_place, hub) = hub(&[open.to_owned(), closed.to_owned()]);
    let marks = |connectors: &Value| -> Vec<(String, Value)> {
        let all = connectors["data"].as_array().unwrap().iter();
        all.map(|one| {
            (
                one["name"].as_str().unwrap().to_owned(),
                one["open"].clone(),
            )
        })
        .collect()
    };
    let mut listed = marks(&hub.get("/v1/connectors"));
    listed.sort_by(|a, b| a.0.cmp(&b.0));
    let wanted = [
        ("closed".to_owned(), Value::Null),
        ("open".to_owned(), json!(true)),
    ];
    assert_eq!(listed, wanted);
    assert_eq!(hub.get("/v1/connectors/open")["open"], true);
    refused(&send(&hub, "closed", &[], BODY), "closed");
    let accepted = send(&hub, "open", &[], BODY).expect(202);
    let event = accepted["event_id"].as_str().unwrap();
    assert_eq!(hub.get(&format!("/v1/events/{event}"))["trust"], "open");
}

#[test]
fn what_is_open_is_warned_of_at_each_start_and_marked_in_the_list() {
    const OPEN: &str = "  - { name: open, type: webhook, mode: inbound, agents: [parrot], settings: { auth: none } }\n";
    let line = "settings.auth: anybody may call this connector";
    let named = |name: &str| format!("anybody may call connector `{name}`");
    let (place, hub) = hub(&[OPEN.to_owned()]);
    let closed = json!({
        "name": "closed", "type": "webhook", "mode": "inbound", "agents": ["parrot"],
        "secret": scheme::secret(0),
    });
    let mut made = closed.clone();
    made["name"] = json!("made");
    made["settings"] = json!({ "auth": "none" });
    for connector in [&closed, &made] {
        let request = Request::post("/v1/connectors").bearer(KEY).json(connector);
        hub.send(&request).expect(201);
    }
    let (code, list, _) = hub.command(&["connectors", "list"]);
    assert_eq!(code, 0);
    let marks: Vec<_> = list
        .lines()
        .map(|row| row.split_whitespace())
        .map(|mut cells| (cells.next().unwrap(), cells.next_back().unwrap()))
        .collect();
    for mark in [
        ("NAME", "OPEN"),
        ("open", "true"),
        ("made", "true"),
        ("closed", "-"),
    ] {
        assert!(marks.contains(&mark), "{mark:?}: {list}");
    }
    drop(hub);
    // By their files, and without.
    let hub = place.start();
    let log = hub.stderr();
    assert!(log.contains(line) && !log.contains(&named("open")), "{log}");
    assert!(
        log.contains(&named("made")) && !log.contains("closed"),
        "{log}"
    );
    drop(hub);
    let mut command = tieline(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("TIELINE_ADMIN_KEY", KEY);
    let log = Process::start(command.arg("--data").arg(place.data())).stderr();
    for name in ["open", "made"] {
        assert_eq!(log.matches(&named(name)).count(), 1, "{log}");
    }
    assert!(!log.contains("closed"), "{log}");
}
