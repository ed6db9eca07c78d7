//! What is secret cannot be compared by `==`, whose time tells how much was right, and cannot be
//! shown: the types do not let it.

use std::fmt::Display;
use std::marker::PhantomData;

use tieline_model::{DatedSecret, Secret};
use tieline_signature::ed25519::SecretKey;
use tieline_signature::hmac::Hmac;
use tieline_signature::standard_webhooks::SigningKey;
use tieline_signature::tag::TagKey;
use tieline_vault::{DataKey, MasterKey, Vault};

struct Probe<T>(PhantomData<T>);

/// What holds for a type where no constant of `Probe` itself stands before it.
trait Otherwise {
    const COMPARES: bool = false;
    const SHOWS: bool = false;
}

impl<T> Otherwise for Probe<T> {}

impl<T: PartialEq> Probe<T> {
    const COMPARES: bool = true;
}

impl<T: Display> Probe<T> {
    const SHOWS: bool = true;
}

/// Both properties for each type.
macro_rules! probe {
    ($($name:ty),+ $(,)?) => {
        [$((stringify!($name), Probe::<$name>::COMPARES, Probe::<$name>::SHOWS)),+]
    };
}

#[test]
fn no_secret_is_compared_by_equality_or_shown() {
    let secrets = probe![
        Secret,
        DatedSecret,
        SigningKey,
        Hmac,
        TagKey,
        SecretKey,
        MasterKey,
        DataKey,
        Vault,
    ];
    for (name, compares, shows) in secrets {
        assert!(!compares, "`{name}` can be compared by `==`");
        assert!(!shows, "`{name}` can be printed");
    }
    let debug = format!(
        "{:?}",
        Secret::new("canary-0123456789").expect("it is long")
    );
    assert!(!debug.contains("canary"), "{debug}");
    // The probe tells a difference.
    assert_eq!(probe![String], [("String", true, true)]);
}
