use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::{DER_PREFIX, PublicKey, SMALL_ORDER, SecretKey};
use crate::{KeyError, Refusal};

/// RFC 8032, section 7.1, tests 1 to 3: seed, public key, message, signature.
const VECTORS: [[&str; 4]; 3] = [
    [
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701c\
         f9b46bd25bf5f0595bbe24655141438e7a100b",
    ],
    [
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0\
         f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ],
    [
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f76098\
         4dc6594a7c15e9716ed28dc027beceea1ec40a",
    ],
];

fn array(text: &str) -> [u8; 32] {
    hex::decode(text).unwrap().try_into().unwrap()
}

fn vector() -> (PublicKey, Vec<u8>, Vec<u8>) {
    let [_, public, message, signature] = VECTORS[2];
    let key = PublicKey::parse(public).unwrap();
    let [message, signature] = [message, signature].map(|text| hex::decode(text).unwrap());
    (key, message, signature)
}

#[test]
fn the_vectors_of_rfc_8032_hold() {
    for [seed, public, message, signature] in VECTORS {
        let secret = SecretKey::from_seed(&array(seed));
        let message = hex::decode(message).unwrap();
        let signed = secret.sign(&message);
        assert_eq!(hex::encode(signed), signature);
        let key = secret.public_key();
        assert_eq!(hex::encode(key.as_bytes()), public);
        assert_eq!(key.verify(&message, &signed), Ok(()));
        let longer = [&message[..], b"x"].concat();
        assert_eq!(key.verify(&longer, &signed), Err(Refusal::Mismatch));
    }
}

#[test]
fn signatures_of_another_length_are_refused() {
    let (key, message, signature) = vector();
    assert_eq!(key.verify(&message, &signature), Ok(()));
    for length in 0..signature.len() {
        let short = signature.get(..length).unwrap();
        assert_eq!(key.verify(&message, short), Err(Refusal::Mismatch));
    }
    let long = [&signature[..], &[0]].concat();
    assert_eq!(key.verify(&message, &long), Err(Refusal::Mismatch));
    let twice = [&signature[..], &signature].concat();
    assert_eq!(key.verify(&message, &twice), Err(Refusal::Mismatch));
}

#[test]
fn any_one_bit_change_of_a_signature_refuses() {
    let (key, message, signature) = vector();
    for bit in 0..signature.len() * 8 {
        let mut changed = signature.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(key.verify(&message, &changed), Err(Refusal::Mismatch));
    }
}

