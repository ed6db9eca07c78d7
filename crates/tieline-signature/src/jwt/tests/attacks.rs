//! What RFC 8725 warns of, and what has happened to others.

use serde_json::{Value, json};

use super::{NOW_S, claims, encode, expectations, good, header, judge, jwk, secret, set, token};
use crate::Refusal;
use crate::ed25519::SecretKey;
use crate::jwt::verify;

#[test]
fn a_token_that_is_not_signed_is_refused() {
    for name in ["none", "None", "NONE", "nOnE", ""] {
        let head = json!({"alg": name, "kid": "one"});
        let signed = format!(
            "{}.{}",
            encode(head.to_string()),
            encode(claims().to_string())
        );
        for token in [format!("{signed}."), token(&head, &claims())] {
            assert_eq!(judge(&token), Err(Refusal::Token), "{token}");
        }
    }
    for head in [
        json!({"kid": "one"}),
        json!({"alg": null}),
        json!({"alg": 1}),
        json!([]),
    ] {
        assert_eq!(
            judge(&token(&head, &claims())),
            Err(Refusal::Token),
            "{head}"
        );
    }
}

#[test]
fn a_public_key_is_no_shared_secret() {
    // The oldest of them: HMAC, with the public key that everyone knows as the secret.
    use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
    let head = json!({"alg": "HS256", "kid": "one"});
    let signed = format!(
        "{}.{}",
        encode(head.to_string()),
        encode(claims().to_string())
    );
    let mac = sign(
        &Key::new(HMAC_SHA256, secret().public_key().as_bytes()),
        signed.as_bytes(),
    );
    let token = format!("{signed}.{}", encode(mac));
    assert_eq!(judge(&token), Err(Refusal::Algorithm));
}

#[test]
fn an_algorithm_that_is_not_expected_is_refused() {
    let token = token(&header(), &claims());
    let mut expectations = expectations();
    expectations.algorithms.retain(|one| one.name() != "EdDSA");
    let judged = verify(&token, &set(&[jwk()]), &expectations, NOW_S);
    assert_eq!(judged, Err(Refusal::Algorithm));
    expectations.algorithms.clear();
    let judged = verify(&token, &set(&[jwk()]), &expectations, NOW_S);
    assert_eq!(judged, Err(Refusal::Algorithm));
}

#[test]
fn an_extension_that_must_be_understood_is_refused() {
    for crit in [json!(["exp"]), json!(["b64"]), json!([])] {
        let head = json!({"alg": "EdDSA", "kid": "one", "crit": crit, "b64": false});
        assert_eq!(judge(&token(&head, &claims())), Err(Refusal::Critical));
    }
    let malformed = json!({"alg": "EdDSA", "kid": "one", "crit": "exp"});
    assert_eq!(judge(&token(&malformed, &claims())), Err(Refusal::Token));
}

#[test]
fn a_key_that_the_token_brings_along_counts_for_nothing() {
    let attacker = SecretKey::from_seed(&[9; 32]);
    let own =
        json!({"kty": "OKP", "crv": "Ed25519", "x": encode(attacker.public_key().as_bytes())});
    for head in [
        json!({"alg": "EdDSA", "kid": "one", "jwk": own}),
        json!({"alg": "EdDSA", "jwk": own}),
        json!({"alg": "EdDSA", "kid": "one", "jku": "https://attacker.example/keys"}),
        json!({"alg": "EdDSA", "kid": "one", "x5u": "https://attacker.example/chain"}),
    ] {
        let signed = format!(
            "{}.{}",
            encode(head.to_string()),
            encode(claims().to_string())
        );
        let token = format!("{signed}.{}", encode(attacker.sign(signed.as_bytes())));
        assert_eq!(judge(&token), Err(Refusal::Mismatch), "{head}");
    }
}

#[test]
fn the_name_of_the_key_chooses_it() {
    let other = SecretKey::from_seed(&[2; 32]).public_key();
    let other = |kid: &str| {
        let x = encode(other.as_bytes());
        json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x})
    };
    let of = |keys: &[Value], head: &Value| {
        verify(&token(head, &claims()), &set(keys), &expectations(), NOW_S)
    };
    let nameless = json!({"alg": "EdDSA"});
    let mut unnamed = jwk();
    unnamed.as_object_mut().unwrap().remove("kid");
    assert_eq!(of(&[other("two"), jwk()], &header()), Ok(good()));
    assert_eq!(of(&[jwk(), other("two")], &header()), Ok(good()));
    assert_eq!(of(&[other("one"), jwk()], &header()), Ok(good()));
    assert_eq!(of(&[other("one")], &header()), Err(Refusal::Mismatch));
    assert_eq!(of(&[other("two")], &header()), Err(Refusal::UnknownKey));
    assert_eq!(
        of(std::slice::from_ref(&unnamed), &header()),
        Err(Refusal::UnknownKey)
    );
    assert_eq!(of(&[other("two"), jwk()], &nameless), Ok(good()));
    assert_eq!(of(&[other("two"), unnamed], &nameless), Ok(good()));
    assert_eq!(of(&[other("two")], &nameless), Err(Refusal::Mismatch));
    for kid in [json!(""), json!("ONE"), json!("one "), json!("../one")] {
        let head = json!({"alg": "EdDSA", "kid": kid});
        assert_eq!(of(&[jwk()], &head), Err(Refusal::UnknownKey), "{kid}");
    }
    let head = json!({"alg": "EdDSA", "kid": 1});
    assert_eq!(of(&[jwk()], &head), Err(Refusal::Token));
}

#[test]
fn a_header_in_which_a_name_comes_twice_is_refused() {
    let head = r#"{"alg":"EdDSA","kid":"two","kid":"one"}"#;
    let token = super::token_of(head, &claims().to_string());
    assert_eq!(judge(&token), Err(Refusal::Token));
}
