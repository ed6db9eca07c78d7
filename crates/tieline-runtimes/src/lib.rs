//! How agents are executed: the runtimes, and the list of them.
//!
//! A runtime turns one assignment into one outcome or one fault with its verdict. It must never
//! retry, store, measure, or outlive the future that it was called by: all that is the engine's.

mod command;
mod echo;
mod http;
mod json;
mod limits;
mod redact;

use tieline_contract::RuntimeType;

/// Every runtime, by name.
pub static RUNTIMES: &[&RuntimeType] = &[&command::TYPE, &echo::TYPE, &http::TYPE];

/// The runtime that users call `name`.
pub fn find(name: &str) -> Option<&'static RuntimeType> {
    RUNTIMES.iter().find(|one| one.name == name).copied()
}

#[cfg(test)]
mod tests;
