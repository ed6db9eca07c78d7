//! The hub: what becomes of an event, a run and a delivery.
//!
//! Six verbs change their state, and nothing else does: `accept`, `claim`, `run`,
//! `settle`, `deliver` and `reap`. The engine knows no HTTP, no file and no wire format.
//! Time, randomness and the store come in as arguments.

pub mod limits;

mod accept;

mod catalog;
mod claim;
mod deliver;
mod desk;
mod error;
mod finish;
mod hub;
mod live;
mod metrics;
mod reap;
mod record;
mod run;
mod settle;
mod supervise;

pub use accept::{Accepted, Arrival};
pub use catalog::{Applied, LiveAgent, LiveCatalog, LiveConnector, LiveRole, Surroundings, Types};
pub use error::EngineError;
pub use hub::{Hub, HubParts};
pub use live::{Follower, Live, Said, Waiting};
pub use metrics::{Metrics, Status};
pub use settle::Answer;

#[cfg(test)]
mod tests;
