//! Signs and verifies messages, and compares secrets.
//!
//! Pure: no I/O, no clock, no randomness; the caller passes the time. Every verifier decodes what
//! was presented to a MAC of the full fixed length and compares it in constant time. Nothing here
//! may print key material, accept an empty key, or judge a prefix of a MAC.

pub mod digest;
pub mod equal;
pub mod hmac;
pub mod standard_webhooks;
pub mod tag;

mod key;
mod refusal;
mod window;

pub use key::KeyError;
pub use refusal::Refusal;
pub use window::Window;
