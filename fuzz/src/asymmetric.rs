//! Ed25519 and ECDSA in a header: nothing is accepted but what was signed.
//!
//! Lines: the timestamp, the signature in hexadecimal; then the body, which is tried as a key, too.

use tieline_signature::asymmetric::{Asymmetric, Claims, Encoding, Part, PublicKey, Scheme};
use tieline_signature::ecdsa::{self, Form};
use tieline_signature::ed25519::{self, SecretKey};

use crate::message::Message;

const NOW_S: i64 = 1_700_000_000;

/// A key whose secret is gone: it has signed one message, and will sign no other.
const P256: &str = include_str!("p256.pem");
const SIGNED: (&str, &[u8]) = ("1700000000", br#"{"type":"order.paid","data":{"id":7}}"#);

pub(crate) fn check(data: &[u8]) {
    let Some(message) = Message::read(data) else {
        return;
    };
    let (timestamp, signature, body) = (message.line(0), message.line(1), message.body);
    let secret = SecretKey::from_seed(&[7; 32]);
    let ed25519 = PublicKey::Ed25519(secret.public_key());
    if accepts(ed25519.clone(), timestamp, signature, body) {
        let made = secret.sign(&[timestamp.as_bytes(), body].concat());
        assert!(is_hex_of(signature, &made), "a forged signature");
    }
    for form in [Form::Der, Form::Fixed] {
        let key = ecdsa::PublicKey::parse(P256).expect("it is a key");
        if accepts(PublicKey::Ecdsa(key, form), timestamp, signature, body) {
            assert_eq!((timestamp, body), SIGNED, "a forged signature");
        }
    }
    let made = hex(&secret.sign(&[b"1700000000", body].concat()));
    assert!(accepts(ed25519.clone(), "1700000000", &made, body));
    assert!(
        !accepts(ed25519, "1700000001", &made, body),
        "any time will do"
    );
    keys(body);
}

/// Text that is read as a key verifies nothing that nobody signed.
fn keys(text: &[u8]) {
    let Ok(text) = str::from_utf8(text) else {
        return;
    };
    if let Ok(key) = ed25519::PublicKey::parse(text) {
        assert!(key.verify(b"x", &[0; 64]).is_err(), "{key:?}");
        assert!(key.verify(b"x", &[]).is_err(), "{key:?}");
    }
    if let Ok(key) = ecdsa::PublicKey::parse(text) {
        for form in [Form::Der, Form::Fixed] {
            assert!(key.verify(form, b"x", &[0; 64]).is_err(), "{key:?}");
        }
    }
}

fn accepts(key: PublicKey, timestamp: &str, signature: &str, body: &[u8]) -> bool {
    let scheme = Scheme {
        encoding: Encoding::Hex,
        prefix: String::new(),
        content: vec![Part::Timestamp, Part::Body],
        tolerance_s: Some(300),
    };
    let scheme = Asymmetric::new(scheme, vec![key]).expect("the scheme is sound");
    let claims = Claims {
        id: None,
        timestamp: Some(timestamp),
    };
    let verifier = scheme.verifier(claims, signature, NOW_S);
    verifier.is_ok_and(|verifier| verifier.finish(body).is_ok())
}

fn is_hex_of(text: &str, bytes: &[u8]) -> bool {
    text.eq_ignore_ascii_case(&hex(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
