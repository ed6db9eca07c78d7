use base64::{Engine as _, engine::general_purpose::STANDARD};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::{DEFAULT_TOLERANCE_S, Headers, SigningKey, Verifier, sign, verify};
use crate::{KeyError, Refusal, Window};

// The vector that the reference libraries of Standard Webhooks test with.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const SENT_S: i64 = 1_614_265_330;
const BODY: &[u8] = br#"{"test": 2432232314}"#;
const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

const NOW: Window = Window {
    now_s: SENT_S,
    tolerance_s: DEFAULT_TOLERANCE_S,
};

fn key() -> SigningKey {
    SigningKey::parse(SECRET).unwrap()
}

fn other_key() -> SigningKey {
    SigningKey::from_bytes(&[0x5a; 32]).unwrap()
}

fn judge(signature: &str) -> Result<(), Refusal> {
    let headers = Headers {
        id: ID,
        timestamp: "1614265330",
        signature,
    };
    verify(&[key()], headers, BODY, NOW)
}

#[test]
fn the_published_vector_holds() {
    assert_eq!(sign(&key(), ID, SENT_S, BODY), SIGNATURE);
    assert_eq!(judge(SIGNATURE), Ok(()));
}

#[test]
fn signature_headers_are_judged() {
    let mac = SIGNATURE.strip_prefix("v1,").unwrap();
    let bytes = STANDARD.decode(mac).unwrap();
    let short = |length: usize| format!("v1,{}", STANDARD.encode(bytes.get(..length).unwrap()));
    let wrong = sign(&other_key(), ID, SENT_S, BODY);
    let malformed = [
        String::new(),
        " ".to_owned(),
        "v1".to_owned(),
        "v1,".to_owned(),
        "v1,=".to_owned(),
        mac.to_owned(),
        format!("v1 {mac}"),
        format!("V1,{mac}"),
        format!("v1a,{mac}"),
        format!("v2,{mac}"),
        format!("v1,{}", mac.trim_end_matches('=')),
        format!("v1,{mac}{mac}"),
        short(0),
        short(1),
        short(31),
        "x".repeat(5000),
        vec![SIGNATURE; 17].join(" "),
    ];
    for header in malformed {
        assert_eq!(judge(&header), Err(Refusal::Signature), "{header}");
    }
    assert_eq!(judge(&wrong), Err(Refusal::Mismatch));
    for header in [
        format!("{wrong} {SIGNATURE}"),
        format!("{SIGNATURE} {wrong}"),
        format!("v1a,abc v2,{mac} nonsense  {SIGNATURE}"),
        vec![SIGNATURE; 16].join(" "),
    ] {
        assert_eq!(judge(&header), Ok(()), "{header}");
    }
}

#[test]
fn any_of_several_keys_verifies_and_none_refuses() {
    let headers = Headers {
        id: ID,
        timestamp: "1614265330",
        signature: SIGNATURE,
    };
    assert_eq!(verify(&[other_key(), key()], headers, BODY, NOW), Ok(()));
    assert_eq!(
        verify(&[other_key()], headers, BODY, NOW),
        Err(Refusal::Mismatch)
    );
    assert_eq!(verify(&[], headers, BODY, NOW), Err(Refusal::NoKey));
}

#[test]
fn timestamps_outside_the_window_are_refused() {
    let at = |now_s: i64| {
        let headers = Headers {
            id: ID,
            timestamp: "1614265330",
            signature: SIGNATURE,
        };
        verify(
            &[key()],
            headers,
            BODY,
            Window {
                now_s,
                tolerance_s: 300,
            },
        )
    };
    assert_eq!(at(SENT_S + 300), Ok(()));
    assert_eq!(at(SENT_S - 300), Ok(()));
    assert_eq!(at(SENT_S + 301), Err(Refusal::TooOld));
    assert_eq!(at(SENT_S - 301), Err(Refusal::TooNew));
    assert_eq!(at(i64::MAX), Err(Refusal::TooOld));
    assert_eq!(at(i64::MIN), Err(Refusal::TooNew));
}

