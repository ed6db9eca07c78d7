use super::{Sha256, sha256};

#[test]
fn the_published_vector_holds() {
    // FIPS 180-4, the message "abc".
    let want = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(hex::encode(sha256(b"abc")), want);
}

#[test]
fn pieces_give_the_digest_of_the_whole() {
    let mut pieces = Sha256::default();
    pieces.update(b"a");
    pieces.update(b"");
    pieces.update(b"bc");
    assert_eq!(pieces.finish(), sha256(b"abc"));
}

#[test]
fn what_was_hashed_is_not_shown() {
    let mut hash = Sha256::default();
    hash.update(b"hunter2");
    assert_eq!(format!("{hash:?}"), "Sha256(…)");
}
