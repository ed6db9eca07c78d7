//! HMAC as real senders use it.

use serde_json::json;

use super::*;

fn build(settings: serde_json::Value, secret: &str) -> Result<Authenticator, Problems> {
    let hmac: HmacSettings = serde_json::from_value(settings).unwrap();
    let auth = AuthSettings::new(vec![AuthScheme::Hmac]);
    let rules = AuthRules {
        hmac: Some(&hmac),
        ..rules(&auth)
    };
    Authenticator::new(rules, &secrets(&[secret]))
}

/// From GitHub's "Validating webhook deliveries".
#[test]
fn the_published_example_of_github_is_verified() {
    let settings = json!({ "header": "X-Hub-Signature-256", "prefix": "sha256=" });
    let authenticator = build(settings, "It's a Secret to Everybody").unwrap();
    let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let headers = headers(&[("x-hub-signature-256", signature)]);
    let admitted = judge(
        &authenticator,
        &headers,
        b"Hello, World!",
        Timestamp::default(),
    )
    .unwrap();
    assert_eq!(admitted.trust, Trust::Verified);
    assert_eq!(id_of(&admitted), None);
    assert!(admitted.signed.unwrap().headers.is_empty());
    let changed = judge(
        &authenticator,
        &headers,
        b"Hello, World?",
        Timestamp::default(),
    );
    assert_eq!(changed, Err(Refused::Signature(Refusal::Mismatch)));
    assert!(authenticator.is_credential(&HeaderName::from_static("x-hub-signature-256")));
}

/// From Slack's "Verifying requests from Slack".
#[test]
fn the_published_example_of_slack_is_verified_within_its_time() {
    let settings = json!({
        "header": "X-Slack-Signature",
        "prefix": "v0=",
        "signed_content": "v0:{timestamp}:{body}",
        "timestamp_header": "X-Slack-Request-Timestamp",
    });
    let authenticator = build(settings, "8f742231b10e8888abcd99yyyzzz85a5").unwrap();
    let body = b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow\
        &channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner\
        &command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands\
        %2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN\
        &trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    let headers = headers(&[
        ("x-slack-request-timestamp", "1531420618"),
        (
            "x-slack-signature",
            "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
        ),
    ]);
    let at = |seconds: i64| Timestamp::from_millis(seconds * 1000);
    assert!(judge(&authenticator, &headers, body, at(1_531_420_618 + 300)).is_ok());
    let late = judge(&authenticator, &headers, body, at(1_531_420_618 + 301));
    assert_eq!(late, Err(Refused::Signature(Refusal::TooOld)));
}

#[test]
fn a_signed_id_is_handed_on() {
    use tieline_signature::hmac::{Algorithm, Claims, Encoding, Hmac, Part, Scheme};
    let settings = json!({
        "header": "x-sig",
        "algorithm": "sha512",
        "encoding": "base64",
        "signed_content": "{id}.{body}",
        "id_header": "x-id",
    });
    let scheme = Scheme {
        algorithm: Algorithm::Sha512,
        encoding: Encoding::Base64,
        prefix: String::new(),
        content: vec![Part::Id, Part::Literal(".".to_owned()), Part::Body],
        tolerance_s: None,
    };
    let claims = Claims {
        id: Some("evt-1"),
        timestamp: None,
    };
    let signature = Hmac::new(scheme, &[PLAIN])
        .unwrap()
        .sign(claims, b"{}")
        .unwrap();
    let headers = headers(&[("x-sig", &signature), ("x-id", "evt-1")]);
    let authenticator = build(settings, PLAIN).unwrap();
    let admitted = judge(&authenticator, &headers, b"{}", Timestamp::default()).unwrap();
    assert_eq!(id_of(&admitted), Some("evt-1"));
}

#[test]
fn settings_that_make_no_sense_are_named() {
    let cases = [
        (json!({ "header": "not a header" }), "hmac.header"),
        (json!({ "header": "authorization" }), "hmac.header"),
        (
            json!({ "header": "x", "signed_content": "{timestamp}" }),
            "hmac.timestamp_header",
        ),
        (
            json!({ "header": "x", "signed_content": "{body}{body}" }),
            "hmac.signed_content",
        ),
        (
            json!({ "header": "x", "signed_content": "{boddy}" }),
            "hmac.signed_content",
        ),
        (
            json!({ "header": "x", "signed_content": "{body}}" }),
            "hmac.signed_content",
        ),
        (
            json!({ "header": "x", "signed_content": "{body" , "tolerance": "5m" }),
            "hmac.tolerance",
        ),
        (json!({ "header": "x", "id_header": "y" }), "hmac.id_header"),
        (
            json!({ "header": "x", "signed_content": "{id}.{body}" }),
            "hmac.id_header",
        ),
        (
            json!({ "header": "x", "tolerance": "5m" }),
            "hmac.tolerance",
        ),
        (
            json!({
                "header": "x",
                "signed_content": "{timestamp}.{body}",
                "timestamp_header": "y",
                "tolerance": "25h",
            }),
            "hmac.tolerance",
        ),
    ];
    for (settings, path) in cases {
        let problems = build(settings.clone(), PLAIN).unwrap_err();
        assert!(
            problems.iter().any(|one| one.path == path),
            "{settings}: {problems}"
        );
    }
}
