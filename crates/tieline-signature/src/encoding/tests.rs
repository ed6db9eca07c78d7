use super::Encoding::{Base64, Hex};
use crate::Refusal;

#[test]
fn what_is_encoded_is_decoded() {
    assert_eq!(Hex.encode(&[0xab, 0x01]), "ab01");
    assert_eq!(Base64.encode(&[0xab, 0x01]), "qwE=");
    assert_eq!(Hex.decode("p=", "p=AB01", 2), Ok(vec![0xab, 0x01]));
    assert_eq!(Base64.decode("p=", "p=qwE=", 2), Ok(vec![0xab, 0x01]));
}

#[test]
fn empty_long_and_malformed_signatures_are_refused() {
    for (encoding, header) in [
        (Hex, "p="),
        (Hex, "p=a"),
        (Hex, "p=ab0"),
        (Hex, "p=ab0102"),
        (Hex, "p=xy"),
        (Hex, "ab01"),
        (Hex, " p=ab01"),
        (Hex, "P=ab01"),
        (Base64, "p="),
        (Base64, "p=qw"),
        // Three bytes in no more characters than two bytes have as hexadecimal.
        (Base64, "p=qwEC"),
        (Base64, "p=qwE"),
        (Base64, "p=qwF="),
        (Base64, "p=qw-_"),
        (Base64, "qwE="),
    ] {
        let decoded = encoding.decode("p=", header, 2);
        assert_eq!(decoded, Err(Refusal::Signature), "{header}");
    }
    assert_eq!(Base64.decode("", "qwEC", 3), Ok(vec![0xab, 1, 2]));
}
