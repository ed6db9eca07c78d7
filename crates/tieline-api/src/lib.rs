//! The hub over HTTP: connectors' addresses under `/c/`, results, files, callbacks, and the
//! management API under `/v1`.
//!
//! Handlers gather and render; what becomes of events, runs and deliveries is the engine's. Nothing
//! here reads the environment or a file, and no secret is ever part of an answer, but for the one
//! that was made by the very request.

pub mod limits;

mod address;
mod api;
mod auth;
mod body;
mod callback;
mod files;
mod health;
mod ingress;
mod problem;
mod reading;
mod server;
mod v1;
mod view;

pub use api::{Api, ApiOptions};
pub use auth::{FIRST_KEY, KeyError, KeyRing, first_admin_key};
pub use server::{ServeOptions, serve};

#[cfg(test)]
mod rig;
