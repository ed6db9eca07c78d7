//! Signs and verifies messages, and compares secrets.
//!
//! Pure: no I/O, no clock, no randomness; the caller passes the time. Every verifier of a MAC
//! decodes what was presented to the full fixed length and compares it in constant time. Nothing
//! here may print key material, accept an empty key, judge a prefix of a MAC, or take the algorithm
//! from a message without a list of those that are expected.

pub mod asymmetric;
pub mod digest;
pub mod ecdsa;
pub mod ed25519;
pub mod equal;
pub mod hmac;
pub mod jwt;
pub mod standard_webhooks;
pub mod tag;

mod encoding;
mod key;
mod refusal;
mod spki;
mod template;
mod window;

pub use key::KeyError;
pub use refusal::Refusal;
pub use window::Window;

#[cfg(test)]
mod tests;
