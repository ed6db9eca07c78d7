//! Opening: what a person may write, and what they are told.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use serde_json::{Map, Value, json};
use tieline_contract::connector_type::{EndpointRole, SinkRole};
use tieline_contract::endpoint::{ErrorDetail, ReadAccess};
use tieline_contract::erased::{DynEndpoint, DynSink};
use tieline_contract::{EndpointContext, Problems, SinkContext};
use tieline_egress::{Client, Limits, Policy};
use tieline_model::{Mode, Name, Secret};

use super::*;

const WHSEC: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn map(settings: &Value) -> Map<String, Value> {
    settings.as_object().unwrap().clone()
}

fn role(mode: Mode) -> &'static EndpointRole {
    match mode {
        Mode::Sync => {
            let Exchange::Endpoint(role) = TYPE.sync.as_ref().unwrap();
            role
        }
        Mode::Inbound | Mode::Outbound => {
            let Inbound::Endpoint(role) = TYPE.inbound.as_ref().unwrap();
            role
        }
    }
}

/// Opens an endpoint as the hub does.
pub(super) fn endpoint(mode: Mode, settings: &Value) -> Result<Box<dyn DynEndpoint>, Problems> {
    let context = EndpointContext {
        connector: Name::new("orders").unwrap(),
        mode,
        secrets: vec![Secret::new(WHSEC).unwrap().into()],
    };
    (role(mode).open)(&map(settings), &context)
}

/// Opens a sink as the hub does; loopback may be reached.
pub(super) fn sink(settings: &Value, secrets: &[&str]) -> Result<Box<dyn DynSink>, Problems> {
    let policy = Policy::Outside {
        allow: vec!["127.0.0.1/32".parse().unwrap()],
    };
    let context = SinkContext {
        connector: Name::new("results").unwrap(),
        secrets: secrets
            .iter()
            .map(|one| Secret::new(*one).unwrap().into())
            .collect(),
        egress: Arc::new(Client::new(policy, Limits::default())),
    };
    let Outbound::Sink(SinkRole { open, .. }) = TYPE.outbound.as_ref().unwrap();
    open(&map(settings), &context)
}

fn paths<T>(result: Result<T, Problems>) -> Vec<String> {
    let problems = result.err().map(Problems::into_vec).unwrap_or_default();
    problems.into_iter().map(|one| one.path).collect()
}

#[test]
fn without_settings_an_endpoint_has_the_defaults_of_the_contract() {
    let inbound = endpoint(Mode::Inbound, &json!({})).unwrap();
    let rules = inbound.rules();
    assert_eq!(rules.methods, [Method::GET, Method::POST]);
    assert_eq!(rules.max_body, 10 * 1024 * 1024);
    assert_eq!(
        (rules.read, rules.errors),
        (ReadAccess::OwnSecret, ErrorDetail::Full)
    );
    assert_eq!(rules.dedupe, None);
    assert!(!rules.auth.is_open());
    let sync = endpoint(Mode::Sync, &json!({})).unwrap();
    assert_eq!(sync.rules().wait, Duration::from_mins(5));
}

#[test]
fn settings_become_rules() {
    let settings = json!({
        "auth": "none",
        "methods": ["PUT"],
        "max_body": "1MiB",
        "dedupe": "input.id",
        "read": "off",
        "errors": "code",
        "timeout": "90s",
    });
    let sync = endpoint(Mode::Sync, &settings).unwrap();
    let rules = sync.rules();
    assert_eq!(rules.methods, [Method::PUT]);
    assert_eq!(rules.max_body, 1024 * 1024);
    assert_eq!(
        (rules.read, rules.errors),
        (ReadAccess::Off, ErrorDetail::Code)
    );
    assert_eq!(rules.dedupe.as_deref(), Some("input.id"));
    assert_eq!(rules.wait, Duration::from_secs(90));
    assert!(rules.auth.is_open());
}

#[test]
fn every_mistake_in_an_endpoint_is_named() {
    let cases = [
        (json!({ "methods": [] }), "methods"),
        (json!({ "methods": ["FETCH"] }), "methods[0]"),
        (json!({ "max_body": "0B" }), "max_body"),
        (json!({ "max_body": "1GiB" }), "max_body"),
        (json!({ "max_body": "10MB" }), "max_body"),
        (json!({ "max_parts": 0 }), "max_parts"),
        (json!({ "max_parts": 1001 }), "max_parts"),
        (json!({ "max_file": "0B" }), "max_file"),
        (json!({ "file_types": ["pdf"] }), "file_types[0]"),
        (
            json!({ "file_types": ["image/png", "Image/*"] }),
            "file_types[1]",
        ),
        (json!({ "dedupe": " " }), "dedupe"),
        (json!({ "auth": ["none", "secret"] }), "auth"),
        (json!({ "auth": "hmac" }), "hmac"),
        (json!({ "hmac": { "header": "x-sig" } }), "hmac"),
        (
            json!({ "secret_in_query": true, "auth": "standard-webhooks" }),
            "secret_in_query",
        ),
        (json!({ "timeot": "1s" }), "timeot"),
    ];
    for (settings, path) in cases {
        assert_eq!(paths(endpoint(Mode::Sync, &settings)), [path], "{settings}");
    }
    for timeout in ["0s", "61m"] {
        let settings = json!({ "timeout": timeout });
        assert_eq!(paths(endpoint(Mode::Sync, &settings)), ["timeout"]);
    }
    assert_eq!(
        paths(endpoint(Mode::Inbound, &json!({ "timeout": "5m" }))),
        ["timeout"]
    );
}

