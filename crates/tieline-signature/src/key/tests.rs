use super::{KeyError, check, check_text, secret_bytes};

#[test]
fn keys_as_long_as_allowed_are_taken() {
    assert_eq!(check(&[1; 512]), Ok(()));
    assert_eq!(check(&[1; 513]), Err(KeyError::TooLong { most: 512 }));
    assert_eq!(check(b" k "), Ok(()));
    assert_eq!(check(b" \t\n"), Err(KeyError::Blank));
    assert_eq!(check(b""), Err(KeyError::Blank));
}

#[test]
fn texts_are_bounded_before_they_are_decoded() {
    assert_eq!(check_text(&"A".repeat(1024)), Ok(()));
    let long = "A".repeat(1025);
    assert_eq!(check_text(&long), Err(KeyError::TooLong { most: 512 }));
    assert_eq!(
        secret_bytes("", &long).unwrap_err(),
        KeyError::TooLong { most: 512 }
    );
}

#[test]
fn secrets_are_a_prefix_and_base64() {
    assert_eq!(secret_bytes("p_", "p_qwE=").unwrap().as_slice(), [0xab, 1]);
    assert_eq!(secret_bytes("p_", "p_qwE").unwrap().as_slice(), [0xab, 1]);
    assert_eq!(secret_bytes("p_", "p_?").unwrap_err(), KeyError::Base64);
    let missing = KeyError::Prefix { expected: "p_" };
    assert_eq!(secret_bytes("p_", "qwE=").unwrap_err(), missing);
    assert_eq!(missing.to_string(), "the key does not begin with p_");
}
