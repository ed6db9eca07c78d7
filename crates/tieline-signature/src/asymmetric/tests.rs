use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING,
    ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair as _,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::{Asymmetric, Claims, Encoding, Part, PublicKey, Scheme, SchemeError};
use crate::ecdsa::{self, Form};
use crate::ed25519::SecretKey;
use crate::{KeyError, Refusal};

const NOW_S: i64 = 1_700_000_000;
const CLAIMS: Claims<'static> = Claims {
    id: Some("m1"),
    timestamp: Some("1700000000"),
};

fn literal(text: &str) -> Part {
    Part::Literal(text.to_owned())
}

/// The shape of Discord's: `{timestamp}{body}` in hexadecimal.
fn discord() -> Scheme {
    Scheme {
        encoding: Encoding::Hex,
        prefix: String::new(),
        content: vec![Part::Timestamp, Part::Body],
        tolerance_s: Some(300),
    }
}

fn with_tail() -> Scheme {
    Scheme {
        encoding: Encoding::Base64,
        prefix: "sig=".to_owned(),
        content: vec![literal("v1|"), Part::Body, literal("|"), Part::Id],
        tolerance_s: None,
    }
}

fn secret(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}

fn public(seed: u8) -> PublicKey {
    PublicKey::Ed25519(secret(seed).public_key())
}