#[test]
fn a_sink_needs_a_destination_and_a_secret_that_signs() {
    let url = "https://example.com/hook";
    assert!(sink(&json!({ "url": url }), &[WHSEC]).is_ok());
    assert_eq!(paths(sink(&json!({}), &[WHSEC])).len(), 1);
    for bad in [
        "",
        "/hook",
        "ftp://example.com",
        "https://u:p@example.com",
        "https://e.com/#x",
    ] {
        assert_eq!(
            paths(sink(&json!({ "url": bad }), &[WHSEC])),
            ["url"],
            "{bad}"
        );
    }
    for secrets in [
        &[][..],
        &["a plain secret, long enough"],
        &[WHSEC, "whsec_x"],
    ] {
        let problems = sink(&json!({ "url": url }), secrets).err().unwrap();
        assert!(problems.to_string().contains("rotate-secret"), "{problems}");
    }
}

#[test]
fn every_mistake_in_a_sink_is_named() {
    let cases = [
        (json!({ "timeout": "0s" }), "timeout"),
        (json!({ "timeout": "11m" }), "timeout"),
        (json!({ "on": [] }), "on"),
        (json!({ "on": ["done"] }), "on[0]"),
        (json!({ "from": ["Not A Name"] }), "from[0]"),
        (json!({ "content_type": "json" }), "content_type"),
        (json!({ "content_type": "a/b\n" }), "content_type"),
        (
            json!({ "body": { "template": "{{ output" } }),
            "body.template",
        ),
        (
            json!({ "headers": { "webhook-id": "x" } }),
            "headers.webhook-id",
        ),
        (
            json!({ "headers": { "Webhook-Signature": "x" } }),
            "headers.Webhook-Signature",
        ),
        (json!({ "headers": { "Host": "x" } }), "headers.Host"),
        (
            json!({ "headers": { "content-length": "1" } }),
            "headers.content-length",
        ),
        (
            json!({ "headers": { "Content-Type": "a/b" } }),
            "headers.Content-Type",
        ),
        (json!({ "headers": { "a b": "x" } }), "headers.a b"),
        (
            json!({ "headers": { "x-a": "line\nbreak" } }),
            "headers.x-a",
        ),
        (
            json!({ "headers": { "X-A": "1", "x-a": "2" } }),
            "headers.x-a",
        ),
    ];
    for (mut settings, path) in cases {
        settings["url"] = json!("https://example.com/hook");
        assert_eq!(paths(sink(&settings, &[WHSEC])), [path], "{settings}");
    }
}

#[test]
fn nothing_that_is_printed_shows_a_secret_or_a_path() {
    let settings = json!({
        "url": "https://example.com/canary-path?canary-query",
        "headers": { "authorization": "canary-header" },
    });
    let problems = sink(&settings, &["canary secret, that cannot sign"])
        .err()
        .unwrap();
    assert!(!format!("{problems:?}").contains("canary"), "{problems:?}");
}

#[test]
fn the_examples_of_the_manual_use_settings_that_exist() {
    let blocks: Vec<_> = TYPE.manual.split("```").skip(1).step_by(2).collect();
    let yaml: Vec<_> = blocks
        .iter()
        .filter(|one| one.starts_with("yaml\n"))
        .collect();
    assert!(yaml.len() >= 4);
    let template = TYPE.manual.split("template: '").nth(1).unwrap();
    let template = template.split("'\n").next().unwrap();
    let settings = json!({ "url": "https://example.com", "body": { "template": template } });
    assert!(sink(&settings, &[WHSEC]).is_ok());
    // Every address that a `curl` of the manual calls is a connector of one of its examples.
    let called = TYPE.manual.split("/c/").skip(1);
    for rest in called {
        let name: String = rest
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect();
        let named = format!("  - name: {name}\n    type: webhook\n");
        assert!(yaml.iter().any(|one| one.contains(&named)), "{name}");
    }
}
