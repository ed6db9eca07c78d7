use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
};
use serde_json::{Value, json};

use super::vectors::{EC, RSA};
use super::{encode, jwk, set};
use crate::jwt::{Algorithm, Jwks, JwksError};

fn parse(json: &Value) -> Result<Jwks, JwksError> {
    Jwks::parse(json.to_string().as_bytes())
}

fn parse_keys(keys: &[Value]) -> Result<Jwks, JwksError> {
    parse(&json!({ "keys": keys }))
}

/// What a key of the set may have signed.
fn fitting(keys: &Jwks) -> Vec<&'static str> {
    let fits = |one: &Algorithm| keys.fitting(None, *one).next().is_some();
    Algorithm::ALL
        .into_iter()
        .filter(fits)
        .map(Algorithm::name)
        .collect()
}

fn changed(key: &Value, name: &str, value: Value) -> Value {
    let mut key = key.clone();
    key[name] = value;
    key
}

#[test]
fn algorithms_have_the_names_that_the_registry_gives_them() {
    for one in Algorithm::ALL {
        assert_eq!(Algorithm::parse(one.name()), Some(one));
        // The same name as the library's, which is what it verifies by.
        assert_eq!(format!("{:?}", one.implementation()), one.name());
    }
    for other in [
        "", "none", "HS256", "HS384", "HS512", "rs256", "ES512", "ES256K",
    ] {
        assert_eq!(Algorithm::parse(other), None, "{other}");
    }
}

#[test]
fn a_key_fits_the_algorithms_of_its_kind() {
    let (rsa, ec): (Value, Value) = (
        serde_json::from_str(RSA).unwrap(),
        serde_json::from_str(EC).unwrap(),
    );
    let all = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
    assert_eq!(fitting(&set(std::slice::from_ref(&rsa))), all);
    assert_eq!(fitting(&set(std::slice::from_ref(&ec))), ["ES256"]);
    assert_eq!(fitting(&set(&[jwk()])), ["EdDSA"]);
    let pair = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
    let (x, y) = pair.public_key().as_ref().split_at_checked(49).unwrap();
    let x = x.strip_prefix(&[4]).unwrap();
    let key = json!({"kty": "EC", "crv": "P-384", "x": encode(x), "y": encode(y)});
    assert_eq!(fitting(&set(&[key])), ["ES384"]);
    for name in all {
        let only = changed(&rsa, "alg", json!(name));
        assert_eq!(fitting(&set(&[only])), [name]);
    }
    // A key for another algorithm than its kind knows fits none.
    for key in [
        changed(&ec, "alg", json!("ES384")),
        changed(&ec, "alg", json!("RS256")),
        changed(&rsa, "alg", json!("RSA-OAEP")),
        changed(&jwk(), "alg", json!("unheard of")),
    ] {
        assert_eq!(
            parse_keys(std::slice::from_ref(&key)).err(),
            Some(JwksError::Empty),
            "{key}"
        );
    }
}

#[test]
fn keys_that_cannot_verify_are_left_out() {
    let zeros = encode([0; 32]);
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let point = encode(pair.public_key().as_ref());
    for unusable in [
        changed(&jwk(), "use", json!("enc")),
        changed(&jwk(), "use", json!("other")),
        changed(&jwk(), "key_ops", json!(["sign", "encrypt"])),
        changed(&jwk(), "key_ops", json!([])),
        changed(&jwk(), "crv", json!("X25519")),
        changed(&jwk(), "crv", json!("Ed448")),
        changed(&jwk(), "crv", json!("P-256")),
        changed(&jwk(), "x", json!(zeros)),
        changed(&jwk(), "x", json!("AAAA")),
        changed(&jwk(), "x", json!("?")),
        changed(&jwk(), "kty", json!("unheard of")),
        changed(&jwk(), "kid", json!(1)),
        json!({"kty": "EC", "crv": "P-521", "x": point, "y": point}),
        json!({"kty": "EC", "crv": "secp256k1", "x": point, "y": point}),
        json!({"kty": "EC", "crv": "Ed25519", "x": point, "y": point}),
        json!({"kty": "RSA", "n": "AQAB"}),
        json!({}),
        json!(null),
        json!("key"),
    ] {
        let alone = parse_keys(std::slice::from_ref(&unusable));
        assert_eq!(alone.err(), Some(JwksError::Empty), "{unusable}");
        let both = parse_keys(&[unusable, jwk()]).unwrap();
        assert_eq!(fitting(&both), ["EdDSA"]);
    }
    for usable in [
        changed(&jwk(), "use", json!("sig")),
        changed(&jwk(), "key_ops", json!(["verify"])),
        changed(&jwk(), "alg", json!("EdDSA")),
        changed(&jwk(), "x5t", json!("unread")),
    ] {
        assert_eq!(fitting(&set(&[usable])), ["EdDSA"]);
    }
}

#[test]
fn a_set_with_a_secret_in_it_is_refused() {
    let shared = json!({"kty": "oct", "kid": "one", "k": encode("a shared secret of all")});
    for secret in [
        shared,
        json!({"kty": "oct"}),
        changed(&jwk(), "k", json!("AA")),
    ] {
        let error = parse_keys(&[jwk(), secret]).unwrap_err();
        assert_eq!(error, JwksError::Symmetric);
    }
    let error = parse_keys(&[jwk(), changed(&jwk(), "d", json!("AA"))]).unwrap_err();
    assert_eq!(error, JwksError::Private);
}

#[test]
fn sets_are_as_large_as_allowed() {
    assert!(parse_keys(&vec![jwk(); 64]).is_ok());
    assert_eq!(
        parse_keys(&vec![jwk(); 65]).unwrap_err(),
        JwksError::TooMany
    );
    let mut json = json!({"keys": [jwk()]}).to_string();
    json.push_str(&" ".repeat(64 * 1024 - json.len()));
    assert!(Jwks::parse(json.as_bytes()).is_ok());
    json.push(' ');
    assert_eq!(
        Jwks::parse(json.as_bytes()).unwrap_err(),
        JwksError::TooLong
    );
}

#[test]
fn what_is_no_set_is_refused() {
    for wrong in [
        json!({}),
        json!([]),
        json!({"keys": {}}),
        json!({"keys": null}),
        jwk(),
    ] {
        assert_eq!(parse(&wrong).unwrap_err(), JwksError::Json, "{wrong}");
    }
    for wrong in ["", "{", "{\"keys\":[]}x"] {
        assert_eq!(Jwks::parse(wrong.as_bytes()).unwrap_err(), JwksError::Json);
    }
    assert_eq!(parse_keys(&[]).unwrap_err(), JwksError::Empty);
    let deep = format!("{}1{}", "[".repeat(1000), "]".repeat(1000));
    let deep = format!("{{\"keys\":{deep}}}");
    assert_eq!(Jwks::parse(deep.as_bytes()).unwrap_err(), JwksError::Json);
}

#[test]
fn a_set_shows_the_names_of_its_keys() {
    let mut unnamed = jwk();
    unnamed.as_object_mut().unwrap().remove("kid");
    let shown = format!("{:?}", set(&[jwk(), unnamed]));
    assert_eq!(shown, "[Some(\"one\"), None]");
}