#[test]
fn a_signature_has_one_form_only() {
    // RFC 8032, section 5.1.7: the second half must be less than the order of the group. One that
    // has the order added means the same to a lenient verifier.
    const ORDER: &str = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";
    let (key, message, mut signature) = vector();
    let mut carry = 0;
    for (digit, add) in signature.iter_mut().skip(32).zip(array(ORDER)) {
        let sum = u16::from(*digit) + u16::from(add) + carry;
        *digit = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    assert_eq!(carry, 0);
    assert_eq!(key.verify(&message, &signature), Err(Refusal::Mismatch));
}

#[test]
fn keys_for_which_anyone_can_sign_are_refused() {
    // With the neutral element as key, one signature is good for every message: of itself, and zero.
    let neutral = array(SMALL_ORDER[1]);
    let forged = [neutral, [0; 32]].concat();
    let key = UnparsedPublicKey::new(&ED25519, &neutral);
    assert!(key.verify(b"whatever one likes", &forged).is_ok());
    for text in SMALL_ORDER {
        let mut bytes = array(text);
        for sign in [0, 0x80] {
            bytes[31] ^= sign;
            assert_eq!(PublicKey::from_bytes(&bytes).unwrap_err(), KeyError::Point);
            let hex = hex::encode(bytes);
            assert_eq!(PublicKey::parse(&hex).unwrap_err(), KeyError::Point);
        }
    }
    let zeros = format!("whpk_{}", STANDARD.encode([0; 32]));
    assert_eq!(PublicKey::parse(&zeros).unwrap_err(), KeyError::Point);
}

#[test]
fn public_keys_are_read_in_every_form_that_senders_give() {
    let bytes = array(VECTORS[2][1]);
    let der = [DER_PREFIX, &bytes].concat();
    let (raw, base64) = (STANDARD.encode(bytes), STANDARD.encode(&der));
    for text in [
        hex::encode(bytes),
        hex::encode_upper(bytes),
        raw.clone(),
        raw.trim_end_matches('=').to_owned(),
        format!("  {raw}\n"),
        format!("whpk_{raw}"),
        format!("whpk_{raw}\n"),
        base64.clone(),
        format!("-----BEGIN PUBLIC KEY-----\n{base64}\n-----END PUBLIC KEY-----\n"),
        format!("-----BEGIN PUBLIC KEY-----\r\n{base64}\r\n-----END PUBLIC KEY-----"),
    ] {
        let key = PublicKey::parse(&text).expect(&text);
        assert_eq!(key.as_bytes(), &bytes, "{text}");
    }
    // RFC 8410, section 10.1.
    let example = "-----BEGIN PUBLIC KEY-----\n\
                   MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n\
                   -----END PUBLIC KEY-----\n";
    let want = "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1";
    let key = PublicKey::parse(example).unwrap();
    assert_eq!(format!("{key:?}"), format!("ed25519({want})"));
}

#[test]
fn what_is_no_public_key_is_refused() {
    let bytes = array(VECTORS[2][1]);
    let raw = STANDARD.encode(bytes);
    for (text, error) in [
        (String::new(), KeyError::Blank),
        (" \n".to_owned(), KeyError::Blank),
        (
            "-----BEGIN PUBLIC KEY----------END PUBLIC KEY-----".to_owned(),
            KeyError::Blank,
        ),
        ("whpk_".to_owned(), KeyError::Kind),
        ("whpk_?".to_owned(), KeyError::Base64),
        (format!("whpk_{}", STANDARD.encode([9; 31])), KeyError::Kind),
        (format!("whpk_{}", STANDARD.encode([9; 33])), KeyError::Kind),
        (format!("whsk_{raw}"), KeyError::Encoding),
        (STANDARD.encode([9; 31]), KeyError::Kind),
        ("ab".repeat(31), KeyError::Encoding),
        ("?".to_owned(), KeyError::Encoding),
        (
            format!("-----BEGIN PUBLIC KEY-----\n{raw}"),
            KeyError::Encoding,
        ),
        (
            STANDARD.encode([DER_PREFIX, &bytes, &[0]].concat()),
            KeyError::Kind,
        ),
        ("A".repeat(1025), KeyError::TooLong { most: 512 }),
    ] {
        assert_eq!(PublicKey::parse(&text).unwrap_err(), error, "{text}");
    }
}

#[test]
fn secret_keys_are_a_seed_or_a_seed_and_its_public_key() {
    let [seed, public, ..] = VECTORS[2].map(|text| hex::decode(text).unwrap());
    let parse = |bytes: &[u8]| SecretKey::parse(&format!("whsk_{}", STANDARD.encode(bytes)));
    for bytes in [seed.clone(), [&seed[..], &public].concat()] {
        let key = parse(&bytes).unwrap();
        assert_eq!(key.public_key().as_bytes(), public.as_slice());
        assert_eq!(format!("{key:?}"), "***");
    }
    for bytes in [
        vec![],
        vec![9; 31],
        vec![9; 33],
        vec![9; 63],
        [&seed[..], &seed].concat(),
        [&seed[..], &public, &[0]].concat(),
    ] {
        assert_eq!(parse(&bytes).unwrap_err(), KeyError::Kind, "{bytes:?}");
    }
    assert_eq!(
        SecretKey::parse("whpk_").unwrap_err(),
        KeyError::Prefix { expected: "whsk_" }
    );
}

proptest! {
    #[test]
    fn what_was_signed_verifies_by_its_own_key_alone(seed: [u8; 32], message in any::<Vec<u8>>()) {
        let secret = SecretKey::from_seed(&seed);
        let signature = secret.sign(&message);
        prop_assert_eq!(secret.public_key().verify(&message, &signature), Ok(()));
        let (other, ..) = vector();
        prop_assert_eq!(other.verify(&message, &signature), Err(Refusal::Mismatch));
    }

    #[test]
    fn any_bytes_never_verify(signature in any::<Vec<u8>>(), message in any::<Vec<u8>>()) {
        let (key, ..) = vector();
        prop_assert!(key.verify(&message, &signature).is_err());
    }

    #[test]
    fn any_text_is_a_key_or_an_error(text in ".*") {
        // What counts is that it returns.
        let read = PublicKey::parse(&text).is_ok() || SecretKey::parse(&text).is_ok();
        prop_assert!(!read || text.len() > 40);
    }
}
