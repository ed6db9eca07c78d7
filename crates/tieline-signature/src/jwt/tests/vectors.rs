//! The examples of the RFCs, and every algorithm once.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512,
    RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
    RsaPublicKeyComponents,
};
use serde_json::{Value, json};

use super::{NOW_S, claims, encode, expectations, good};
use crate::Refusal;
use crate::jwt::{Algorithm, Claims, Expectations, Jwks, verify};

/// RFC 7515, appendix A.2.1: the public half.
pub(super) const RSA: &str = r#"{"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}"#;
/// Appendix A.2.1 to A.2.3.
const RS256: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
/// Appendix A.3.1: the public half.
pub(super) const EC: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
/// Appendix A.3.1 to A.3.3.
const ES256: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
/// RFC 8037, appendix A.2, and A.4: what is signed there is not JSON.
const OKP: &str =
    r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
const EDDSA: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
/// RFC 7515, appendix A.1.1 (HMAC), and RFC 7519, section 6.1 (not signed).
const HS256: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const UNSECURED: &str = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.";
/// Before the end of all of them.
const THEN_S: i64 = 1_300_819_379;

fn set(jwk: &str) -> Jwks {
    Jwks::parse(format!("{{\"keys\":[{jwk}]}}").as_bytes()).unwrap()
}

fn all() -> Expectations {
    Expectations {
        issuer: "joe".to_owned(),
        algorithms: Algorithm::ALL.to_vec(),
        ..expectations()
    }
}

/// The examples name no audience, which is what is judged after all that they have.
#[test]
fn the_examples_of_the_rfcs_hold() {
    for (token, jwk) in [(RS256, RSA), (ES256, EC)] {
        let of = |now_s| verify(token, &set(jwk), &all(), now_s);
        assert_eq!(of(THEN_S), Err(Refusal::Audience));
        assert_eq!(of(THEN_S + 1), Err(Refusal::TooOld));
        let (signed, _) = token.rsplit_once('.').unwrap();
        let unsigned = format!("{signed}.{}", encode([1; 64]));
        let judged = verify(&unsigned, &set(jwk), &all(), THEN_S);
        assert_eq!(judged, Err(Refusal::Mismatch));
    }
    assert_eq!(
        verify(EDDSA, &set(OKP), &all(), THEN_S),
        Err(Refusal::Token)
    );
    let changed = EDDSA.replace("RXhh", "RXha");
    assert_eq!(
        verify(&changed, &set(OKP), &all(), THEN_S),
        Err(Refusal::Mismatch)
    );
}

#[test]
fn the_examples_that_anyone_could_make_are_refused() {
    for jwk in [RSA, EC, OKP] {
        let of = |token| verify(token, &set(jwk), &all(), THEN_S);
        assert_eq!(of(HS256), Err(Refusal::Algorithm));
        assert_eq!(of(UNSECURED), Err(Refusal::Token));
    }
    // The shared secret of the example, published as a key.
    let secret = r#"{"keys":[{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}]}"#;
    assert!(Jwks::parse(secret.as_bytes()).is_err());
}

#[test]
fn a_token_of_one_key_is_not_judged_by_a_key_of_another_kind() {
    for (token, others) in [(RS256, [EC, OKP]), (ES256, [RSA, OKP]), (EDDSA, [RSA, EC])] {
        for jwk in others {
            let judged = verify(token, &set(jwk), &all(), THEN_S);
            assert_eq!(judged, Err(Refusal::UnknownKey));
        }
    }
}

