//! Configuration: documents turned into agents, connectors, links and settings of the hub, with
//! the errors of a compiler.
//!
//! No file is opened and no environment read here: texts come in, and lookups come as closures.
//! No concrete connector or runtime is named: the types come in as lists.

pub mod agent;
pub mod connector;
pub mod diagnostic;
pub mod document;
pub mod hub;
pub mod interpolate;
pub mod plan;
pub mod read;
pub mod roles;
pub mod schema;
pub mod skeleton;
pub mod types;

#[cfg(test)]
mod samples;

pub use agent::{read_agent, show_agent};
pub use connector::{read_connector, show_connector, write_secrets};
pub use diagnostic::{Diagnostic, Position, Severity};
pub use document::Document;
pub use hub::{AgentReach, ClientCertificates, HubSettings, TlsSettings, VaultSettings};
pub use interpolate::Lookup;
pub use plan::{Action, Current, FieldChange, Plan, PlanLine, Resource, plan};
pub use read::{Configuration, Source, read};
pub use roles::{RoleContexts, open_roles};
pub use schema::json_schema;
pub use skeleton::skeleton;
pub use types::Types;
