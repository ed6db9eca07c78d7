use super::*;

#[test]
fn headers_are_kept_in_lower_case_and_joined() {
    let event = event(&request(
        &[
            ("X-Kind", "a"),
            ("x-kind", "b"),
            ("Idempotency-Key", "k"),
            ("webhook-id", "msg_1"),
            ("X-Latin", "caf\u{e9}"),
        ],
        "",
    ));
    let expected = json!({ "headers": {
        "idempotency-key": "k",
        "webhook-id": "msg_1",
        "x-kind": "a, b",
        "x-latin": "caf\u{e9}",
    } });
    assert_eq!(meta_of(&event), expected);
}

#[test]
fn credentials_and_what_concerns_the_connection_are_not_kept() {
    let endpoint = inbound(&json!({ "auth": "hmac", "hmac": { "header": "X-My-Signature" } }));
    let names = [
        "authorization",
        "connection",
        "cookie",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "webhook-signature",
        "x-my-signature",
        "x-tieline-secret",
    ];
    let mut headers: Vec<_> = names.iter().map(|name| (*name, "canary")).collect();
    headers.push(("x-forwarded-uri", "/c/orders?a=1&secret=canary"));
    headers.push(("referer", "http://localhost/?secret=canary"));
    let incoming = endpoint.receive(&request(&headers, "")).unwrap();
    assert_eq!(meta_of(&incoming.events[0]), json!({ "headers": {} }));
}

#[test]
fn what_vouches_for_a_request_is_not_believed_and_not_kept() {
    let names = [
        "cf-connecting-ip",
        "forwarded",
        "remote-user",
        "true-client-ip",
        "x-auth-request-user",
        "x-client-ip",
        "x-envoy-internal",
        "X-Forwarded-For",
        "x-forwarded-proto",
        "x-forwarded-user",
        "x-goog-authenticated-user-email",
        "x-http-method-override",
        "x-internal-role",
        "x-original-url",
        "x-real-ip",
        "x-remote-user",
        "X-Request-From",
        "x-rewrite-url",
        "x-tieline-agent",
        "X-Tieline-Trust",
        "x-user",
    ];
    let mut headers: Vec<_> = names.iter().map(|name| (*name, "internal")).collect();
    headers.push(("x-github-delivery", "d-1"));
    let event = event(&request(&headers, ""));
    assert_eq!(
        meta_of(&event),
        json!({ "headers": { "x-github-delivery": "d-1" } })
    );
    assert_eq!((event.dedupe, event.input), (None, "null".into()));
}

#[test]
fn bytes_that_are_no_text_are_replaced() {
    let mut request = request(&[], "");
    let value = HeaderValue::from_bytes(b"a\xffb").unwrap();
    request.headers.insert("x-binary", value);
    assert_eq!(
        meta_of(&event(&request))["headers"]["x-binary"],
        "a\u{fffd}b"
    );
}

#[test]
fn of_a_signed_request_the_signed_headers_are_named() {
    let mut request = request(&[("webhook-id", "m"), ("x-event", "paid")], "");
    let identity = Identity::Id("m".to_owned());
    request.signed = Some(signed(identity, &["webhook-id", "webhook-timestamp"]));
    let wanted = json!({
        "headers": { "webhook-id": "m", "x-event": "paid" },
        "signed_headers": ["webhook-id", "webhook-timestamp"],
    });
    assert_eq!(meta_of(&event(&request)), wanted);
    request.signed = Some(signed(Identity::Content([0; 32]), &[]));
    assert_eq!(meta_of(&event(&request))["signed_headers"], json!([]));
}