fn signed(algorithm: Algorithm, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let head = json!({"alg": algorithm.name()});
    let signed = format!(
        "{}.{}",
        encode(head.to_string()),
        encode(claims().to_string())
    );
    let signature = encode(sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

/// Judged by each algorithm alone: that of the header is the only one that accepts it.
fn accepted(token: &str, jwk: &Value) -> BTreeSet<&'static str> {
    let by = |one: &Algorithm| -> Result<Claims, Refusal> {
        let expectations = Expectations {
            algorithms: vec![*one],
            ..expectations()
        };
        verify(token, &set(&jwk.to_string()), &expectations, NOW_S)
    };
    let good = |one: &Algorithm| by(one) == Ok(good());
    Algorithm::ALL
        .into_iter()
        .filter(good)
        .map(Algorithm::name)
        .collect()
}

static PAIR: LazyLock<RsaKeyPair> =
    LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap());

fn rsa(encoding: &'static dyn RsaEncoding, message: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; PAIR.public_modulus_len()];
    PAIR.sign(encoding, &SystemRandom::new(), message, &mut signature)
        .unwrap();
    signature
}

#[test]
fn every_algorithm_of_rsa_verifies_what_it_signed() {
    let public = RsaPublicKeyComponents::<Vec<u8>>::from(PAIR.public_key());
    let jwk = json!({"kty": "RSA", "n": encode(&public.n), "e": encode(&public.e)});
    let all: [(Algorithm, &'static dyn RsaEncoding); 6] = [
        (Algorithm::Rs256, &RSA_PKCS1_SHA256),
        (Algorithm::Rs384, &RSA_PKCS1_SHA384),
        (Algorithm::Rs512, &RSA_PKCS1_SHA512),
        (Algorithm::Ps256, &RSA_PSS_SHA256),
        (Algorithm::Ps384, &RSA_PSS_SHA384),
        (Algorithm::Ps512, &RSA_PSS_SHA512),
    ];
    for (algorithm, encoding) in all {
        let token = signed(algorithm, |message| rsa(encoding, message));
        assert_eq!(accepted(&token, &jwk), BTreeSet::from([algorithm.name()]));
        // What another algorithm signed is not this one's.
        for (other, _) in all.iter().filter(|(other, _)| *other != algorithm) {
            let mislabelled = signed(*other, |message| rsa(encoding, message));
            assert_eq!(accepted(&mislabelled, &jwk), BTreeSet::new());
        }
    }
}

#[test]
fn every_algorithm_on_a_curve_verifies_what_it_signed() {
    const ALL: [(Algorithm, &str, &EcdsaSigningAlgorithm); 2] = [
        (Algorithm::Es256, "P-256", &ECDSA_P256_SHA256_FIXED_SIGNING),
        (Algorithm::Es384, "P-384", &ECDSA_P384_SHA384_FIXED_SIGNING),
    ];
    for (algorithm, curve, signing) in ALL {
        let pair = EcdsaKeyPair::generate(signing).unwrap();
        let numbers = pair.public_key().as_ref().strip_prefix(&[4]).unwrap();
        let (x, y) = numbers.split_at_checked(numbers.len() / 2).unwrap();
        let jwk = json!({"kty": "EC", "crv": curve, "x": encode(x), "y": encode(y)});
        let sign = |message: &[u8]| {
            let signature = pair.sign(&SystemRandom::new(), message).unwrap();
            signature.as_ref().to_vec()
        };
        let token = signed(algorithm, sign);
        assert_eq!(accepted(&token, &jwk), BTreeSet::from([algorithm.name()]));
    }
}

#[test]
fn rsa_keys_that_prove_nothing_verify_nothing() {
    let token = signed(Algorithm::Rs256, |message| rsa(&RSA_PKCS1_SHA256, message));
    let public = RsaPublicKeyComponents::<Vec<u8>>::from(PAIR.public_key());
    // With an exponent of one, a message signs itself; 1024 bits can be factored.
    for (n, e) in [
        (encode(&public.n), encode([1])),
        (encode(&public.n), encode([2])),
        (encode(public.n.get(..128).unwrap()), encode([1, 0, 1])),
        (String::new(), String::new()),
    ] {
        let jwk = json!({"kty": "RSA", "n": n, "e": e});
        assert_eq!(accepted(&token, &jwk), BTreeSet::new());
    }
}
