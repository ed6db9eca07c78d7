//! What a connector type and a runtime are: the roles that their authors fill.
//!
//! Authors write plain `async fn`s over typed settings. The object-safe twins that the hub holds
//! are derived here once, in [`erased`]. Nothing in here knows the store, the engine or HTTP
//! routing, and neither does anything that is written against it.

pub mod assignment;
pub mod auth;
pub mod connector_type;
pub mod endpoint;
pub mod erased;
pub mod fault;
pub mod nesting;
pub mod problem;
mod retry_after;
pub mod runtime;
pub mod settings;
pub mod sink;

pub use assignment::{Assignment, Callback, FileLink};
pub use connector_type::{ConnectorType, Exchange, Inbound, Outbound};
pub use endpoint::{Endpoint, EndpointContext, EndpointRules, Incoming, IncomingEvent, Verified};
pub use fault::{Fault, Verdict};
pub use nesting::{NESTING_MAX, VALUES_MAX, nesting, values};
pub use problem::{Code, Problem};
pub use retry_after::retry_after;
pub use runtime::{Chunks, Outcome, Runtime, RuntimeContext, RuntimeType};
pub use settings::{FieldProblem, Problems, Settings};
pub use sink::{Outgoing, Receipt, RunResult, Sink, SinkContext, Wanted};
