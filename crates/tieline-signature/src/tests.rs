//! What holds for every module of the crate.

use std::marker::PhantomData;

use crate::equal::SecretDigest;
use crate::{Refusal, ed25519, hmac, standard_webhooks, tag};

/// Says at compile time whether a type has `==`: the inherent constant hides that of the trait, but
/// is there only for types that have.
struct Probe<T>(PhantomData<T>);

trait WithoutEquality {
    const HAS_EQUALITY: bool = false;
}

impl<T> WithoutEquality for Probe<T> {}

impl<T: PartialEq> Probe<T> {
    const HAS_EQUALITY: bool = true;
}

#[test]
fn secret_types_have_no_equality_that_could_leak_by_its_time() {
    const {
        assert!(Probe::<Refusal>::HAS_EQUALITY, "the probe sees nothing");
        assert!(!Probe::<SecretDigest>::HAS_EQUALITY);
        assert!(!Probe::<standard_webhooks::SigningKey>::HAS_EQUALITY);
        assert!(!Probe::<ed25519::SecretKey>::HAS_EQUALITY);
        assert!(!Probe::<hmac::Hmac>::HAS_EQUALITY);
        assert!(!Probe::<tag::TagKey>::HAS_EQUALITY);
    }
}

#[test]
fn no_refusal_reads_like_another() {
    let all = [
        Refusal::NoKey,
        Refusal::Id,
        Refusal::Timestamp,
        Refusal::TooOld,
        Refusal::TooNew,
        Refusal::Signature,
        Refusal::Mismatch,
        Refusal::Token,
        Refusal::Algorithm,
        Refusal::Critical,
        Refusal::UnknownKey,
        Refusal::Issuer,
        Refusal::Audience,
        Refusal::Claim,
    ];
    let texts: std::collections::BTreeSet<_> = all.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), all.len());
}
