//! The hub over HTTP: connectors' addresses under `/c/`, results, files, callbacks, and the
//! management API under `/v1`.
//!
//! Handlers gather and render; what becomes of events, runs and deliveries is the engine's. Nothing
//! here reads the environment or a file, and no secret is ever part of an answer, but for the one
//! that was made by the very request.

pub mod certificate;
pub mod limits;

mod address;
mod api;
mod audit;
mod auth;
mod body;
mod callback;
mod failures;
mod files;
mod health;
mod ingress;
mod peer;
mod problem;
mod reading;
mod server;
mod shares;
mod v1;
mod vault;
mod view;

pub use api::{Api, ApiOptions};
pub use audit::Author;
pub use auth::{FIRST_KEY, KeyError, KeyRing, first_admin_key};
pub use peer::TrustedProxies;
pub use server::{ServeOptions, Tls, serve};
pub use vault::{DataKeys, VaultControl, VaultError, VaultRotation, VaultStatus};

#[cfg(test)]
mod rig;
