//! The words of Tieline as types: ids, agents, connectors, links, events, runs, deliveries.
//!
//! Pure data. Nothing in here does I/O, awaits, reads a clock or draws a random number.

pub mod agent;
pub mod audit;
pub mod clock;
pub mod connector;
pub mod delivery;
pub mod event;
pub mod id;
pub mod key;
pub mod name;
pub mod page;
pub mod quantity;
pub mod retry;
pub mod run;
pub mod secret;
pub mod time;

pub use agent::{Agent, AgentId};
pub use clock::Clock;
pub use connector::{
    Connector, ConnectorId, Debounce, Link, ManagedBy, Mode, OnError, Policy, Priority, ProjectId,
};
pub use delivery::{Attempt, Delivery, DeliveryState};
pub use event::{Event, EventFile, Kept, Trust};
pub use id::{DeliveryId, EventId, FileId, Ids, NodeId, RunId};
pub use name::Name;
pub use retry::{Exhausted, Retry};
pub use run::{Reason, Run, RunError, RunState};
pub use secret::{DatedSecret, Secret};
pub use time::Timestamp;
