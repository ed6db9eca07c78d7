//! Key sets: bounded, without a secret, and no key in them can be used for what it is not.

use serde_json::Value;
use tieline_signature::jwt::{Algorithm, Expectations, Jwks, verify};

/// Signed by HMAC with the text of a public key, and not signed at all.
const FORGED: [&str; 2] = [
    include_str!("../corpus/jwt/hs256-with-the-public-key"),
    include_str!("../corpus/jwt/none"),
];

pub(crate) fn check(data: &[u8]) {
    let Ok(keys) = Jwks::parse(data) else {
        return;
    };
    assert!(data.len() <= 64 * 1024, "too long a set");
    let set = serde_json::from_slice::<Value>(data).expect("it was read");
    let listed = set.get("keys").and_then(Value::as_array);
    let listed = listed.expect("it was read");
    assert!((1..=64).contains(&listed.len()), "{} keys", listed.len());
    for key in listed {
        assert!(key.get("k").is_none(), "a shared secret");
        assert!(key.get("d").is_none(), "a private key");
    }
    let expectations = Expectations {
        issuer: "https://issuer.example".to_owned(),
        audiences: vec!["hub".to_owned()],
        algorithms: Algorithm::ALL.to_vec(),
        leeway_s: 60,
        required: Vec::new(),
    };
    for token in FORGED {
        assert!(verify(token, &keys, &expectations, 1_700_000_000).is_err());
    }
}
