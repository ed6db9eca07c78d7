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
mod pace;
mod reap;
mod record;
mod run;
mod settle;
mod steady;
mod supervise;

pub use accept::{Accepted, Arrival};
pub use catalog::{
    Applied, LiveAgent, LiveCatalog, LiveConnector, LiveRole, Retention, Rotated, Surroundings,
    Types,
};
pub use desk::breaker::{BreakerState, BreakerView};
pub use error::{EngineError, Lost};
pub use finish::Finish;
pub use hub::{Hub, HubParts};
pub use live::{Follower, Live, Said, Waiting};
pub use metrics::{Kind, Metrics, Status};
pub use settle::Answer;

#[cfg(test)]
mod sim;
#[cfg(test)]
mod tests;
