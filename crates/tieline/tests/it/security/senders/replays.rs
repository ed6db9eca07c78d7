//! T5: what was sent once and comes again starts nothing, however it is dressed.

use serde_json::Value;

use super::scheme::{BODY, HMAC, SCHEMES, WEBHOOKS, connector};
use super::{hub, refused, send};
use crate::http::{Answer, Request};
use crate::hub::Process;

type Headers = Vec<(String, String)>;

#[track_caller]
fn is_again(answer: &Answer, first: &Value, what: &str) {
    let again = answer.expect(202);
    assert_eq!(again["duplicate"], true, "{what}");
    assert_eq!(again["event_id"], first["event_id"], "{what}");
    assert_eq!(again["run_ids"], first["run_ids"], "{what}");
}

fn with(headers: &Headers, name: &str, value: &str) -> Headers {
    let more = [(name.to_owned(), value.to_owned())];
    [headers.clone(), more.to_vec()].concat()
}

/// With another query, which is not read.
fn to(hub: &Process, path: &str, headers: &Headers) -> Answer {
    typed(hub, (path, "application/json"), headers)
}

fn typed(hub: &Process, (path, content_type): (&str, &str), headers: &Headers) -> Answer {
    let mut request = Request::post(path).body(content_type, BODY);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    hub.send(&request)
}

/// Everything that a replay can change without the key.
fn all_forms(hub: &Process, name: &str, sent: &Headers, first: &Value) {
    is_again(&send(hub, name, sent, BODY), first, "the same");
    for query in ["?a=1&b=2", "?b=2&a=1", "?a=1&b=%32"] {
        is_again(&to(hub, &format!("/c/{name}{query}"), sent), first, query);
    }
    for content_type in ["text/plain", "application/octet-stream"] {
        let as_other = typed(hub, (&format!("/c/{name}"), content_type), sent);
        is_again(&as_other, first, content_type);
    }
    for (header, value) in [
        ("idempotency-key", "another"),
        ("x-github-delivery", "another"),
        ("x-request-id", "another"),
    ] {
        is_again(
            &send(hub, name, &with(sent, header, value), BODY),
            first,
            header,
        );
    }
    let event = [
        ("ce-specversion", "1.0"),
        ("ce-id", "another"),
        ("ce-source", "s"),
        ("ce-type", "t"),
    ];
    let as_event = event.iter().fold(sent.clone(), |all, (header, value)| {
        with(&all, header, value)
    });
    is_again(&send(hub, name, &as_event, BODY), first, "as another event");
    let shouted: Headers = sent
        .iter()
        .map(|(name, value)| (name.to_uppercase(), value.clone()))
        .collect();
    is_again(
        &send(hub, name, &shouted, BODY),
        first,
        "the case of the names",
    );
}

#[test]
fn a_signed_request_that_comes_again_in_any_form_starts_one_run_also_after_a_restart() {
    let both = [&SCHEMES[WEBHOOKS], &SCHEMES[HMAC]];
    let all: Vec<_> = both
        .iter()
        .flat_map(|one| {
            [
                connector(one, one.name, 0),
                connector(one, &one.sibling(), 1),
            ]
        })
        .collect();
    let (place, mut process) = hub(&all);
    let mut sent = Vec::new();
    for scheme in both {
        let headers = (scheme.sign)(0, BODY);
        let first = send(&process, scheme.name, &headers, BODY).expect(202);
        assert_eq!(first["duplicate"], false);
        sent.push((scheme, headers, first));
    }
    for (scheme, headers, first) in &sent {
        all_forms(&process, scheme.name, headers, first);
        refused(
            &send(&process, &scheme.sibling(), headers, BODY),
            "to a sibling",
        );
    }
    // The signature itself, written in other ways.
    let (webhooks, headers, first) = &sent[0];
    let mut repeated = headers.clone();
    let (_, signature) = repeated.last_mut().unwrap();
    *signature = format!("v1,AAAA {signature} v2,{signature}");
    is_again(
        &send(&process, webhooks.name, &repeated, BODY),
        first,
        "beside others",
    );
    let (hmac, headers, first) = &sent[1];
    let mut shouted = headers.clone();
    let (_, signature) = shouted.last_mut().unwrap();
    let (prefix, digits) = signature.split_once('=').unwrap();
    *signature = format!("{prefix}={}", digits.to_uppercase());
    is_again(
        &send(&process, hmac.name, &shouted, BODY),
        first,
        "the case of the digits",
    );
    process.signal(rustix::process::Signal::KILL);
    process.wait();
    let process = place.start();
    for (scheme, headers, first) in &sent {
        all_forms(&process, scheme.name, headers, first);
    }
    assert_eq!(
        (process.count("/v1/events"), process.count("/v1/runs")),
        (2, 2)
    );
}

