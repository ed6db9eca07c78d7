//! Signatures by keys whose public half is all that the hub has.

use serde_json::{Value, json};
use tieline_signature::ed25519::SecretKey;
use tieline_signature::standard_webhooks::sign_v1a;

use super::*;

/// How a P-256 key begins: no point stands behind it.
const HEAD_OF_P256: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE";
const BODY: &[u8] = br#"{"amount":1}"#;
const NOW_S: i64 = 1_700_000_000;

fn now() -> Timestamp {
    Timestamp::from_millis(NOW_S * 1000)
}

fn pair(seed: u8) -> (SecretKey, String) {
    let key = SecretKey::from_seed(&[seed; 32]);
    let public = hex::encode(key.public_key().as_bytes());
    (key, public)
}

fn ed25519(settings: Value) -> Result<Authenticator, Problems> {
    let settings: Ed25519Settings = serde_json::from_value(settings).unwrap();
    let auth = AuthSettings::new(vec![AuthScheme::Ed25519]);
    let rules = AuthRules {
        ed25519: Some(&settings),
        ..rules(&auth)
    };
    Authenticator::new(rules, &[])
}

#[test]
fn ed25519_covers_time_and_body_and_takes_one_key_of_several() {
    let (key, public) = pair(7);
    let (other, older) = pair(8);
    let authenticator = ed25519(json!({
        "public_keys": [older, public],
        "header": "X-Signature-Ed25519",
        "signed_content": "{timestamp}{body}",
        "timestamp_header": "X-Signature-Timestamp",
    }))
    .unwrap();
    let message = |body: &[u8]| [NOW_S.to_string().as_bytes(), body].concat();
    let sent = |signature: &str| {
        headers(&[
            ("x-signature-ed25519", signature),
            ("x-signature-timestamp", &NOW_S.to_string()),
        ])
    };
    let signature = hex::encode(key.sign(&message(BODY)));
    let admitted = judge(&authenticator, &sent(&signature), BODY, now()).unwrap();
    assert_eq!(admitted.trust, Trust::Verified);
    assert_eq!(admitted.signed.unwrap().headers, ["x-signature-timestamp"]);
    let by_other = hex::encode(other.sign(&message(BODY)));
    assert!(judge(&authenticator, &sent(&by_other), BODY, now()).is_ok());
    let (stranger, _) = pair(9);
    for (what, signature, body) in [
        ("another body", signature.clone(), &b"{}"[..]),
        (
            "another key",
            hex::encode(stranger.sign(&message(BODY))),
            BODY,
        ),
        ("another message", hex::encode(key.sign(BODY)), BODY),
        ("cut", signature.get(..126).unwrap().to_owned(), BODY),
        ("empty", String::new(), BODY),
    ] {
        let judged = judge(&authenticator, &sent(&signature), body, now());
        assert!(judged.is_err(), "{what}");
    }
    let late = now().plus(std::time::Duration::from_secs(301));
    let late = judge(&authenticator, &sent(&signature), BODY, late);
    assert_eq!(late, Err(Refused::Signature(Refusal::TooOld)));
}

#[test]
fn a_key_that_is_none_keeps_the_connector_closed() {
    let (_, public) = pair(7);
    for keys in [
        json!([]),
        json!([""]),
        json!([" "]),
        json!([public, "00"]),
        json!(["0".repeat(64)]),
    ] {
        let built = ed25519(json!({ "public_keys": keys, "header": "x-sig" }));
        let problems = built.unwrap_err();
        let at = |one: &crate::FieldProblem| one.path.starts_with("ed25519.public_keys");
        assert!(problems.iter().all(at), "{keys}: {problems}");
    }
    for keys in [
        json!([]),
        json!([""]),
        json!([HEAD_OF_P256]),
        json!(["-----BEGIN PUBLIC KEY-----"]),
    ] {
        let settings = json!({ "public_keys": keys, "header": "x-sig" });
        let settings: EcdsaSettings = serde_json::from_value(settings).unwrap();
        let auth = AuthSettings::new(vec![AuthScheme::Ecdsa]);
        let rules = AuthRules {
            ecdsa: Some(&settings),
            ..rules(&auth)
        };
        let problems = Authenticator::new(rules, &[]).unwrap_err();
        let at = |one: &crate::FieldProblem| one.path.starts_with("ecdsa.public_keys");
        assert!(problems.iter().all(at), "{keys}: {problems}");
    }
}

#[test]
fn standard_webhooks_take_the_public_key_of_a_sender() {
    let (key, _) = pair(7);
    let public = format!("whpk_{}", STANDARD.encode(key.public_key().as_bytes()));
    let settings = StandardWebhooksSettings {
        public_keys: vec![public],
    };
    let auth = AuthSettings::new(vec![AuthScheme::StandardWebhooks]);
    let rules = AuthRules {
        standard_webhooks: Some(&settings),
        ..rules(&auth)
    };
    // Whatever the connector's own secret is, or without one.
    for own in [&[][..], &[PLAIN], &[WHSEC]] {
        let authenticator = Authenticator::new(rules, &secrets(own)).unwrap();
        let sent = |key: &SecretKey| {
            headers(&[
                ("webhook-id", "m"),
                ("webhook-timestamp", &NOW_S.to_string()),
                ("webhook-signature", &sign_v1a(key, "m", NOW_S, BODY)),
            ])
        };
        let admitted = judge(&authenticator, &sent(&key), BODY, now()).unwrap();
        assert_eq!(
            (admitted.trust, id_of(&admitted)),
            (Trust::Verified, Some("m"))
        );
        assert!(judge(&authenticator, &sent(&key), b"{}", now()).is_err());
        assert!(judge(&authenticator, &sent(&pair(8).0), BODY, now()).is_err());
    }
    for keys in [vec![], vec![String::new()], vec!["whpk_AAAA".to_owned()]] {
        let settings = StandardWebhooksSettings { public_keys: keys };
        let rules = AuthRules {
            standard_webhooks: Some(&settings),
            ..super::rules(&auth)
        };
        assert!(Authenticator::new(rules, &secrets(&[WHSEC])).is_err());
    }
}
