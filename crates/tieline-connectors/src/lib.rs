//! The types of connectors that the hub offers, one folder each.
//!
//! A connector knows its own protocol and nothing else: no store, no retry loop, no metrics, no
//! clock. Adding one is a folder and a line in [`TYPES`].

mod manual;
mod webhook;

use tieline_contract::ConnectorType;

pub use manual::manual;

/// Every type, by name.
pub static TYPES: &[&ConnectorType] = &[&webhook::TYPE];

/// The type that users call `name`.
pub fn find(name: &str) -> Option<&'static ConnectorType> {
    TYPES.iter().copied().find(|one| one.name == name)
}

#[cfg(test)]
mod tests;
