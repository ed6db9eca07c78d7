use serde_json::{Value, json};

use super::{NOW_S, claims, expectations, good, header, judge, keys, token, token_of, with};
use crate::Refusal;
use crate::jwt::{Claims, Expectations, verify};

fn judge_with(name: &str, value: &Value) -> Result<Claims, Refusal> {
    judge(&token(&header(), &with(name, value)))
}

fn judge_without(name: &str) -> Result<Claims, Refusal> {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    judge(&token(&header(), &claims))
}

#[test]
fn the_issuer_must_be_the_expected_one_to_the_letter() {
    assert_eq!(judge_without("iss"), Err(Refusal::Issuer));
    for other in [
        json!("https://issuer.example/"),
        json!("HTTPS://issuer.example"),
        json!("https://issuer.example.attacker.example"),
        json!(""),
        json!(null),
        json!(["https://issuer.example"]),
    ] {
        assert_eq!(judge_with("iss", &other), Err(Refusal::Issuer), "{other}");
    }
}

#[test]
fn one_of_the_audiences_must_be_named() {
    for good in [
        json!("tieline"),
        json!("other"),
        json!(["x", "tieline"]),
        json!([1, "other"]),
    ] {
        assert!(judge_with("aud", &good).is_ok(), "{good}");
    }
    assert_eq!(judge_without("aud"), Err(Refusal::Audience));
    for wrong in [
        json!("Tieline"),
        json!("tieline "),
        json!(""),
        json!([]),
        json!(["x"]),
        json!([["tieline"]]),
        json!({"tieline": true}),
        json!(null),
        json!(true),
    ] {
        assert_eq!(judge_with("aud", &wrong), Err(Refusal::Audience), "{wrong}");
    }
    let nobody = Expectations {
        audiences: vec![],
        ..expectations()
    };
    let judged = verify(&token(&header(), &claims()), &keys(), &nobody, NOW_S);
    assert_eq!(judged, Err(Refusal::Audience));
}

#[test]
fn the_end_of_a_token_must_be_there_and_ahead() {
    assert_eq!(judge_without("exp"), Err(Refusal::Timestamp));
    assert!(judge_with("exp", &json!(NOW_S + 1)).is_ok());
    assert!(judge_with("exp", &json!(1e300)).is_ok());
    assert!(judge_with("exp", &json!(u64::MAX)).is_ok());
    assert!(judge_with("exp", &json!(1_700_000_001.5)).is_ok());
    for past in [
        json!(NOW_S),
        json!(0),
        json!(-1),
        json!(1_700_000_000.5),
        json!(-1e300),
    ] {
        assert_eq!(judge_with("exp", &past), Err(Refusal::TooOld), "{past}");
    }
    for malformed in [json!(null), json!("1700000060"), json!([1]), json!(true)] {
        assert_eq!(
            judge_with("exp", &malformed),
            Err(Refusal::Timestamp),
            "{malformed}"
        );
    }
}

#[test]
fn a_token_of_the_future_is_refused() {
    for name in ["nbf", "iat"] {
        assert!(judge_with(name, &json!(NOW_S)).is_ok());
        assert!(judge_with(name, &json!(0)).is_ok());
        let ahead = judge_with(name, &json!(NOW_S + 1));
        assert_eq!(ahead, Err(Refusal::TooNew), "{name}");
        let malformed = judge_with(name, &json!("0"));
        assert_eq!(malformed, Err(Refusal::Timestamp), "{name}");
    }
}

#[test]
fn clocks_may_differ_by_the_leeway_and_no_more() {
    let lenient = Expectations {
        leeway_s: 30,
        ..expectations()
    };
    let of = |name: &str, time_s: i64, now_s: i64| {
        let token = token(&header(), &with(name, &json!(time_s)));
        verify(&token, &keys(), &lenient, now_s).map(|_| ())
    };
    assert_eq!(of("exp", NOW_S - 29, NOW_S), Ok(()));
    assert_eq!(of("exp", NOW_S - 30, NOW_S), Err(Refusal::TooOld));
    assert_eq!(of("nbf", NOW_S + 30, NOW_S), Ok(()));
    assert_eq!(of("nbf", NOW_S + 31, NOW_S), Err(Refusal::TooNew));
    // A clock at either end of time does not wrap around.
    assert_eq!(of("nbf", 0, i64::MAX), Err(Refusal::TooOld));
    assert_eq!(of("nbf", 0, i64::MIN), Err(Refusal::TooNew));
    assert_eq!(of("exp", i64::MAX, i64::MAX), Ok(()));
}

#[test]
fn required_claims_must_be_there_with_their_exact_text() {
    let of = |required: &[(&str, &str)], claims: &Value| {
        let own = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        let expectations = Expectations {
            required: required.iter().map(own).collect(),
            ..expectations()
        };
        verify(&token(&header(), claims), &keys(), &expectations, NOW_S).map(|_| ())
    };
    let mut claims = with("email", &json!("push@example.iam"));
    claims["email_verified"] = json!(true);
    claims["locked"] = json!(false);
    claims["number"] = json!(1);
    claims["nested"] = json!({"email": "push@example.iam"});
    let email = ("email", "push@example.iam");
    assert_eq!(of(&[email], &claims), Ok(()));
    assert_eq!(
        of(
            &[email, ("email_verified", "true"), ("locked", "false")],
            &claims
        ),
        Ok(())
    );
    for wrong in [
        ("email", "push@example.ia"),
        ("email", "PUSH@example.iam"),
        ("email", ""),
        ("Email", "push@example.iam"),
        ("missing", ""),
        ("email_verified", "false"),
        ("email_verified", "True"),
        ("locked", "true"),
        ("number", "1"),
        ("nested", "push@example.iam"),
    ] {
        assert_eq!(of(&[wrong], &claims), Err(Refusal::Claim), "{wrong:?}");
        assert_eq!(
            of(&[email, wrong], &claims),
            Err(Refusal::Claim),
            "{wrong:?}"
        );
    }
}

#[test]
fn what_a_good_token_says_is_handed_on() {
    let mut claims = with("sub", &json!("agent-7"));
    claims["jti"] = json!("t1");
    claims["iat"] = json!(1_699_999_999.9);
    let want = Claims {
        subject: Some("agent-7".to_owned()),
        id: Some("t1".to_owned()),
        issued_at_s: Some(1_699_999_999),
    };
    assert_eq!(judge(&token(&header(), &claims)), Ok(want));
    assert_eq!(judge_with("sub", &json!(7)), Ok(good()));
}

#[test]
fn of_a_claim_that_comes_twice_the_last_counts() {
    let of = |expiries: [i64; 2]| {
        let [first, last] = expiries;
        let claims = format!(
            r#"{{"iss":"https://issuer.example","aud":"tieline","exp":{first},"exp":{last}}}"#
        );
        judge(&token_of(&header().to_string(), &claims))
    };
    assert_eq!(of([0, NOW_S + 1]), Ok(good()));
    assert_eq!(of([NOW_S + 1, 0]), Err(Refusal::TooOld));
}
