//! The example of the Standard Webhooks specification's own libraries.

use super::*;

const BODY: &[u8] = br#"{"test": 2432232314}"#;
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

fn now() -> Timestamp {
    Timestamp::from_millis(1_614_265_330_000)
}

fn signed() -> HeaderMap {
    headers(&[
        ("webhook-id", ID),
        ("webhook-timestamp", "1614265330"),
        ("webhook-signature", SIGNATURE),
    ])
}

#[test]
fn the_published_example_is_verified_and_its_id_is_signed() {
    let admitted = judge(&authenticator(&[WHSEC]), &signed(), BODY, now()).unwrap();
    assert_eq!(admitted.trust, Trust::Verified);
    assert_eq!(id_of(&admitted), Some(ID));
    let covered = admitted.signed.unwrap().headers;
    assert_eq!(covered, ["webhook-id", "webhook-timestamp"]);
}

#[test]
fn an_older_secret_verifies_too() {
    let newer = format!("whsec_{}", STANDARD.encode([7; 32]));
    assert!(judge(&authenticator(&[&newer, WHSEC]), &signed(), BODY, now()).is_ok());
}

#[test]
fn a_signature_is_judged_alone_even_beside_the_right_secret() {
    let authenticator = authenticator(&[WHSEC]);
    let mut headers = signed();
    headers.insert("x-tieline-secret", HeaderValue::from_static(WHSEC));
    let other = judge(&authenticator, &headers, b"{}", now());
    assert_eq!(other, Err(Refused::Signature(Refusal::Mismatch)));
    headers.insert("x-tieline-secret", HeaderValue::from_static("wrong"));
    assert!(judge(&authenticator, &headers, BODY, now()).is_ok());
}

#[test]
fn bad_heads_are_refused_before_the_body() {
    let authenticator = authenticator(&[WHSEC]);
    let begin = |headers: &HeaderMap, now| {
        let head = Head {
            method: &Method::POST,
            headers,
            query: "",
            peer: None,
        };
        authenticator.begin(&head, now)
    };
    let late = now().plus(std::time::Duration::from_secs(301));
    assert!(matches!(
        begin(&signed(), late),
        Decision::Refuse(Refused::Signature(Refusal::TooOld))
    ));
    for missing in ["webhook-id", "webhook-timestamp"] {
        let mut headers = signed();
        headers.remove(missing);
        assert!(
            matches!(begin(&headers, now()), Decision::Refuse(_)),
            "{missing}"
        );
    }
    for repeated in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        let mut headers = signed();
        headers.append(repeated, HeaderValue::from_static("1614265330"));
        assert!(
            matches!(begin(&headers, now()), Decision::Refuse(Refused::Repeated)),
            "{repeated}"
        );
    }
}

#[test]
fn a_get_cannot_be_signed() {
    let signed = signed();
    let head = Head {
        method: &Method::GET,
        headers: &signed,
        query: "amount=1000000",
        peer: None,
    };
    assert!(matches!(
        authenticator(&[WHSEC]).begin(&head, now()),
        Decision::Refuse(Refused::Unsigned)
    ));
}

#[test]
fn with_a_plain_secret_the_default_falls_back_to_presenting_it() {
    let authenticator = authenticator(&[PLAIN]);
    let mut headers = signed();
    assert_eq!(
        judge(&authenticator, &headers, BODY, now()),
        Err(Refused::Missing)
    );
    headers.insert("x-tieline-secret", HeaderValue::from_static(PLAIN));
    let admitted = judge(&authenticator, &headers, BODY, now()).unwrap();
    assert_eq!(admitted.trust, Trust::Secret);
}

#[test]
fn reading_takes_the_secret_where_only_signatures_may_send() {
    let auth = AuthSettings::new(vec![AuthScheme::StandardWebhooks]);
    let authenticator = Authenticator::new(rules(&auth), &secrets(&[WHSEC])).unwrap();
    let bearer = headers(&[("authorization", &format!("Bearer {WHSEC}"))]);
    assert_eq!(
        judge(&authenticator, &bearer, BODY, now()),
        Err(Refused::Missing)
    );
    assert!(reads(&authenticator, &bearer));
    assert!(!reads(&authenticator, &signed()));
}
