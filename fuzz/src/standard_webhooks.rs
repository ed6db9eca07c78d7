//! Standard Webhooks: nothing is accepted but what the sender signed, and all of that is.
//!
//! Lines: the id, the timestamp, the signatures; then the body.

use tieline_signature::Window;
use tieline_signature::ed25519::SecretKey;
use tieline_signature::standard_webhooks::{
    Headers, SigningKey, VerifyingKey, sign, sign_v1a, verify,
};

use crate::message::Message;

const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const WINDOW: Window = Window {
    now_s: 1_700_000_000,
    tolerance_s: 300,
};

pub(crate) fn check(data: &[u8]) {
    let Some(message) = Message::read(data) else {
        return;
    };
    let headers = Headers {
        id: message.line(0),
        timestamp: message.line(1),
        signature: message.line(2),
    };
    let [shared, other] = [KEY, OTHER].map(|text| SigningKey::parse(text).expect("it is a key"));
    let (secret, stranger) = (
        SecretKey::from_seed(&[7; 32]),
        SecretKey::from_seed(&[8; 32]),
    );
    let (public, unknown) = (secret.public_key(), stranger.public_key());
    let v1 = |id: &str, time_s, body: &[u8]| sign(&shared, id, time_s, body);
    let v1a = |id: &str, time_s, body: &[u8]| sign_v1a(&secret, id, time_s, body);
    forged((&shared).into(), (&other).into(), headers, message.body, v1);
    forged(
        (&public).into(),
        (&unknown).into(),
        headers,
        message.body,
        v1a,
    );
    honest((&shared).into(), headers.id, message.body, v1);
    honest((&public).into(), headers.id, message.body, v1a);
}

fn accepts(key: VerifyingKey<'_>, headers: Headers<'_>, body: &[u8]) -> bool {
    verify([key], headers, body, WINDOW).is_ok()
}

/// What is accepted, is what the sender makes of the same message.
fn forged(
    key: VerifyingKey<'_>,
    other: VerifyingKey<'_>,
    headers: Headers<'_>,
    body: &[u8],
    sign: impl Fn(&str, i64, &[u8]) -> String,
) {
    if !accepts(key, headers, body) {
        return;
    }
    let time_s = headers.timestamp.parse().expect("it was accepted");
    let made = sign(headers.id, time_s, body);
    let presented = headers.signature.split(' ').any(|one| one == made);
    assert!(presented, "a forged signature was accepted");
    assert!(WINDOW.now_s.abs_diff(time_s) <= 300, "a replay");
    assert!(!accepts(other, headers, body), "any key will do");
    let longer = [body, b"x"].concat();
    assert!(!accepts(key, headers, &longer), "any body will do");
}

/// What the sender makes of these bytes is accepted, and no part of it is.
fn honest(key: VerifyingKey<'_>, id: &str, body: &[u8], sign: impl Fn(&str, i64, &[u8]) -> String) {
    let timestamp = WINDOW.now_s.to_string();
    let made = sign(id, WINDOW.now_s, body);
    let accepts = |signature: &str| {
        let headers = Headers {
            id,
            timestamp: &timestamp,
            signature,
        };
        accepts(key, headers, body)
    };
    let printable = id
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'.');
    assert_eq!(accepts(&made), printable && (1..=256).contains(&id.len()));
    let shorter = made.get(..made.len() - 4).unwrap_or_default();
    for part in [shorter, "v1,", "v1a,", ""] {
        assert!(!accepts(part), "a part will do");
    }
}
