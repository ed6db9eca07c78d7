//! What must hold for any bytes at all, as functions from bytes: each is a fuzz target.
//!
//! `cargo xtask fuzz` has libFuzzer look for bytes that break them; the tests replay `corpus`, so
//! that what was found once stays found. A target panics where its property is broken. It never
//! reads the clock to decide anything but whether something took far too long, and does no I/O.

mod address;
mod asymmetric;
mod cloudevents;
mod config;
mod expression;
mod hmac;
mod jwks;
mod jwt;
mod message;
mod multipart;
mod soon;
mod standard_webhooks;
mod vault;
mod webhook;

/// What must hold for any bytes.
pub type Target = fn(&[u8]);

/// Every target by its name, which is the name of its folder in `corpus`.
pub static TARGETS: &[(&str, Target)] = &[
    ("address", address::check),
    ("asymmetric", asymmetric::check),
    ("cloudevents", cloudevents::check),
    ("config", config::check),
    ("expression", expression::check),
    ("hmac", hmac::check),
    ("jwks", jwks::check),
    ("jwt", jwt::check),
    ("multipart", multipart::check),
    ("standard-webhooks", standard_webhooks::check),
    ("vault", vault::check),
];

/// The target of a name.
pub fn find(name: &str) -> Option<Target> {
    let (_, target) = TARGETS.iter().find(|(known, _)| *known == name)?;
    Some(*target)
}
