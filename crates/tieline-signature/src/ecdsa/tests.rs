use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256K1_SHA256_ASN1_SIGNING,
    ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, KeyPair as _, RsaKeyPair,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::{CURVES, Form, PublicKey};
use crate::{KeyError, Refusal};

/// RFC 6979, appendices A.2.5 and A.2.6: the point, and the signatures of "sample" and of "test".
struct Vector {
    point: [&'static str; 2],
    sample: [&'static str; 2],
    test: [&'static str; 2],
}

const P256: Vector = Vector {
    point: [
        "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6",
        "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
    ],
    sample: [
        "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
        "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
    ],
    test: [
        "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367",
        "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
    ],
};
const P384: Vector = Vector {
    point: [
        "ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64def8f0ea9055866064a25451548\
         0bc13",
        "8015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe7344fd25332\
         64720",
    ],
    sample: [
        "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd1e80f\
         abe46",
        "99ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c71a386\
         28ac8",
    ],
    test: [
        "8203b63d3c853e8d77227fb377bcf7b7b772e97892a80f36ab775d509d7a5feb0542a7f0812998da8f1dd3ca3cf\
         023db",
        "ddd0760448d42d8a43af45af836fce4de8be06b485e9b61b827c2f13173923e06a739f040649a667bf3b828246b\
         aa5a5",
    ],
};
/// The order of P-256 (FIPS 186-4, D.1.2.3): a number of a signature must be less, and not zero.
const P256_ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
const ZERO: &str = "0000000000000000000000000000000000000000000000000000000000000000";

fn bytes(numbers: [&str; 2]) -> Vec<u8> {
    hex::decode(numbers.concat()).unwrap()
}

/// An integer in DER: as few bytes as there can be, and a zero before a high bit.
fn integer(number: &str) -> Vec<u8> {
    let number = hex::decode(number).unwrap();
    let zeros = number.iter().take_while(|b| **b == 0).count();
    let digits = number.get(zeros..).unwrap();
    let sign: &[u8] = match digits.first() {
        Some(first) if *first < 0x80 => &[],
        _ => &[0],
    };
    let content = [sign, digits].concat();
    [&[2, content.len().try_into().unwrap()], &content[..]].concat()
}

fn sequence(content: &[u8]) -> Vec<u8> {
    [&[0x30, content.len().try_into().unwrap()], content].concat()
}

fn der(numbers: [&str; 2]) -> Vec<u8> {
    sequence(&numbers.map(integer).concat())
}

fn spki(curve: usize, point: [&str; 2]) -> String {
    STANDARD.encode([CURVES[curve].0, &[4], &bytes(point)].concat())
}

fn p256() -> PublicKey {
    PublicKey::parse(&spki(0, P256.point)).unwrap()
}

fn p384() -> PublicKey {
    PublicKey::parse(&spki(1, P384.point)).unwrap()
}

#[test]
fn the_vectors_of_rfc_6979_hold() {
    for (key, vector) in [(p256(), P256), (p384(), P384)] {
        for (message, numbers) in [(&b"sample"[..], vector.sample), (b"test", vector.test)] {
            let (long, short) = (der(numbers), bytes(numbers));
            assert_eq!(key.verify(Form::Der, message, &long), Ok(()));
            assert_eq!(key.verify(Form::Fixed, message, &short), Ok(()));
            // Each form is read as itself alone, and covers its own message alone.
            let refused = Err(Refusal::Mismatch);
            assert_eq!(key.verify(Form::Fixed, message, &long), refused);
            assert_eq!(key.verify(Form::Der, message, &short), refused);
            assert_eq!(key.verify(Form::Der, b"other", &long), refused);
            assert_eq!(key.verify(Form::Fixed, b"other", &short), refused);
        }
    }
}

#[test]
fn numbers_out_of_range_are_refused() {
    // The cases of Wycheproof (ecdsa_secp256r1_sha256_test.json) that are stated in words: zero, and
    // the order, for either number or both.
    let [r, s] = P256.sample;
    for numbers in [
        [ZERO, ZERO],
        [ZERO, s],
        [r, ZERO],
        [P256_ORDER, s],
        [r, P256_ORDER],
        [P256_ORDER, P256_ORDER],
        [ZERO, P256_ORDER],
        [s, r],
    ] {
        let refused = Err(Refusal::Mismatch);
        assert_eq!(p256().verify(Form::Der, b"sample", &der(numbers)), refused);
        let fixed = bytes(numbers);
        assert_eq!(p256().verify(Form::Fixed, b"sample", &fixed), refused);
    }
}

#[test]
fn a_signature_in_der_has_one_form_only() {
    let [r, s] = P256.sample.map(integer);
    let inner = [r.clone(), s.clone()].concat();
    let good = sequence(&inner);
    assert_eq!(p256().verify(Form::Der, b"sample", &good), Ok(()));
    let negative = |number: &str| [&[2, 32], &hex::decode(number).unwrap()[..]].concat();
    let padded = |number: &str| [&[2, 34, 0, 0], &hex::decode(number).unwrap()[..]].concat();
    let [plain_r, plain_s] = P256.sample;
    for (what, wrong) in [
        ("nothing", vec![]),
        ("an empty sequence", sequence(&[])),
        ("one number", sequence(&r)),
        ("three numbers", sequence(&[&inner[..], &s].concat())),
        ("a byte behind it", [&good[..], &[0]].concat()),
        (
            "a byte behind the numbers",
            sequence(&[&inner[..], &[0]].concat()),
        ),
        ("a long length", [&[0x30, 0x81, 70], &inner[..]].concat()),
        (
            "a length without end",
            [&[0x30, 0x80], &inner[..], &[0, 0]].concat(),
        ),
        (
            "a negative first",
            sequence(&[negative(plain_r), s.clone()].concat()),
        ),
        (
            "a negative second",
            sequence(&[r.clone(), negative(plain_s)].concat()),
        ),
        ("a padded first", sequence(&[padded(plain_r), s].concat())),
        ("a padded second", sequence(&[r, padded(plain_s)].concat())),
        ("a set", [&[0x31, 70], &inner[..]].concat()),
    ] {
        let judged = p256().verify(Form::Der, b"sample", &wrong);
        assert_eq!(judged, Err(Refusal::Mismatch), "{what}");
    }
    for length in 0..good.len() {
        let short = good.get(..length).unwrap();
        assert!(p256().verify(Form::Der, b"sample", short).is_err());
    }
}

#[test]
fn fixed_signatures_of_another_length_are_refused() {
    let good = bytes(P256.sample);
    for length in 0..good.len() {
        let short = good.get(..length).unwrap();
        assert!(p256().verify(Form::Fixed, b"sample", short).is_err());
    }
    // The numbers of P-384's length, with zeros before them.
    let [r, s] = P256
        .sample
        .map(|number| format!("{}{number}", "00".repeat(16)));
    let long = bytes([&r, &s]);
    assert!(p256().verify(Form::Fixed, b"sample", &long).is_err());
    let longer = [&good[..], &[0]].concat();
    assert!(p256().verify(Form::Fixed, b"sample", &longer).is_err());
}

#[test]
fn any_one_bit_change_refuses() {
    for (form, good) in [(Form::Der, der(P256.test)), (Form::Fixed, bytes(P256.test))] {
        assert_eq!(p256().verify(form, b"test", &good), Ok(()));
        for bit in 0..good.len() * 8 {
            let mut changed = good.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(p256().verify(form, b"test", &changed).is_err(), "bit {bit}");
        }
    }
}

#[test]
fn public_keys_are_read_as_pem_and_as_base64() {
    let base64 = spki(0, P256.point);
    let (first, second) = base64.split_at_checked(64).unwrap();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{first}\n{second}\n-----END PUBLIC KEY-----\n");
    let point = format!("ecdsa(04{})", P256.point.concat());
    for text in [base64, pem] {
        assert_eq!(format!("{:?}", PublicKey::parse(&text).unwrap()), point);
    }
}

fn text(key: &impl AsDer<PublicKeyX509Der<'static>>) -> String {
    STANDARD.encode::<&[u8]>(key.as_der().unwrap().as_ref())
}

fn der_of(algorithm: &'static EcdsaSigningAlgorithm) -> String {
    let pair = EcdsaKeyPair::generate(algorithm).unwrap();
    text(pair.public_key())
}

#[test]
fn keys_of_another_kind_or_off_the_curve_are_refused() {
    assert!(PublicKey::parse(&der_of(&ECDSA_P256_SHA256_ASN1_SIGNING)).is_ok());
    assert!(PublicKey::parse(&der_of(&ECDSA_P384_SHA384_FIXED_SIGNING)).is_ok());
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let [x, y] = P256.point;
    for text in [
        der_of(&ECDSA_P256K1_SHA256_ASN1_SIGNING),
        der_of(&ECDSA_P521_SHA512_ASN1_SIGNING),
        text(rsa.public_key()),
        // Not on the curve: the coordinates in the other order.
        spki(0, [y, x]),
        spki(0, [ZERO, ZERO]),
        // The point at infinity, and one that is cut or too long.
        STANDARD.encode([CURVES[0].0, &[0]].concat()),
        spki(0, [x, ""]),
        spki(0, [&format!("{x}{y}"), "00"]),
        // The wrapping of the other curve.
        spki(1, P256.point),
        spki(0, P384.point),
        STANDARD.encode([&[4], &bytes(P256.point)[..]].concat()),
    ] {
        assert_eq!(
            PublicKey::parse(&text).unwrap_err(),
            KeyError::Kind,
            "{text}"
        );
    }
    for (text, error) in [
        ("", KeyError::Blank),
        ("?", KeyError::Encoding),
        (&"A".repeat(1025), KeyError::TooLong { most: 512 }),
    ] {
        assert_eq!(PublicKey::parse(text).unwrap_err(), error);
    }
}

proptest! {
    #[test]
    fn what_was_signed_verifies_by_its_own_key_alone(message in any::<Vec<u8>>()) {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let key = PublicKey::parse(&text(pair.public_key())).unwrap();
        let signature = pair.sign(&SystemRandom::new(), &message).unwrap();
        prop_assert_eq!(key.verify(Form::Der, &message, signature.as_ref()), Ok(()));
        let other = p256().verify(Form::Der, &message, signature.as_ref());
        prop_assert_eq!(other, Err(Refusal::Mismatch));
    }

    #[test]
    fn any_bytes_never_verify(signature in any::<Vec<u8>>(), message in any::<Vec<u8>>()) {
        for form in [Form::Der, Form::Fixed] {
            prop_assert!(p256().verify(form, &message, &signature).is_err());
            prop_assert!(p384().verify(form, &message, &signature).is_err());
        }
    }
}
