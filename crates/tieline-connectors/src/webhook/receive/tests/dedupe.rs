use super::*;

const BATCH: &str = r#"[{"specversion":"1.0","id":"1","source":"s","type":"t"},
    {"specversion":"1.0","id":"2","source":"s","type":"t"}]"#;

fn keyed(key: &str) -> Verified {
    request(&[("idempotency-key", key)], "x")
}

#[test]
fn a_request_without_an_identity_has_no_key() {
    assert_eq!(event(&typed("application/json", "{}")).dedupe, None);
    assert_eq!(event(&get("a=1")).dedupe, None);
}

#[test]
fn a_signed_id_comes_before_the_idempotency_key_and_that_before_the_event() {
    let ce = [
        ("ce-specversion", "1.0"),
        ("ce-id", "1"),
        ("ce-source", "s"),
        ("ce-type", "t"),
    ];
    let mut request = request(&ce, "");
    assert_eq!(event(&request).dedupe.as_deref(), Some("ce:1:s1"));
    request
        .headers
        .insert("idempotency-key", HeaderValue::from_static("k"));
    assert_eq!(event(&request).dedupe.as_deref(), Some("key:k"));
    request.signed = Some(signed(Identity::Id("msg_1".to_owned()), &[]));
    assert_eq!(event(&request).dedupe.as_deref(), Some("signed:msg_1"));
    // It is then ignored, whatever it is.
    request
        .headers
        .insert("idempotency-key", HeaderValue::from_static(""));
    assert_eq!(event(&request).dedupe.as_deref(), Some("signed:msg_1"));
}

#[test]
fn what_is_signed_is_the_key_where_no_id_is_and_nothing_beside_it_changes_that() {
    let ce = [
        ("ce-specversion", "1.0"),
        ("ce-id", "1"),
        ("ce-source", "s"),
        ("ce-type", "t"),
        ("idempotency-key", "k"),
    ];
    let mut request = request(&ce, "");
    request.signed = Some(signed(Identity::Content([7; 32]), &[]));
    let key = format!("content:{}", "07".repeat(32));
    assert_eq!(event(&request).dedupe.as_ref(), Some(&key));
    // An expression says what else makes a repeat; what is not signed still does not. Where it says
    // nothing, as of a body that is read in another way, there still is what was signed.
    let keyed = inbound(&json!({ "dedupe": "input.id" }));
    for content_type in ["application/json", "text/plain"] {
        let mut request = typed(content_type, "{}");
        request.signed = Some(signed(Identity::Content([7; 32]), &[]));
        let event = keyed.receive(&request).unwrap().events.remove(0);
        assert_eq!(
            (event.dedupe, event.signed_key.as_ref()),
            (None, Some(&key))
        );
    }
}

#[test]
fn an_idempotency_key_is_1_to_255_visible_characters() {
    for good in ["k", "\"quoted\"", &"x".repeat(255)] {
        assert_eq!(event(&keyed(good)).dedupe, Some(format!("key:{good}")));
    }
    for bad in ["", "a b", "é", &"x".repeat(256)] {
        assert_eq!(problem(&keyed(bad)).code, Code::BadRequest, "{bad}");
    }
    let twice = request(&[("idempotency-key", "a"), ("idempotency-key", "a")], "x");
    assert_eq!(problem(&twice).code, Code::BadRequest);
    let get = Verified {
        method: Method::GET,
        ..keyed("k")
    };
    assert_eq!(event(&get).dedupe.as_deref(), Some("key:k"));
}

#[test]
fn the_key_of_a_batch_counts_for_each_event_by_its_place() {
    let keys = |request: &Verified| -> Vec<_> {
        let events = inbound(&json!({})).receive(request).unwrap().events;
        events.into_iter().map(|one| one.dedupe.unwrap()).collect()
    };
    let mut request = typed("application/cloudevents-batch+json", BATCH);
    assert_eq!(keys(&request), ["ce:1:s1", "ce:1:s2"]);
    request
        .headers
        .insert("idempotency-key", HeaderValue::from_static("k"));
    assert_eq!(keys(&request), ["key:k", "key[1]:k"]);
    request.signed = Some(signed(Identity::Id("m".to_owned()), &[]));
    assert_eq!(keys(&request), ["signed:m", "signed[1]:m"]);
    // What comes again, and is read as one event, is known.
    request
        .headers
        .insert("content-type", HeaderValue::from_static("application/json"));
    assert_eq!(keys(&request), ["signed:m"]);
}

#[test]
fn source_and_id_cannot_be_moved_against_each_other() {
    let key = |source: &str, id: &str| {
        let sent = json!({ "specversion": "1.0", "id": id, "source": source, "type": "t" });
        event(&typed("application/cloudevents+json", sent.to_string())).dedupe
    };
    assert_ne!(key("ab", "c"), key("a", "bc"));
    assert_ne!(key("a:", "b"), key("a", ":b"));
    assert_ne!(key("1:a", "b"), key("1", ":ab"));
    assert_eq!(key("a", "b"), key("a", "b"));
}
