use proptest::prelude::{any, prop_assert, proptest};

use super::{TagKey, tag, verify};

#[test]
fn the_published_vector_holds() {
    // RFC 4231, test case 1, whose 20-byte key is padded with zeros as HMAC itself does.
    let mut key = [0; 32];
    key.iter_mut().take(20).for_each(|b| *b = 0x0b);
    let want = "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7";
    assert_eq!(hex::encode(tag(&TagKey::new(&key), b"Hi There")), want);
}

#[test]
fn a_part_of_a_tag_is_not_a_tag() {
    let key = TagKey::new(&[7; 32]);
    let whole = tag(&key, b"run 1");
    assert!(verify(&key, b"run 1", &whole));
    for length in 0..whole.len() {
        assert!(!verify(&key, b"run 1", whole.get(..length).unwrap()));
    }
    assert!(!verify(&key, b"run 1", &[&whole[..], &[0]].concat()));
    assert_eq!(format!("{key:?}"), "***");
}

proptest! {
    #[test]
    fn any_flipped_bit_is_refused(message in any::<Vec<u8>>(), at in 0usize..256) {
        let key = TagKey::new(&[7; 32]);
        let mut whole = tag(&key, &message);
        prop_assert!(verify(&key, &message, &whole));
        whole[at / 8] ^= 1 << (at % 8);
        prop_assert!(!verify(&key, &message, &whole));
        prop_assert!(!verify(&TagKey::new(&[8; 32]), &message, &tag(&key, &message)));
    }
}
