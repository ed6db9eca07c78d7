//! Secrets with times: every check looks at them.

use tieline_signature::standard_webhooks::{SigningKey, sign};

use super::*;

const OLDER: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(1_000_000_000_000 + ms)
}

/// The newer is good from 10 s on, the older until 20 s.
fn rotated() -> Vec<DatedSecret> {
    let secret = |text: &str| Secret::new(text).unwrap();
    let newer = DatedSecret {
        not_before: Some(at(10_000)),
        ..secret(WHSEC).into()
    };
    let older = DatedSecret {
        not_after: Some(at(20_000)),
        ..secret(OLDER).into()
    };
    vec![newer, older]
}

#[test]
fn a_secret_is_good_in_its_time_alone_however_it_is_used() {
    let hmac: HmacSettings = serde_json::from_str(r#"{"header": "x-sig"}"#).unwrap();
    let basic_settings: BasicSettings = serde_json::from_str(r#"{"user": "me"}"#).unwrap();
    let auth = AuthSettings::new(vec![
        AuthScheme::StandardWebhooks,
        AuthScheme::Hmac,
        AuthScheme::Basic,
        AuthScheme::Bearer,
    ]);
    let rules = AuthRules {
        hmac: Some(&hmac),
        basic: Some(&basic_settings),
        ..rules(&auth)
    };
    let authenticator = Authenticator::new(rules, &rotated()).unwrap();
    let body = b"{}";
    for (ms, newer, older) in [
        (9_999, false, true),
        (10_000, true, true),
        (19_999, true, true),
        (20_000, true, false),
    ] {
        let now = at(ms);
        for (secret, good) in [(WHSEC, newer), (OLDER, older)] {
            let seconds = now.as_seconds();
            let signature = sign(&SigningKey::parse(secret).unwrap(), "m", seconds, body);
            let webhook = headers(&[
                ("webhook-id", "m"),
                ("webhook-timestamp", &seconds.to_string()),
                ("webhook-signature", &signature),
            ]);
            let hmac = headers(&[("x-sig", &hex::encode(mac(secret, body)))]);
            let bearer = headers(&[("authorization", &format!("Bearer {secret}"))]);
            let basic = headers(&[("authorization", &basic("me", secret))]);
            for headers in [&webhook, &hmac, &bearer, &basic] {
                let judged = judge(&authenticator, headers, body, now);
                assert_eq!(judged.is_ok(), good, "{ms}: {headers:?}: {judged:?}");
            }
            let head = Head {
                method: &Method::GET,
                headers: &bearer,
                query: "",
                peer: None,
            };
            assert_eq!(authenticator.knows_secret(&head, now), good, "{ms}");
            assert_eq!(authenticator.may_read(&head, now), good, "{ms}");
        }
    }
}

#[test]
fn with_no_secret_that_is_good_nobody_is_let_in() {
    let auth = AuthSettings::default();
    let past = DatedSecret {
        not_after: Some(at(0)),
        ..Secret::new(WHSEC).unwrap().into()
    };
    let authenticator = Authenticator::new(rules(&auth), &[past]).unwrap();
    let signature = sign(
        &SigningKey::parse(WHSEC).unwrap(),
        "m",
        at(0).as_seconds(),
        b"",
    );
    let webhook = headers(&[
        ("webhook-id", "m"),
        ("webhook-timestamp", &at(0).as_seconds().to_string()),
        ("webhook-signature", &signature),
    ]);
    let judged = judge(&authenticator, &webhook, b"", at(0));
    assert_eq!(judged, Err(Refused::Signature(Refusal::NoKey)));
    let secret = headers(&[("x-tieline-secret", WHSEC)]);
    assert_eq!(
        judge(&authenticator, &secret, b"", at(0)),
        Err(Refused::Wrong)
    );
    assert_eq!(
        judge(&authenticator, &HeaderMap::new(), b"", at(0)),
        Err(Refused::Missing)
    );
}

fn mac(secret: &str, body: &[u8]) -> Vec<u8> {
    use tieline_signature::hmac::{Algorithm, Claims, Encoding, Hmac, Part, Scheme};
    let scheme = Scheme {
        algorithm: Algorithm::Sha256,
        encoding: Encoding::Hex,
        prefix: String::new(),
        content: vec![Part::Body],
        tolerance_s: None,
    };
    let signed = Hmac::new(scheme, &[secret])
        .unwrap()
        .sign(Claims::default(), body);
    hex::decode(signed.unwrap()).unwrap()
}