fn judge(
    scheme: Scheme,
    keys: Vec<PublicKey>,
    (claims, header, body): (Claims<'_>, &str, &[u8]),
    now_s: i64,
) -> Result<(), Refusal> {
    let verifier = Asymmetric::new(scheme, keys).unwrap();
    verifier.verifier(claims, header, now_s)?.finish(body)
}

#[test]
fn what_stands_around_the_body_is_signed_too() {
    let header = hex::encode(secret(1).sign(b"1700000000{}"));
    let of =
        |claims, body, now_s| judge(discord(), vec![public(1)], (claims, &header, body), now_s);
    assert_eq!(of(CLAIMS, b"{}", NOW_S), Ok(()));
    assert_eq!(of(CLAIMS, b"{} ", NOW_S), Err(Refusal::Mismatch));
    let later = Claims {
        timestamp: Some("1700000001"),
        ..CLAIMS
    };
    assert_eq!(of(later, b"{}", NOW_S), Err(Refusal::Mismatch));
    assert_eq!(of(CLAIMS, b"{}", NOW_S + 301), Err(Refusal::TooOld));
    assert_eq!(of(CLAIMS, b"{}", NOW_S - 301), Err(Refusal::TooNew));
    assert_eq!(of(Claims::default(), b"{}", NOW_S), Err(Refusal::Timestamp));

    let header = format!("sig={}", STANDARD.encode(secret(1).sign(b"v1|{}|m1")));
    let of = |claims, body| judge(with_tail(), vec![public(1)], (claims, &header, body), 0);
    assert_eq!(of(CLAIMS, b"{}"), Ok(()));
    let other = Claims {
        id: Some("m2"),
        ..CLAIMS
    };
    assert_eq!(of(other, b"{}"), Err(Refusal::Mismatch));
    assert_eq!(of(Claims::default(), b"{}"), Err(Refusal::Id));
}

#[test]
fn any_of_several_keys_verifies_and_none_refuses() {
    let header = hex::encode(secret(1).sign(b"1700000000{}"));
    let of = |keys| judge(discord(), keys, (CLAIMS, &header, b"{}"), NOW_S);
    assert_eq!(of(vec![public(1), public(2)]), Ok(()));
    assert_eq!(of(vec![public(2), public(1)]), Ok(()));
    assert_eq!(of(vec![public(2), public(3)]), Err(Refusal::Mismatch));
}

#[test]
fn every_kind_of_key_verifies_in_its_own_form_alone() {
    const ALGORITHMS: [(&EcdsaSigningAlgorithm, Form, Form); 3] = [
        (&ECDSA_P256_SHA256_ASN1_SIGNING, Form::Der, Form::Fixed),
        (&ECDSA_P256_SHA256_FIXED_SIGNING, Form::Fixed, Form::Der),
        (&ECDSA_P384_SHA384_ASN1_SIGNING, Form::Der, Form::Fixed),
    ];
    for (algorithm, form, other) in ALGORITHMS {
        let pair = EcdsaKeyPair::generate(algorithm).unwrap();
        let der = pair.public_key().as_der().unwrap();
        let text = STANDARD.encode::<&[u8]>(der.as_ref());
        let key = ecdsa::PublicKey::parse(&text).unwrap();
        let signature = pair.sign(&SystemRandom::new(), b"v1|{}|m1").unwrap();
        let header = format!("sig={}", STANDARD.encode(signature));
        let of = |key| judge(with_tail(), vec![key], (CLAIMS, &header, b"{}"), 0);
        assert_eq!(of(PublicKey::Ecdsa(key.clone(), form)), Ok(()));
        assert_eq!(of(PublicKey::Ecdsa(key, other)), Err(Refusal::Mismatch));
        assert_eq!(of(public(1)), Err(Refusal::Mismatch));
    }
}

#[test]
fn signature_headers_are_judged() {
    let whole = hex::encode(secret(1).sign(b"1700000000{}"));
    let of = |header: &str| judge(discord(), vec![public(1)], (CLAIMS, header, b"{}"), NOW_S);
    assert_eq!(of(&whole), Ok(()));
    assert_eq!(of(&whole.to_uppercase()), Ok(()));
    for malformed in [
        "",
        " ",
        "x",
        "ed25519=",
        &format!("{whole} "),
        &format!("={whole}"),
    ] {
        assert_eq!(of(malformed), Err(Refusal::Signature), "{malformed}");
    }
    for length in (2..whole.len()).step_by(2) {
        let short = whole.get(..length).unwrap();
        assert_eq!(of(short), Err(Refusal::Mismatch));
    }
    assert_eq!(of(&whole.repeat(2)), Err(Refusal::Signature));
    // The longest that is looked at, and the next.
    assert_eq!(of(&"00".repeat(104)), Err(Refusal::Mismatch));
    assert_eq!(of(&"00".repeat(105)), Err(Refusal::Signature));
}

#[test]
fn schemes_that_make_no_sense_are_refused() {
    let none = Asymmetric::new(discord(), vec![]).unwrap_err();
    assert_eq!(none, SchemeError::Key(KeyError::Blank));
    let uncovered = Scheme {
        content: vec![Part::Timestamp],
        ..discord()
    };
    let error = Asymmetric::new(uncovered, vec![public(1)]).unwrap_err();
    assert_eq!(error, SchemeError::Body);
    let untimed = Scheme {
        tolerance_s: Some(1),
        ..with_tail()
    };
    let error = Asymmetric::new(untimed, vec![public(1)]).unwrap_err();
    assert_eq!(error, SchemeError::Tolerance);
}

#[test]
fn a_verifier_shows_its_keys_and_nothing_of_the_message() {
    let asymmetric = Asymmetric::new(discord(), vec![public(1)]).unwrap();
    let verifier = asymmetric.verifier(CLAIMS, "0102", NOW_S).unwrap();
    let key = format!("{:?}", public(1));
    assert_eq!(
        format!("{verifier:?}"),
        format!("Verifier {{ keys: [{key}], .. }}")
    );
}

proptest! {
    #[test]
    fn what_was_signed_verifies(body in any::<Vec<u8>>()) {
        let message = [b"v1|", &body[..], b"|m1"].concat();
        let header = format!("sig={}", STANDARD.encode(secret(1).sign(&message)));
        let judged = judge(with_tail(), vec![public(1)], (CLAIMS, &header, &body), 0);
        prop_assert_eq!(judged, Ok(()));
    }

    #[test]
    fn any_one_bit_change_refuses(at in 0usize..1000, bit in 0u8..7) {
        let flip = |text: &str| {
            let mut bytes = text.as_bytes().to_owned();
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            String::from_utf8(bytes).unwrap()
        };
        let header = format!("sig={}", STANDARD.encode(secret(1).sign(b"v1|{\"a\":1}|m1")));
        let body = r#"{"a":1}"#;
        let of = |claims, header: &str, body: &str| {
            judge(with_tail(), vec![public(1)], (claims, header, body.as_bytes()), 0)
        };
        prop_assert_eq!(of(CLAIMS, &header, body), Ok(()));
        prop_assert!(of(CLAIMS, &flip(&header), body).is_err());
        prop_assert!(of(CLAIMS, &header, &flip(body)).is_err());
        let id = flip("m1");
        let renamed = Claims { id: Some(&id), ..CLAIMS };
        prop_assert!(of(renamed, &header, body).is_err());
    }

    #[test]
    fn any_header_never_verifies(id in ".*", timestamp in ".*", header in ".*") {
        let claims = Claims { id: Some(&id), timestamp: Some(&timestamp) };
        for scheme in [discord(), with_tail()] {
            let asymmetric = Asymmetric::new(scheme, vec![public(1)]).unwrap();
            for header in [header.clone(), format!("sig={header}")] {
                for claims in [claims, CLAIMS] {
                    let judged = asymmetric
                        .verifier(claims, &header, NOW_S)
                        .and_then(|verifier| verifier.finish(b"{}"));
                    prop_assert!(judged.is_err());
                }
            }
        }
    }
}
