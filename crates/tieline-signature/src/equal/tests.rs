use proptest::prelude::{any, prop_assert_eq, proptest};

use super::SecretDigest;

#[test]
fn only_the_whole_secret_matches() {
    let known = SecretDigest::of(b"correct horse battery staple");
    assert!(known.matches(b"correct horse battery staple"));
    for wrong in [
        &b""[..],
        b"correct horse battery stapl",
        b"correct horse battery staple ",
        b"Correct horse battery staple",
    ] {
        assert!(!known.matches(wrong));
    }
}

#[test]
fn a_stored_digest_is_as_good_as_its_secret() {
    let stored = SecretDigest::from_stored(crate::digest::sha256(b"hunter2"));
    assert!(stored.matches(b"hunter2"));
    assert!(!stored.matches(b"hunter3"));
}

#[test]
fn debug_shows_nothing() {
    assert_eq!(format!("{:?}", SecretDigest::of(b"hunter2")), "***");
}

proptest! {
    #[test]
    fn agrees_with_plain_equality(a in any::<Vec<u8>>(), b in any::<Vec<u8>>()) {
        prop_assert_eq!(SecretDigest::of(&a).matches(&b), a == b);
        prop_assert_eq!(SecretDigest::of(&a).matches(&a), true);
    }
}