#[test]
fn malformed_timestamps_and_ids_are_refused() {
    for timestamp in [
        "",
        " ",
        "+1614265330",
        "-1",
        "1614265330 ",
        "1.6e9",
        "1614265330000",
        "١",
    ] {
        let headers = Headers {
            id: ID,
            timestamp,
            signature: SIGNATURE,
        };
        assert_eq!(
            verify(&[key()], headers, BODY, NOW),
            Err(Refusal::Timestamp),
            "{timestamp}"
        );
    }
    for id in ["", "a b", "a.b", "ü", "a\n", &"x".repeat(257)] {
        let headers = Headers {
            id,
            timestamp: "1614265330",
            signature: SIGNATURE,
        };
        assert_eq!(
            verify(&[key()], headers, BODY, NOW),
            Err(Refusal::Id),
            "{id}"
        );
    }
}

#[test]
fn the_boundary_between_id_and_timestamp_cannot_be_moved() {
    let signature = sign(&key(), "msg", SENT_S, b"1614265331.{}");
    let headers = Headers {
        id: "msg.1614265330",
        timestamp: "1614265331",
        signature: &signature,
    };
    assert_eq!(verify(&[key()], headers, b"{}", NOW), Err(Refusal::Id));
}

#[test]
fn secrets_are_read_and_never_shown() {
    assert_eq!(SigningKey::parse("").unwrap_err(), KeyError::Prefix);
    assert_eq!(
        SigningKey::parse("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap_err(),
        KeyError::Prefix
    );
    assert_eq!(SigningKey::parse("whsec_").unwrap_err(), KeyError::Blank);
    assert_eq!(
        SigningKey::parse("whsec_???").unwrap_err(),
        KeyError::Base64
    );
    assert_eq!(
        SigningKey::parse("whsec_c2hvcnQ=").unwrap_err(),
        KeyError::TooShort {
            bytes: 5,
            least: 24
        }
    );
    let long = format!("whsec_{}", STANDARD.encode([1; 513]));
    assert_eq!(
        SigningKey::parse(&long).unwrap_err(),
        KeyError::TooLong { most: 512 }
    );
    assert_eq!(SigningKey::from_bytes(b"").unwrap_err(), KeyError::Blank);
    assert_eq!(
        SigningKey::from_bytes(&[b' '; 32]).unwrap_err(),
        KeyError::Blank
    );
    assert_eq!(format!("{:?}", key()), "***");

    let padded = format!("whsec_{}", STANDARD.encode([5; 32]));
    let with = sign(&SigningKey::parse(&padded).unwrap(), ID, SENT_S, BODY);
    let without = SigningKey::parse(padded.trim_end_matches('=')).unwrap();
    assert_eq!(sign(&without, ID, SENT_S, BODY), with);
}

proptest! {
    #[test]
    fn what_was_signed_verifies_in_any_pieces(body in any::<Vec<u8>>(), piece in 1usize..64) {
        let signature = sign(&key(), ID, SENT_S, &body);
        let headers = Headers { id: ID, timestamp: "1614265330", signature: &signature };
        let mut verifier = Verifier::begin(&[other_key(), key()], headers, NOW).unwrap();
        body.chunks(piece).for_each(|piece| verifier.update(piece));
        prop_assert_eq!(verifier.finish(), Ok(()));
    }

    #[test]
    fn any_flipped_byte_is_refused(at in 0usize..1000, bit in 0u8..7) {
        let flip = |text: &[u8]| {
            let mut bytes = text.to_owned();
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            bytes
        };
        let headers = Headers { id: ID, timestamp: "1614265330", signature: SIGNATURE };
        prop_assert!(verify(&[key()], headers, &flip(BODY), NOW).is_err());
        let id = String::from_utf8(flip(ID.as_bytes())).unwrap();
        let renamed = Headers { id: &id, ..headers };
        prop_assert!(verify(&[key()], renamed, BODY, NOW).is_err());
        let timestamp = String::from_utf8(flip(b"1614265330")).unwrap();
        let moved = Headers { timestamp: &timestamp, ..headers };
        let wide = Window { now_s: SENT_S, tolerance_s: i64::MAX };
        prop_assert!(verify(&[key()], moved, BODY, wide).is_err());
        let signature = String::from_utf8(flip(SIGNATURE.as_bytes())).unwrap();
        prop_assert!(judge(&signature).is_err());
    }

    #[test]
    fn hostile_headers_never_verify(id in ".*", timestamp in ".*", signature in ".*") {
        let headers = Headers { id: &id, timestamp: &timestamp, signature: &signature };
        prop_assert!(verify(&[key()], headers, BODY, NOW).is_err());
        prop_assert!(judge(&signature).is_err());
        let versioned = format!("v1,{signature}");
        prop_assert!(judge(&versioned).is_err());
    }
}
