//! Agents and connectors: names that come and go, ids that never come again.

use tieline_model::{Agent, AgentId, Connector, ConnectorId, Name, ProjectId};

use super::State;
use crate::{Catalog, CatalogChange};

impl State {
    pub(super) fn catalog(&self) -> Catalog {
        let first = Name::new("default").expect("`default` is a name");
        let mut projects = vec![(ProjectId::DEFAULT, first)];
        projects.extend(self.projects.iter().cloned());
        Catalog {
            projects,
            agents: self.agents.clone(),
            connectors: self.connectors.clone(),
        }
    }

    /// Removes first, so that one change can put a fresh row in the place of a removed one.
    pub(super) fn change_catalog(&mut self, project: ProjectId, change: CatalogChange) -> Catalog {
        for agent in &mut self.agents {
            agent.removed |= agent.project == project && change.remove_agents.contains(&agent.id);
        }
        for connector in &mut self.connectors {
            connector.removed |=
                connector.project == project && change.remove_connectors.contains(&connector.id);
        }
        for agent in change.put_agents {
            self.put_agent(project, &agent);
        }
        for connector in change.put_connectors {
            self.put_connector(project, &connector);
        }
        self.audit.extend(change.audit);
        self.catalog()
    }

    fn put_agent(&mut self, project: ProjectId, new: &Agent) {
        let same = |a: &&mut Agent| a.project == project && a.name == new.name && !a.removed;
        let next = AgentId(next_id(self.agents.len()));
        let standing = self.agents.iter_mut().find(same);
        let put = |id| Agent {
            id,
            project,
            removed: false,
            ..new.clone()
        };
        match standing {
            Some(agent) => *agent = put(agent.id),
            None => self.agents.push(put(next)),
        }
    }

    fn put_connector(&mut self, project: ProjectId, new: &Connector) {
        let same = |c: &&mut Connector| c.project == project && c.name == new.name && !c.removed;
        let next = ConnectorId(next_id(self.connectors.len()));
        let standing = self.connectors.iter_mut().find(same);
        let put = |id| Connector {
            id,
            project,
            removed: false,
            ..new.clone()
        };
        match standing {
            Some(connector) => *connector = put(connector.id),
            None => self.connectors.push(put(next)),
        }
    }
}

/// Ids count from 1, and no row is ever taken out.
fn next_id(rows: usize) -> i64 {
    i64::try_from(rows).expect("fewer rows than fit in memory") + 1
}
