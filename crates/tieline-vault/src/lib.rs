//! Makes the hub's own secrets: connector secrets, API keys, and tokens for single things.
//!
//! The only crate that draws keys. It never prints one, and never keeps one longer than its caller.

mod entropy;
mod keys;
mod tokens;

pub use entropy::SystemEntropy;
pub use keys::{api_key, api_key_digest, connector_secret};
pub use tieline_signature::digest::sha256;
pub use tokens::{CallbackClaim, Tokens};
