//! Agents and connectors as the store keeps them.

use tieline_model::audit::AuditRecord;
use tieline_model::{Agent, AgentId, Connector, ConnectorId, Name, ProjectId};

/// Every row there ever was, the removed ones too: old runs are shown with their agent's name.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    pub projects: Vec<(ProjectId, Name)>,
    pub agents: Vec<Agent>,
    pub connectors: Vec<Connector>,
}

/// A change of one project's catalogue, made whole or not at all.
///
/// Puts replace the row of the same name that is not removed, and keep its id; a row with no such
/// name gets a new id, even where a removed row once had the name. Removing marks the row.
#[derive(Clone, Debug, Default)]
pub struct CatalogChange {
    pub put_agents: Vec<Agent>,
    pub remove_agents: Vec<AgentId>,
    pub put_connectors: Vec<Connector>,
    pub remove_connectors: Vec<ConnectorId>,
    /// Written down in the same commit.
    pub audit: Vec<AuditRecord>,
}

impl CatalogChange {
    /// Whether it changes nothing; there is nothing to write down then.
    pub fn is_empty(&self) -> bool {
        self.put_agents.is_empty()
            && self.remove_agents.is_empty()
            && self.put_connectors.is_empty()
            && self.remove_connectors.is_empty()
    }
}
