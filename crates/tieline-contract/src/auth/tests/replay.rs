//! A signed request that comes again is the same one, however its signature is written.

use serde_json::json;

use super::*;

fn identity(settings: serde_json::Value, pairs: &[(&'static str, &str)], body: &[u8]) -> Identity {
    let settings: HmacSettings = serde_json::from_value(settings).unwrap();
    let auth = AuthSettings::new(vec![AuthScheme::Hmac]);
    let rules = AuthRules {
        hmac: Some(&settings),
        ..rules(&auth)
    };
    let authenticator = Authenticator::new(rules, &secrets(&[PLAIN])).unwrap();
    let now = Timestamp::from_millis(1_700_000_000_000);
    let admitted = judge(&authenticator, &headers(pairs), body, now).unwrap();
    admitted.signed.unwrap().identity
}

fn mac(content: &str) -> String {
    use tieline_signature::hmac::{Algorithm, Claims, Encoding, Hmac, Part, Scheme};
    let scheme = Scheme {
        algorithm: Algorithm::Sha256,
        encoding: Encoding::Hex,
        prefix: String::new(),
        content: vec![Part::Body],
        tolerance_s: None,
    };
    let hmac = Hmac::new(scheme, &[PLAIN]).unwrap();
    hmac.sign(Claims::default(), content.as_bytes()).unwrap()
}

#[test]
fn the_form_of_a_signature_and_what_stands_beside_it_change_nothing() {
    let settings = json!({ "header": "x-sig" });
    let signature = mac("{}");
    let first = identity(settings.clone(), &[("x-sig", &signature)], b"{}");
    let upper = signature.to_uppercase();
    assert_ne!(upper, signature);
    let again = [
        ("x-sig", &*upper),
        ("x-delivery", "2"),
        ("idempotency-key", "2"),
    ];
    assert_eq!(identity(settings.clone(), &again, b"{}"), first);
    let other = mac("{ }");
    assert_ne!(identity(settings, &[("x-sig", &other)], b"{ }"), first);
}

#[test]
fn the_signed_time_is_part_of_what_comes_again() {
    let settings = json!({
        "header": "x-sig",
        "signed_content": "{timestamp}.{body}",
        "timestamp_header": "x-time",
    });
    let at = |time: &str| {
        let signature = mac(&format!("{time}.{{}}"));
        identity(
            settings.clone(),
            &[("x-sig", &signature), ("x-time", time)],
            b"{}",
        )
    };
    assert_eq!(at("1700000000"), at("1700000000"));
    assert_ne!(at("1700000000"), at("1700000001"));
}
