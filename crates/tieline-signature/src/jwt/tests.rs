use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::prelude::{prop_assert, proptest};
use serde_json::{Value, json};

use super::{Algorithm, Claims, Expectations, Jwks, verify};
use crate::Refusal;
use crate::ed25519::SecretKey;

mod attacks;
mod claims;
mod jwks;
mod vectors;

const NOW_S: i64 = 1_700_000_000;

fn secret() -> SecretKey {
    SecretKey::from_seed(&[1; 32])
}

fn encode(part: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(part)
}

/// A JWK of the public key of [`secret`], named `one`.
fn jwk() -> Value {
    json!({"kty": "OKP", "crv": "Ed25519", "kid": "one", "x": encode(secret().public_key().as_bytes())})
}

fn set(keys: &[Value]) -> Jwks {
    Jwks::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

fn keys() -> Jwks {
    set(&[jwk()])
}

/// A token that [`secret`] signed.
fn token(header: &Value, claims: &Value) -> String {
    token_of(&header.to_string(), &claims.to_string())
}

fn token_of(header: &str, claims: &str) -> String {
    let signed = format!("{}.{}", encode(header), encode(claims));
    format!("{signed}.{}", encode(secret().sign(signed.as_bytes())))
}

fn header() -> Value {
    json!({"alg": "EdDSA", "kid": "one"})
}

fn claims() -> Value {
    json!({"iss": "https://issuer.example", "aud": "tieline", "exp": NOW_S + 60})
}

/// The claims of [`claims`] and one more, or one other.
fn with(name: &str, value: &Value) -> Value {
    let mut claims = claims();
    claims[name] = value.clone();
    claims
}

fn expectations() -> Expectations {
    Expectations {
        issuer: "https://issuer.example".to_owned(),
        audiences: vec!["other".to_owned(), "tieline".to_owned()],
        algorithms: vec![Algorithm::Rs256, Algorithm::EdDsa],
        leeway_s: 0,
        required: vec![],
    }
}

fn judge(token: &str) -> Result<Claims, Refusal> {
    verify(token, &keys(), &expectations(), NOW_S)
}

fn good() -> Claims {
    Claims {
        subject: None,
        id: None,
        issued_at_s: None,
    }
}

#[test]
fn any_one_bit_change_of_a_token_refuses() {
    let token = token(&header(), &claims());
    assert_eq!(judge(&token), Ok(good()));
    for bit in (0..token.len() * 8).filter(|bit| bit % 8 != 7) {
        let mut bytes = token.clone().into_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let changed = String::from_utf8(bytes).unwrap();
        assert!(judge(&changed).is_err(), "{changed}");
    }
}

#[test]
fn tokens_of_another_form_are_refused() {
    let token = token(&header(), &claims());
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (head, payload) = signed.split_once('.').unwrap();
    for wrong in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        signed.to_owned(),
        format!("{token}."),
        format!(".{token}"),
        format!("{token}.{signature}"),
        format!("{head}..{payload}.{signature}"),
        format!("{token} "),
        format!("{token}="),
        format!("Bearer {token}"),
        format!("{head}.{payload}."),
        format!("{head}.{payload}.{signature}{signature}"),
        format!("{head}..{signature}"),
        format!(".{payload}.{signature}"),
    ] {
        let judged = judge(&wrong);
        let malformed = matches!(judged, Err(Refusal::Token | Refusal::Mismatch));
        assert!(malformed, "{wrong}: {judged:?}");
    }
    for length in 0..token.len() {
        assert!(judge(token.get(..length).unwrap()).is_err());
    }
}

#[test]
fn tokens_are_as_long_as_allowed() {
    let of = |padding: usize| token(&header(), &with("pad", &json!("x".repeat(padding))));
    let step = of(0).len();
    // Base64 makes four bytes of three: the padding that fills the length to the end.
    let longest = (0..).map(|n| (16 * 1024 - step) / 4 * 3 + n).map(of);
    let lengths = longest.take(8).map(|token| (token.len(), judge(&token)));
    let mut seen = [false; 2];
    for (length, judged) in lengths {
        let fits = length <= 16 * 1024;
        assert_eq!(
            judged,
            if fits {
                Ok(good())
            } else {
                Err(Refusal::Token)
            }
        );
        seen[0] |= length == 16 * 1024;
        seen[1] |= length == 16 * 1024 + 1 || length == 16 * 1024 + 2;
    }
    assert_eq!(seen, [true; 2]);
}

#[test]
fn what_is_signed_must_be_an_object() {
    for payload in ["", "null", "1", "\"a\"", "[]", "{", "{}x", "not json"] {
        let token = token_of(&header().to_string(), payload);
        assert_eq!(judge(&token), Err(Refusal::Token), "{payload}");
    }
    // Not base64, though signed as it is.
    let signed = format!("{}.?", encode(header().to_string()));
    let token = format!("{signed}.{}", encode(secret().sign(signed.as_bytes())));
    assert_eq!(judge(&token), Err(Refusal::Token));
}

proptest! {
    #[test]
    fn any_text_never_verifies(text in ".*", head in ".*", payload in ".*", signature in ".*") {
        prop_assert!(judge(&text).is_err());
        let parts = [&head, &payload, &signature].map(encode).join(".");
        prop_assert!(judge(&parts).is_err());
        let named = format!("{}.{}.{}", encode(header().to_string()), encode(&payload), encode(&signature));
        prop_assert!(judge(&named).is_err());
        let claimed = format!(
            "{}.{}.{}",
            encode(header().to_string()),
            encode(claims().to_string()),
            encode(&signature)
        );
        prop_assert!(judge(&claimed).is_err());
    }

    #[test]
    fn any_bytes_are_a_set_or_an_error(bytes: Vec<u8>) {
        prop_assert!(Jwks::parse(&bytes).is_err());
    }
}
