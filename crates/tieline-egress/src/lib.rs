//! The one outbound HTTP client of the hub: resolve, classify, connect to what was classified, cap.
//!
//! Everything that is sent to an address somebody configured goes through [`Client::send`]. It must
//! never follow a redirect, use a proxy, connect to an address that the [`Policy`] of the client
//! forbids, or read without a limit in bytes and in time.

mod address;
mod body;
mod client;
mod connect;
mod error;
mod policy;
mod resolve;
mod stream;
mod target;
#[cfg(test)]
mod testing;
mod tls;

pub use address::{Class, classify};
pub use body::BodyReader;
pub use client::{Client, Limits, Request, Response};
pub use error::{EgressError, Phase};
pub use policy::{Policy, Reason};
pub use target::Target;
