//! Changes the catalogue: checked by opening it, stored, then put in place.

use std::collections::HashMap;
use std::sync::Arc;

use tieline_contract::Problems;
use tieline_model::{Agent, AgentId, Connector, Name, ProjectId, Secret};
use tieline_store::CatalogChange;

use super::open::{open_agent, open_catalog, open_connector};
use super::{LiveCatalog, LiveRole, Surroundings};
use crate::desk::{Desk, Desks};
use crate::{EngineError, Hub};

/// What a change did beside changing the catalogue.
#[derive(Debug, Default)]
pub struct Applied {
    /// Secrets that were generated: to be shown once to whoever asked for the change.
    pub generated: Vec<(Name, Secret)>,
}

impl Hub {
    /// Changes the catalogue of a project, whole or not at all.
    ///
    /// Everything that is put is opened first; what is wrong comes back with the path of its
    /// field, below `agents[n]` or `connectors[n]` of the change.
    pub async fn apply(
        self: &Arc<Self>,
        project: ProjectId,
        mut change: CatalogChange,
    ) -> Result<Applied, EngineError> {
        let _one_at_a_time = self.changing.lock().await;
        let surroundings = self.surroundings.load_full();
        let generated = self.prepare(project, &mut change, &surroundings)?;
        if change.is_empty() {
            return Ok(Applied::default());
        }
        let catalog = self.store.change_catalog(project, change).await?;
        self.install(open_catalog(
            catalog,
            self.types,
            &surroundings,
            &self.desks,
        ));
        Ok(Applied { generated })
    }

    /// Opens everything anew in changed surroundings.
    pub async fn surround(self: &Arc<Self>, surroundings: Surroundings) -> Result<(), EngineError> {
        let _one_at_a_time = self.changing.lock().await;
        let surroundings = Arc::new(surroundings);
        let catalog = self.store.catalog().await?;
        self.surroundings.store(Arc::clone(&surroundings));
        self.install(open_catalog(
            catalog,
            self.types,
            &surroundings,
            &self.desks,
        ));
        Ok(())
    }

    /// Puts an opened catalogue in place and sees that every queue has its desk served.
    pub(crate) fn install(self: &Arc<Self>, live: LiveCatalog) {
        self.catalog.store(Arc::new(live));
        self.serve_desks();
    }

    /// Opens what is to be put, generates the secrets that are missing, and reports all problems.
    fn prepare(
        &self,
        project: ProjectId,
        change: &mut CatalogChange,
        surroundings: &Surroundings,
    ) -> Result<Vec<(Name, Secret)>, EngineError> {
        let mut problems = Problems::default();
        let mut generated = Vec::new();
        for (n, agent) in change.put_agents.iter().enumerate() {
            let desk = Arc::new(Desk::default());
            if let Err(inner) = open_agent(agent.clone(), self.types, surroundings, desk) {
                problems.extend_below(&format!("agents[{n}]"), inner);
            }
        }
        let names = self.agent_names_after(project, change);
        for (n, connector) in change.put_connectors.iter_mut().enumerate() {
            match self.complete(connector, surroundings, &names) {
                Ok(secret) => generated.extend(secret.map(|s| (connector.name.clone(), s))),
                Err(inner) => problems.extend_below(&format!("connectors[{n}]"), inner),
            }
        }
        problems.extend_below("", self.left_without(project, change));
        problems
            .into_result(generated)
            .map_err(EngineError::Settings)
    }

    /// Opens one connector, with a new secret where it has none and needs one.
    fn complete(
        &self,
        connector: &mut Connector,
        surroundings: &Surroundings,
        names: &HashMap<(ProjectId, Name), AgentId>,
    ) -> Result<Option<Secret>, Problems> {
        let made = connector
            .secrets
            .is_empty()
            .then(|| tieline_vault::connector_secret(self.entropy.as_ref()));
        connector.secrets.extend(made.clone());
        let desks = Desks::default();
        let opened = open_connector(connector.clone(), self.types, surroundings, names, &desks)?;
        let open_to_all = matches!(&opened.role, LiveRole::Endpoint(endpoint)
            if endpoint.rules().auth.is_open());
        if made.is_some() && open_to_all {
            connector.secrets.clear();
            return Ok(None);
        }
        Ok(made)
    }

    /// Agent names as they stand once the change is made. Ids of new ones do not matter here.
    fn agent_names_after(
        &self,
        project: ProjectId,
        change: &CatalogChange,
    ) -> HashMap<(ProjectId, Name), AgentId> {
        let catalog = self.catalog.load();
        let mut names = catalog.agent_names.clone();
        names.retain(|_, id| !change.remove_agents.contains(id));
        let put = change
            .put_agents
            .iter()
            .map(|agent: &Agent| agent.name.clone());
        names.extend(put.map(|name| ((project, name), AgentId(0))));
        names
    }

    /// Connectors that stay, and would lose an agent that they are linked to.
    fn left_without(&self, project: ProjectId, change: &CatalogChange) -> Problems {
        let mut problems = Problems::default();
        let catalog = self.catalog.load();
        for connector in catalog.connectors_of(project) {
            let replaced = change
                .put_connectors
                .iter()
                .any(|c| c.name == connector.row.name)
                || change.remove_connectors.contains(&connector.row.id);
            for link in connector.links.iter().filter(|_| !replaced) {
                let comes_back = |name: &Name| change.put_agents.iter().any(|a| a.name == *name);
                let name = catalog.agent_name(link.agent);
                if change.remove_agents.contains(&link.agent) && !name.is_some_and(comes_back) {
                    let agent = name.map_or("?", Name::as_str);
                    problems.add(
                        "",
                        format!(
                            "agent `{agent}` cannot be removed: connector `{}` is linked to it",
                            connector.row.name
                        ),
                    );
                }
            }
        }
        problems
    }

    /// Pauses or resumes a connector: an endpoint refuses, a sink holds its deliveries.
    pub async fn pause_connector(
        self: &Arc<Self>,
        project: ProjectId,
        name: &Name,
        paused: bool,
    ) -> Result<(), EngineError> {
        let catalog = self.catalog.load_full();
        let connector = catalog
            .connector(project, name)
            .ok_or(EngineError::NotFound)?;
        let row = Connector {
            paused,
            ..connector.row.clone()
        };
        let change = CatalogChange {
            put_connectors: vec![row],
            ..CatalogChange::default()
        };
        self.apply(project, change).await?;
        tracing::info!(connector = %name, paused, "connector `{name}` was {}", word(paused));
        Ok(())
    }

    /// Pauses or resumes an agent: its runs are queued and wait.
    pub async fn pause_agent(
        self: &Arc<Self>,
        project: ProjectId,
        name: &Name,
        paused: bool,
    ) -> Result<(), EngineError> {
        let catalog = self.catalog.load_full();
        let agent = catalog.agent(project, name).ok_or(EngineError::NotFound)?;
        let row = Agent {
            paused,
            ..agent.row.clone()
        };
        let change = CatalogChange {
            put_agents: vec![row],
            ..CatalogChange::default()
        };
        self.apply(project, change).await?;
        tracing::info!(agent = %name, paused, "agent `{name}` was {}", word(paused));
        Ok(())
    }
}

const fn word(paused: bool) -> &'static str {
    if paused { "paused" } else { "resumed" }
}
