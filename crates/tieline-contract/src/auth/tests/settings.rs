use serde_json::json;

use super::*;

fn problems(auth: &[AuthScheme], texts: &[&str]) -> Vec<String> {
    let auth = AuthSettings::new(auth.to_vec());
    match Authenticator::new(rules(&auth), &secrets(texts)) {
        Ok(_) => Vec::new(),
        Err(problems) => problems
            .into_vec()
            .into_iter()
            .map(|one| one.path)
            .collect(),
    }
}

#[test]
fn one_name_and_a_list_are_read() {
    let read = |value| serde_json::from_value::<AuthSettings>(value).unwrap();
    assert_eq!(read(json!("none")).schemes(), [AuthScheme::None]);
    assert_eq!(
        read(json!(["secret", "standard-webhooks"])),
        AuthSettings::default()
    );
    let written = serde_json::to_value(AuthSettings::default()).unwrap();
    assert_eq!(written, json!(["secret", "standard-webhooks"]));
}

#[test]
fn what_is_neither_is_told_what_would_be_right() {
    let error = |value| {
        serde_json::from_value::<AuthSettings>(value)
            .unwrap_err()
            .to_string()
    };
    for value in [json!("open"), json!(["open"])] {
        assert!(error(value).contains("expected one of `secret`, `standard-webhooks`"));
    }
    for value in [json!(1), json!({ "a": 1 }), json!(null)] {
        assert!(
            error(value)
                .contains("one of `secret`, `standard-webhooks`, `hmac`, `ed25519`, `ecdsa`, `basic`, `bearer`, `jwt`, `mtls`, `none`, or a list")
        );
    }
}

#[test]
fn the_schema_names_exactly_the_schemes() {
    let schema = serde_json::to_value(schemars::schema_for!(AuthSettings)).unwrap();
    let names = schema.pointer("/oneOf/0/enum").unwrap().as_array().unwrap();
    for name in names {
        assert!(
            serde_json::from_value::<AuthScheme>(name.clone()).is_ok(),
            "{name}"
        );
    }
    let derived = serde_json::to_value(schemars::schema_for!(AuthScheme)).unwrap();
    let derived = derived.get("oneOf").unwrap().as_array().unwrap();
    assert_eq!(derived.len(), names.len());
}

#[test]
fn lists_that_make_no_sense_are_refused() {
    use AuthScheme::{Hmac, None, Secret, StandardWebhooks};
    assert_eq!(problems(&[Secret, StandardWebhooks], &[WHSEC]), [""; 0]);
    assert_eq!(problems(&[Secret, StandardWebhooks], &[PLAIN]), [""; 0]);
    assert_eq!(problems(&[None], &[]), [""; 0]);
    assert_eq!(problems(&[], &[WHSEC]), ["auth"]);
    assert_eq!(problems(&[None, Secret], &[WHSEC]), ["auth"]);
    assert_eq!(problems(&[Secret, Secret], &[WHSEC]), ["auth[1]"]);
    assert_eq!(problems(&[Secret], &[]), ["auth"]);
    assert_eq!(problems(&[StandardWebhooks], &[PLAIN]), ["auth"]);
    assert_eq!(problems(&[StandardWebhooks], &["whsec_short"]), ["auth"]);
    assert_eq!(
        problems(
            &[Secret, StandardWebhooks],
            &["whsec_not*base64*at*all*really"]
        ),
        ["auth"]
    );
    assert_eq!(problems(&[Hmac], &[WHSEC]), ["hmac"]);
}

#[test]
fn settings_without_effect_are_refused() {
    let hmac: HmacSettings = serde_json::from_value(json!({ "header": "x-sig" })).unwrap();
    let auth = AuthSettings::new(vec![AuthScheme::StandardWebhooks]);
    let rules = AuthRules {
        hmac: Some(&hmac),
        secret_in_query: true,
        ..rules(&auth)
    };
    let problems = Authenticator::new(rules, &secrets(&[WHSEC]))
        .unwrap_err()
        .into_vec();
    let paths: Vec<_> = problems.iter().map(|one| one.path.as_str()).collect();
    assert_eq!(paths, ["secret_in_query", "hmac"]);
}
