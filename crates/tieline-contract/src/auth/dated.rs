//! A key with the time in which it is good.

use tieline_model::{DatedSecret, Timestamp};

/// What was made of a secret, good for as long as that is; or a public key, which has no time.
#[derive(Debug)]
pub struct Dated<T> {
    key: T,
    secret: Option<DatedSecret>,
}

impl<T> Dated<T> {
    /// What was made of a secret.
    pub fn of(secret: &DatedSecret, key: T) -> Self {
        let secret = Some(secret.clone());
        Self { key, secret }
    }

    /// What is good at any time.
    pub const fn always(key: T) -> Self {
        Self { key, secret: None }
    }

    /// Those of `keys` that are good at a moment.
    pub fn good(keys: &[Self], now: Timestamp) -> impl Iterator<Item = &T> {
        let good = move |one: &&Self| one.secret.as_ref().is_none_or(|secret| secret.is_good(now));
        keys.iter().filter(good).map(|one| &one.key)
    }
}
