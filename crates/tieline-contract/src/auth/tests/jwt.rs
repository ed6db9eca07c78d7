//! Tokens: whose they are, and what happens where their keys are not to be had.

use serde_json::{Value, json};

use super::*;

/// A public key as RFC 8037 publishes it (appendix A.2).
fn key() -> Value {
    json!({ "keys": [{
        "kty": "OKP", "crv": "Ed25519", "kid": "a",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    }]})
}

fn build(settings: Value) -> Result<Authenticator, Problems> {
    let settings: JwtSettings = serde_json::from_value(settings).unwrap();
    let auth = AuthSettings::new(vec![AuthScheme::Jwt]);
    let rules = AuthRules {
        jwt: Some(&settings),
        ..rules(&auth)
    };
    Authenticator::new(rules, &[])
}

fn begin(authenticator: &Authenticator, bearer: &str) -> Decision {
    let headers = headers(&[("authorization", bearer)]);
    let head = Head {
        method: &Method::POST,
        headers: &headers,
        query: "",
        peer: None,
    };
    authenticator.begin(&head, Timestamp::default())
}

#[test]
fn without_keys_a_token_is_neither_good_nor_bad() {
    let authenticator = build(json!({
        "issuer": "https://id.example.com", "audience": "hub",
        "jwks_url": "https://id.example.com/keys",
    }))
    .unwrap();
    let decision = begin(&authenticator, "Bearer e30.e30.e30");
    assert!(matches!(decision, Decision::NeedsKeys(_)), "{decision:?}");
    // No keys are asked for on behalf of who has no token.
    for bearer in [
        "",
        "Bearer",
        "Bearer ",
        "Bearer a.b",
        "Bearer a.b.c.d",
        "Bearer a..c",
        "Basic a.b.c",
    ] {
        let decision = begin(&authenticator, bearer);
        assert!(
            matches!(decision, Decision::Refuse(_)),
            "{bearer}: {decision:?}"
        );
    }
}

#[test]
fn a_token_that_nobody_signed_is_refused() {
    let authenticator = build(json!({
        "issuer": "https://id.example.com", "audience": "hub", "jwks": key(),
    }))
    .unwrap();
    let encode = |value: Value| {
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        URL_SAFE_NO_PAD.encode(value.to_string())
    };
    let claims = encode(json!({
        "iss": "https://id.example.com", "aud": "hub", "exp": 4_000_000_000_u64,
    }));
    for header in [
        json!({ "alg": "none" }),
        json!({ "alg": "EdDSA", "kid": "a" }),
        json!({ "alg": "HS256", "kid": "a" }),
        json!({ "alg": "EdDSA", "kid": "unknown" }),
    ] {
        for signature in ["", "AAAA", &"A".repeat(86)] {
            let token = format!("Bearer {}.{claims}.{signature}", encode(header.clone()));
            let decision = begin(&authenticator, &token);
            assert!(
                matches!(decision, Decision::Refuse(_)),
                "{header}: {decision:?}"
            );
        }
    }
}

#[test]
fn settings_that_name_no_keys_are_refused() {
    let with = |more: Value| {
        let mut settings = json!({ "issuer": "i", "audience": "a" });
        let all = settings.as_object_mut().unwrap();
        all.extend(more.as_object().unwrap().clone());
        settings
    };
    for (more, path) in [
        (json!({}), "jwt.jwks_url"),
        (json!({ "jwks_url": "nowhere" }), "jwt.jwks_url"),
        (
            json!({ "jwks_url": "https://a", "jwks": key() }),
            "jwt.jwks",
        ),
        (json!({ "jwks": {} }), "jwt.jwks"),
        (json!({ "jwks": { "keys": [] } }), "jwt.jwks"),
        (
            json!({ "jwks": { "keys": [{ "kty": "oct", "k": "AAAA" }] } }),
            "jwt.jwks",
        ),
        (json!({ "jwks": key(), "issuer": " " }), "jwt.issuer"),
        (json!({ "jwks": key(), "audience": "" }), "jwt.audience"),
        (json!({ "jwks": key(), "algorithms": [] }), "jwt.algorithms"),
    ] {
        let problems = build(with(more.clone())).unwrap_err();
        assert!(
            problems.iter().any(|one| one.path == path),
            "{more}: {problems}"
        );
    }
    assert!(build(with(json!({ "jwks": key() }))).is_ok());
    let shared = json!({ "issuer": "i", "audience": "a", "algorithms": ["HS256"] });
    assert!(serde_json::from_value::<JwtSettings>(shared).is_err());
}
