use super::*;

const STRUCTURED: &str = "application/cloudevents+json; charset=utf-8";
const BATCH: &str = "application/cloudevents-batch+json";

fn sample() -> Value {
    json!({
        "specversion": "1.0",
        "id": "A-1",
        "source": "/shop",
        "type": "order.made",
        "comexampleothervalue": 5,
        "subject": null,
        "data": { "total": 7 },
    })
}

fn structured(changes: &[(&str, Value)]) -> Verified {
    let mut event = sample();
    for (name, value) in changes {
        event[*name] = value.clone();
    }
    typed(STRUCTURED, event.to_string())
}

fn without(name: &str) -> Value {
    let mut event = sample();
    event.as_object_mut().unwrap().remove(name);
    event
}

fn binary(headers: &[(&str, &str)], body: &'static str) -> Verified {
    let required = [
        ("ce-specversion", "1.0"),
        ("ce-id", "A-1"),
        ("ce-source", "/shop"),
        ("ce-type", "order.made"),
    ];
    request(&[&required[..], headers].concat(), body)
}

#[test]
fn an_event_is_the_same_in_structured_and_binary_mode() {
    let structured = event(&structured(&[]));
    let json = ("content-type", "application/json");
    let binary = event(&binary(
        &[json, ("ce-comexampleothervalue", "5")],
        r#"{"total":7}"#,
    ));
    assert_eq!(structured.input, r#"{"total":7}"#);
    assert_eq!(binary.input, structured.input);
    assert_eq!(structured.dedupe.as_deref(), Some("ce:5:/shopA-1"));
    assert_eq!(binary.dedupe, structured.dedupe);
    let mut attributes = without("data");
    attributes.as_object_mut().unwrap().remove("subject");
    assert_eq!(meta_of(&structured)["cloudevent"], attributes);
    let mut attributes = attributes.clone();
    attributes["comexampleothervalue"] = json!("5");
    attributes["datacontenttype"] = json!("application/json");
    assert_eq!(meta_of(&binary)["cloudevent"], attributes);
}

#[test]
fn data_is_the_input_whatever_it_is() {
    for data in [json!("text"), json!([1, 2]), json!(1.5), json!(null)] {
        assert_eq!(input(&event(&structured(&[("data", data.clone())]))), data);
    }
    assert_eq!(
        event(&typed(STRUCTURED, without("data").to_string())).input,
        "null"
    );
    assert_eq!(event(&binary(&[], "")).input, "null");
    assert_eq!(
        event(&binary(&[("content-type", "text/plain")], "hi")).input,
        "\"hi\""
    );
    let file = event(&binary(&[("content-type", "image/png")], "\0"));
    assert_eq!(
        (&file.input[..], &file.files[0].content[..]),
        (&b"null"[..], &b"\0"[..])
    );
    let mut sent = without("data");
    for (kind, input, files) in [
        ("application/json", &b"{}"[..], 0),
        ("text/plain", b"\"{}\"", 0),
        ("application/pdf", b"null", 1),
    ] {
        sent["datacontenttype"] = json!(kind);
        sent["data_base64"] = json!("e30=");
        let event = event(&typed(STRUCTURED, sent.to_string()));
        assert_eq!(
            (&event.input[..], event.files.len()),
            (input, files),
            "{kind}"
        );
    }
}

#[test]
fn a_missing_or_wrong_attribute_is_named() {
    for name in ["specversion", "id", "source", "type"] {
        let mut refused = vec![typed(STRUCTURED, without(name).to_string())];
        for bad in [json!(""), json!(1), json!(null), json!({}), json!([])] {
            refused.push(structured(&[(name, bad)]));
        }
        let mut headers = binary(&[], "");
        headers.headers.remove(format!("ce-{name}"));
        refused.push(headers);
        let mut headers = binary(&[], "");
        headers.headers.insert(
            HeaderName::try_from(format!("ce-{name}")).unwrap(),
            HeaderValue::from_static(""),
        );
        refused.push(headers);
        refused.push(binary(&[(&format!("ce-{name}"), "again")], ""));
        for request in refused {
            let problem = problem(&request);
            assert_eq!(problem.code, Code::InvalidCloudEvent, "{request:?}");
            assert!(problem.detail.contains(name), "{}", problem.detail);
        }
    }
}

#[test]
fn events_that_make_no_sense_are_refused() {
    let long = "x".repeat(1025);
    for request in [
        structured(&[("specversion", json!("0.3"))]),
        structured(&[("id", json!(long))]),
        structured(&[("source", json!(long))]),
        structured(&[("extension", json!({ "a": 1 }))]),
        structured(&[("data_base64", json!("e30="))]),
        typed(STRUCTURED, "[]"),
        typed(STRUCTURED, "1"),
        typed(
            STRUCTURED,
            r#"{"id":"1","id":"2","specversion":"1.0","source":"a","type":"b"}"#,
        ),
        typed(
            STRUCTURED,
            r#"{"data":1,"data":2,"specversion":"1.0","source":"a","type":"b","id":"1"}"#,
        ),
        binary(&[("ce-ext", "%ff")], ""),
    ] {
        assert_eq!(
            problem(&request).code,
            Code::InvalidCloudEvent,
            "{request:?}"
        );
    }
    let mut data = without("data");
    data["data_base64"] = json!("not base64");
    assert_eq!(
        problem(&typed(STRUCTURED, data.to_string())).code,
        Code::InvalidCloudEvent
    );
    let many: Map<_, _> = (0..101).map(|at| (format!("a{at}"), json!(1))).collect();
    let many = problem(&typed(STRUCTURED, Value::Object(many).to_string()));
    assert_eq!(many.code, Code::InvalidCloudEvent);
    assert_eq!(problem(&typed(STRUCTURED, "{")).code, Code::InvalidJson);
    for other in ["application/cloudevents+xml", "application/cloudevents"] {
        assert_eq!(problem(&typed(other, "x")).code, Code::UnsupportedMediaType);
    }
}

/// The example of the HTTP binding, section 3.1.3.2, and its other escapes.
#[test]
fn header_values_are_unquoted_and_percent_decoded() {
    for (sent, read) in [
        ("Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀"),
        ("plain", "plain"),
        ("\"quoted \\\"x\\\" \\\\ %41\"", "quoted \"x\" \\ A"),
        ("100%", "100%"),
    ] {
        let event = event(&binary(&[("ce-subject", sent)], ""));
        assert_eq!(meta_of(&event)["cloudevent"]["subject"], read, "{sent}");
    }
}

#[test]
fn a_batch_brings_an_event_for_each_element() {
    let mut second = sample();
    second["id"] = json!("A-2");
    second["data"] = json!("two");
    let (first, second) = (sample().to_string(), second.to_string());
    let request = typed(BATCH, format!("[ {first} ,\n{second}]"));
    let incoming = inbound(&json!({})).receive(&request).unwrap();
    assert!(incoming.batch);
    let keys: Vec<_> = incoming
        .events
        .iter()
        .map(|one| one.dedupe.clone().unwrap())
        .collect();
    assert_eq!(keys, ["ce:5:/shopA-1", "ce:5:/shopA-2"]);
    let inputs: Vec<_> = incoming.events.iter().map(|one| &one.input[..]).collect();
    assert_eq!(inputs, [&br#"{"total":7}"#[..], b"\"two\""]);
    assert_eq!(incoming.events[0].digest, sha256(first.as_bytes()));
    assert_eq!(incoming.events[1].digest, sha256(second.as_bytes()));
}

#[test]
fn a_batch_of_one_is_still_a_batch() {
    let request = typed(BATCH, format!("[{}]", sample()));
    assert!(inbound(&json!({})).receive(&request).unwrap().batch);
}

#[test]
fn batches_that_make_no_sense_are_refused() {
    let refused = |body: String| problem(&typed(BATCH, body));
    assert_eq!(refused("[]".to_owned()).code, Code::InvalidCloudEvent);
    assert_eq!(refused(sample().to_string()).code, Code::InvalidCloudEvent);
    assert_eq!(refused("[1]".to_owned()).code, Code::InvalidCloudEvent);
    let second = refused(format!("[{},{}]", sample(), without("type")));
    assert_eq!(second.code, Code::InvalidCloudEvent);
    assert!(second.detail.contains("Event 1") && second.detail.contains("`type`"));
    let many = vec![sample().to_string(); 1001].join(",");
    assert_eq!(refused(format!("[{many}]")).code, Code::TooManyParts);
}

#[test]
fn a_sync_connector_refuses_a_batch() {
    let sync = endpoint(Mode::Sync, &json!({})).unwrap();
    let problem = sync
        .receive(&typed(BATCH, format!("[{}]", sample())))
        .unwrap_err();
    assert_eq!(problem.code, Code::UnsupportedMediaType);
    assert!(sync.receive(&structured(&[])).is_ok());
}
