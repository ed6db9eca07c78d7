//! Tokens: nothing is accepted but what an issuer's key signed, for us, for now.
//!
//! The bytes are a token; and claims, which are put into tokens that are not signed as they must be.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use tieline_signature::ed25519::SecretKey;
use tieline_signature::jwt::{Algorithm, Expectations, Jwks, verify};

const NOW_S: i64 = 1_700_000_000;
const LEEWAY_S: u32 = 60;

/// Two keys: one of Ed25519, whose seed is known here, and one of P-256, whose secret is gone.
pub(crate) const KEYS: &str = include_str!("jwks.json");

/// All that the key of P-256 has ever signed.
const SIGNED: &str = include_str!("es256.jwt");

pub(crate) fn check(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    if accepts(text) {
        genuine(text);
    }
    let body = URL_SAFE_NO_PAD.encode(text);
    for header in [
        r#"{"alg":"none"}"#,
        r#"{"alg":"None","kid":"e"}"#,
        r#"{"alg":"HS256","kid":"p"}"#,
        r#"{"alg":"EdDSA","kid":"e"}"#,
        r#"{"alg":"ES256","kid":"p"}"#,
    ] {
        let signed = format!("{}.{body}", URL_SAFE_NO_PAD.encode(header));
        for signature in ["", "AA", &"A".repeat(86)] {
            assert!(!accepts(&format!("{signed}.{signature}")), "{header}");
        }
    }
    honest(&format!(
        "{}.{body}",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"EdDSA","kid":"e"}"#)
    ));
}

fn accepts(token: &str) -> bool {
    let keys = Jwks::parse(KEYS.as_bytes()).expect("it is a set");
    let expectations = Expectations {
        issuer: "https://issuer.example".to_owned(),
        audiences: vec!["hub".to_owned()],
        algorithms: vec![Algorithm::EdDsa, Algorithm::Es256],
        leeway_s: LEEWAY_S,
        required: Vec::new(),
    };
    verify(token, &keys, &expectations, NOW_S).is_ok()
}

fn sign(signed: &str) -> String {
    let signature = SecretKey::from_seed(&[7; 32]).sign(signed.as_bytes());
    URL_SAFE_NO_PAD.encode(signature)
}

/// An accepted token has a signature that only the issuer can make, and says what is expected.
fn genuine(token: &str) {
    let (signed, signature) = token.rsplit_once('.').expect("it was accepted");
    assert!(
        signature == sign(signed) || signed == SIGNED,
        "a forged token"
    );
    let (_, body) = signed.split_once('.').expect("it was accepted");
    judge(&URL_SAFE_NO_PAD.decode(body).expect("it was accepted"));
}

/// What the issuer did sign is accepted only if it says what is expected.
fn honest(signed: &str) {
    let token = format!("{signed}.{}", sign(signed));
    if accepts(&token) {
        genuine(&token);
        let stranger = SecretKey::from_seed(&[8; 32]).sign(signed.as_bytes());
        let stranger = URL_SAFE_NO_PAD.encode(stranger);
        assert!(!accepts(&format!("{signed}.{stranger}")), "any key will do");
    }
}

fn judge(claims: &[u8]) {
    let claims = serde_json::from_slice::<Value>(claims).expect("it was accepted");
    let says = |name: &str| claims.get(name).cloned().unwrap_or_default();
    assert_eq!(says("iss"), "https://issuer.example");
    let named = match says("aud") {
        Value::Array(list) => list,
        one => vec![one],
    };
    assert!(named.iter().any(|one| one == "hub"), "for somebody else");
    let expires_s = says("exp").as_f64().expect("there is an end");
    let now_s = f64::from(i32::try_from(NOW_S).expect("before 2038"));
    assert!(expires_s > now_s - f64::from(LEEWAY_S), "an old one");
}
