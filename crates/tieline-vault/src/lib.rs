//! Makes the hub's own secrets, and seals what the hub keeps.
//!
//! Secrets are connector secrets, API keys, and tokens for single things. What is kept is sealed by
//! data keys ([`DataKey`]), which a master key ([`MasterKey`]) wraps; a [`Vault`] holds both. The only
//! crate that draws keys. It never prints one, knows no file and no table, and does no I/O but to ask
//! the kernel for randomness.

mod data;
mod entropy;
mod envelope;
mod keys;
mod master;
mod nonces;
mod tokens;
mod vault;

pub use data::{DataKey, Place, SEALED_EXTRA, key_id};
pub use entropy::SystemEntropy;
pub use keys::{api_key, api_key_digest, connector_secret};
pub use master::{BadMasterKey, MasterId, MasterKey};
pub use tieline_signature::digest::sha256;
pub use tokens::{CallbackClaim, Tokens};
pub use vault::{DoesNotOpen, HUB, Vault, WrappedKey};