/// Whether a body is one event or several is said by a header, which is not signed.
#[test]
fn a_signed_batch_starts_nothing_as_one_event_nor_one_event_as_a_batch() {
    let scheme = &SCHEMES[HMAC];
    let event = |id| format!(r#"{{"specversion":"1.0","id":"{id}","source":"s","type":"t"}}"#);
    let body = format!("[{},{}]", event(1), event(2));
    let as_batch = "application/cloudevents-batch+json";
    let as_one = "application/json";
    for (first, then, events) in [(as_batch, as_one, 2), (as_one, as_batch, 1)] {
        let (_place, hub) = hub(&[connector(scheme, scheme.name, 0)]);
        let headers = (scheme.sign)(0, &body);
        let send = |content_type: &str| {
            let mut request =
                Request::post(&format!("/c/{}", scheme.name)).body(content_type, &*body);
            for (name, value) in &headers {
                request = request.header(name, value);
            }
            hub.send(&request)
        };
        send(first).expect(202);
        assert_eq!(send(first).expect(202)["duplicate"], true, "{first}");
        send(then).expect_problem(422);
        let stored = (hub.count("/v1/events"), hub.count("/v1/runs"));
        assert_eq!(stored, (events, events), "{first}");
    }
}

/// What an expression makes of a body depends on how that is read. Where it makes nothing of it, what
/// was signed is the key: one more event, and no further ones.
#[test]
fn a_signed_request_that_an_expression_makes_nothing_of_is_known_by_what_was_signed() {
    let scheme = &SCHEMES[HMAC];
    let line = connector(scheme, scheme.name, 0);
    let by_amount = r#""settings":{"dedupe":"input.amount","#;
    let line = line.replace(r#""settings":{"#, by_amount);
    assert!(line.contains(by_amount), "{line}");
    let (_place, hub) = hub(&[line]);
    let headers = (scheme.sign)(0, BODY);
    let first = send(&hub, scheme.name, &headers, BODY).expect(202);
    is_again(&send(&hub, scheme.name, &headers, BODY), &first, "the same");
    let path = format!("/c/{}", scheme.name);
    let as_text = || typed(&hub, (&path, "text/plain"), &headers);
    let once = as_text().expect(202);
    for _ in 0..3 {
        is_again(&as_text(), &once, "as text");
    }
    assert_eq!(hub.count("/v1/runs"), 2);
}

/// Base64 has bits to spare in its last character, and padding that can be left out.
#[test]
fn base64_that_is_written_in_another_way_is_no_other_request() {
    let scheme = &SCHEMES[WEBHOOKS];
    let (_place, hub) = hub(&[connector(scheme, scheme.name, 0)]);
    let headers = (scheme.sign)(0, BODY);
    let first = send(&hub, scheme.name, &headers, BODY).expect(202);
    let (_, signature) = headers.last().unwrap();
    let unpadded = signature.trim_end_matches('=');
    let (kept, last) = unpadded.split_at(unpadded.len() - 1);
    let next = char::from(last.as_bytes()[0] + 1);
    let forms = [
        unpadded.to_owned(),
        format!("{kept}{next}="),
        signature.replace('+', "-").replace('/', "_"),
        format!("{signature}\t"),
        format!(" {signature}"),
    ];
    for form in forms {
        let mut again = headers.clone();
        again.last_mut().unwrap().1.clone_from(&form);
        let answer = send(&hub, scheme.name, &again, BODY);
        match answer.status {
            401 => refused(&answer, &form),
            _ => is_again(&answer, &first, &form),
        }
    }
    assert_eq!(hub.count("/v1/runs"), 1);
}
