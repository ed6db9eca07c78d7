use base64::{Engine as _, engine::general_purpose::STANDARD};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::{
    DEFAULT_TOLERANCE_S, Headers, SigningKey, Verifier, VerifyingKey, sign, sign_v1a, verify,
};
use crate::ed25519::{PublicKey, SecretKey};
use crate::{KeyError, Refusal, Window};

// The vector that the reference libraries of Standard Webhooks test with.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const SENT_S: i64 = 1_614_265_330;
const BODY: &[u8] = br#"{"test": 2432232314}"#;
const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

// The vector of the reference library in Go, whose secret key stands there without its prefix.
const SECRET_V1A: &str = "whsk_VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk=";
const SIGNATURE_V1A: &str = "v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYG\
                             b7KaaBRdM5WqyeFiL8Ag==";

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

fn judge_all(keys: &[VerifyingKey<'_>], signature: &str) -> Result<(), Refusal> {
    let headers = Headers {
        id: ID,
        timestamp: "1614265330",
        signature,
    };
    verify(keys.iter().copied(), headers, BODY, NOW)
}

fn public() -> PublicKey {
    SecretKey::parse(SECRET_V1A).unwrap().public_key()
}

#[test]
fn the_published_vector_of_v1a_holds() {
    let secret = SecretKey::parse(SECRET_V1A).unwrap();
    assert_eq!(sign_v1a(&secret, ID, SENT_S, BODY), SIGNATURE_V1A);
    let public = public();
    assert_eq!(judge_all(&[(&public).into()], SIGNATURE_V1A), Ok(()));
    let moved = sign_v1a(&secret, ID, SENT_S + 1, BODY);
    let renamed = sign_v1a(&secret, "msg_other", SENT_S, BODY);
    for wrong in [moved, renamed] {
        assert_eq!(
            judge_all(&[(&public).into()], &wrong),
            Err(Refusal::Mismatch)
        );
        let among = format!("{wrong} {SIGNATURE_V1A} {wrong}");
        assert_eq!(judge_all(&[(&public).into()], &among), Ok(()));
    }
    let other = SecretKey::from_seed(&[7; 32]).public_key();
    assert_eq!(
        judge_all(&[(&other).into()], SIGNATURE_V1A),
        Err(Refusal::Mismatch)
    );
    assert_eq!(
        judge_all(&[(&other).into(), (&public).into()], SIGNATURE_V1A),
        Ok(())
    );
}

#[test]
fn a_signature_is_judged_by_keys_of_its_own_version_alone() {
    let (shared, public) = (key(), public());
    let (shared, public) = (VerifyingKey::from(&shared), VerifyingKey::from(&public));
    assert_eq!(judge_all(&[public], SIGNATURE), Err(Refusal::Mismatch));
    assert_eq!(judge_all(&[shared], SIGNATURE_V1A), Err(Refusal::Mismatch));
    for signature in [SIGNATURE, SIGNATURE_V1A] {
        assert_eq!(judge_all(&[shared, public], signature), Ok(()));
        assert_eq!(judge_all(&[public, shared], signature), Ok(()));
    }
    let mac = SIGNATURE.strip_prefix("v1,").unwrap();
    let signature = SIGNATURE_V1A.strip_prefix("v1a,").unwrap();
    // The other version's bytes, or its name, or a name that is none.
    for header in [
        format!("v1a,{mac}"),
        format!("v1,{signature}"),
        format!("v1A,{signature}"),
        format!("v1b,{signature}"),
        signature.to_owned(),
        "v1a,".to_owned(),
        format!("v1a,{}", signature.trim_end_matches('=')),
        format!("v1a,{signature}{signature}"),
    ] {
        let judged = judge_all(&[shared, public], &header);
        assert_eq!(judged, Err(Refusal::Signature), "{header}");
    }
    // Without one, the other suffices; together they do not make one up.
    let both = format!("{SIGNATURE} {SIGNATURE_V1A}");
    for keys in [
        &[shared][..],
        &[public],
        &[shared, public],
        &[public, public],
    ] {
        assert_eq!(judge_all(keys, &both), Ok(()));
    }
}

#[test]
fn signatures_and_headers_are_bounded_together() {
    let (shared, public) = (key(), public());
    let keys = [VerifyingKey::from(&shared), VerifyingKey::from(&public)];
    let many = |count: usize| format!("{}{SIGNATURE_V1A}", "v1,AA== ".repeat(count));
    assert_eq!(judge_all(&keys, &many(15)), Ok(()));
    assert_eq!(judge_all(&keys, &many(16)), Err(Refusal::Signature));
    // Those of other versions do not count, but their bytes do.
    let filled = |length: usize| {
        let rest = length - SIGNATURE_V1A.len() - 1;
        format!("{} {SIGNATURE_V1A}", "x".repeat(rest))
    };
    assert_eq!(judge_all(&keys, &filled(4096)), Ok(()));
    assert_eq!(judge_all(&keys, &filled(4097)), Err(Refusal::Signature));
    let others = format!("{}{SIGNATURE_V1A}", "v2,AA== ".repeat(20));
    assert_eq!(judge_all(&keys, &others), Ok(()));
}

#[test]
fn the_example_of_the_specification_has_two_signatures_that_are_read() {
    // standard-webhooks.md, "Webhook headers". Its keys are not published.
    let header = "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4= \
                  v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl\
                  8EM+m7TBAg==";
    let (shared, public) = (key(), public());
    for one in [VerifyingKey::from(&shared), VerifyingKey::from(&public)] {
        assert_eq!(judge_all(&[one], header), Err(Refusal::Mismatch));
    }
}

#[test]
fn ids_are_as_long_as_allowed() {
    let id = "x".repeat(256);
    let signature = sign(&key(), &id, SENT_S, BODY);
    let headers = Headers {
        id: &id,
        timestamp: "1614265330",
        signature: &signature,
    };
    assert_eq!(verify(&[key()], headers, BODY, NOW), Ok(()));
}

#[test]
fn keys_are_as_short_and_as_long_as_allowed() {
    for length in [24, 512] {
        let text = format!("whsec_{}", STANDARD.encode(vec![1; length]));
        assert!(SigningKey::parse(&text).is_ok(), "{length}");
        assert!(SigningKey::from_bytes(&vec![1; length]).is_ok());
    }
    assert_eq!(
        SigningKey::from_bytes(&[1; 23]).unwrap_err(),
        KeyError::TooShort {
            bytes: 23,
            least: 24
        }
    );
}

#[test]
fn a_verifier_shows_no_secret() {
    let (shared, public) = (key(), public());
    let headers = Headers {
        id: ID,
        timestamp: "1614265330",
        signature: SIGNATURE,
    };
    let keys = [VerifyingKey::from(&shared), VerifyingKey::from(&public)];
    let verifier = Verifier::begin(keys, headers, NOW).unwrap();
    let want = format!("Verifier {{ shared: 1, public: [{public:?}], .. }}");
    assert_eq!(format!("{verifier:?}"), want);
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
    assert_eq!(
        verify(&[] as &[SigningKey], headers, BODY, NOW),
        Err(Refusal::NoKey)
    );
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
    let prefix = KeyError::Prefix { expected: "whsec_" };
    assert_eq!(SigningKey::parse("").unwrap_err(), prefix);
    assert_eq!(
        SigningKey::parse("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap_err(),
        prefix
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
    fn what_was_signed_by_v1a_verifies_as_a_whole_alone(body in any::<Vec<u8>>(), bit in 0u8..8) {
        let secret = SecretKey::parse(SECRET_V1A).unwrap();
        let signature = sign_v1a(&secret, ID, SENT_S, &body);
        let headers = Headers { id: ID, timestamp: "1614265330", signature: &signature };
        let public = [public()];
        prop_assert_eq!(verify(&public, headers, &body, NOW), Ok(()));
        for at in 0..body.len() {
            let mut changed = body.clone();
            changed[at] ^= 1 << bit;
            prop_assert_eq!(verify(&public, headers, &changed, NOW), Err(Refusal::Mismatch));
        }
    }

    #[test]
    fn any_flipped_bit_of_v1a_is_refused(at in 0usize..1000, bit in 0u8..7) {
        let mut bytes = SIGNATURE_V1A.as_bytes().to_owned();
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        let public = public();
        let (text, keys) = (String::from_utf8(bytes).unwrap(), [VerifyingKey::from(&public)]);
        prop_assert!(judge_all(&keys, &text).is_err());
    }

    #[test]
    fn what_was_signed_verifies_in_any_pieces(body in any::<Vec<u8>>(), piece in 1usize..64) {
        let signature = sign(&key(), ID, SENT_S, &body);
        let headers = Headers { id: ID, timestamp: "1614265330", signature: &signature };
        let mut verifier = Verifier::begin(&[other_key(), key()], headers, NOW).unwrap();
        body.chunks(piece).for_each(|piece| verifier.update(piece));
        prop_assert_eq!(verifier.finish(&body), Ok(()));
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
        let public = public();
        for version in ["v1", "v1a"] {
            let versioned = format!("{version},{signature}");
            prop_assert!(judge(&versioned).is_err());
            prop_assert!(judge_all(&[(&public).into()], &versioned).is_err());
        }
    }
}
