//! Changes the catalogue: checked by opening it, stored, then put in place.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tieline_contract::Problems;
use tieline_model::audit::{Actor, AuditRecord, Outcome};
use tieline_model::{Agent, AgentId, Connector, DatedSecret, Name, ProjectId, Secret};
use tieline_store::CatalogChange;

use super::open::{Standing, open_agent, open_catalog, open_connector};
use super::{LiveCatalog, LiveConnector, LiveRole, Surroundings};
use crate::desk::{Desk, Desks, Side};
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
        change: CatalogChange,
    ) -> Result<Applied, EngineError> {
        let make = move |_: &LiveCatalog| Ok(change);
        self.change(project, make).await
    }

    /// Makes a change of what stands when its turn comes. It is put in place also where the
    /// caller goes away.
    pub(super) async fn change(
        self: &Arc<Self>,
        project: ProjectId,
        make: impl FnOnce(&LiveCatalog) -> Result<CatalogChange, EngineError> + Send + 'static,
    ) -> Result<Applied, EngineError> {
        let hub = Arc::clone(self);
        self.finish(async move {
            let _one_at_a_time = hub.changing.lock().await;
            let mut change = make(&hub.catalog.load())?;
            let surroundings = hub.surroundings.load_full();
            let generated = hub.prepare(project, &mut change, &surroundings)?;
            if change.is_empty() {
                return Ok(Applied::default());
            }
            let standing = untouched(&hub.catalog.load(), project, &change);
            let catalog = hub.store.change_catalog(project, change).await?;
            let (types, desks) = (hub.types, &hub.desks);
            hub.install(open_catalog(catalog, types, &surroundings, desks, standing));
            Ok(Applied { generated })
        })
        .await
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
            Standing::new(),
        ));
        Ok(())
    }

    /// Puts an opened catalogue in place and sees that every queue has its desk served.
    pub(crate) fn install(self: &Arc<Self>, live: LiveCatalog) {
        let was = self.catalog.swap(Arc::new(live));
        self.serve_desks(&was);
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
            let desk = Arc::new(Desk::new(Side::Agent(agent.id)));
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
        self.retire_outlets(project, change);
        if let Some(why) = self.left_without(project, change) {
            return Err(EngineError::NotAllowed(why));
        }
        problems
            .into_result(generated)
            .map_err(EngineError::Settings)
    }

    /// An outbound connector that becomes something else is removed, so that it finishes its
    /// deliveries as what it was, and its name goes to a new row.
    fn retire_outlets(&self, project: ProjectId, change: &mut CatalogChange) {
        let catalog = self.catalog.load();
        for put in &change.put_connectors {
            let Some(now) = catalog.connector(project, &put.name) else {
                continue;
            };
            let was_outlet = matches!(now.role, LiveRole::Sink { .. });
            let changes = now.row.kind != put.kind || now.row.mode != put.mode;
            if was_outlet && changes && !change.remove_connectors.contains(&now.row.id) {
                change.remove_connectors.push(now.row.id);
            }
        }
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
        connector
            .secrets
            .extend(made.clone().map(DatedSecret::always));
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

    /// Why an agent cannot be removed: a connector that stays is linked to it.
    fn left_without(&self, project: ProjectId, change: &CatalogChange) -> Option<String> {
        let catalog = self.catalog.load();
        let comes_back = |name: &Name| change.put_agents.iter().any(|a| a.name == *name);
        let removed = |id: AgentId| {
            let name = catalog.agent_name(id).filter(|name| !comes_back(name))?;
            change.remove_agents.contains(&id).then_some(name)
        };
        for connector in catalog.connectors_of(project) {
            let row = &connector.row;
            let replaced = change.put_connectors.iter().any(|put| put.name == row.name)
                || change.remove_connectors.contains(&row.id);
            let lost = connector.links.iter().find_map(|link| removed(link.agent));
            if let Some(agent) = lost.filter(|_| !replaced) {
                let linked = &row.name;
                return Some(format!(
                    "Agent `{agent}` cannot be removed: connector `{linked}` is linked to it."
                ));
            }
        }
        None
    }

    /// Pauses or resumes a connector: an endpoint refuses, a sink holds its deliveries.
    pub async fn pause_connector(
        self: &Arc<Self>,
        project: ProjectId,
        name: &Name,
        paused: bool,
    ) -> Result<(), EngineError> {
        let of = name.clone();
        let make = move |catalog: &LiveCatalog| {
            let connector = catalog.connector(project, &of);
            let connector = connector.ok_or(EngineError::NotFound)?;
            Ok(put_paused(&connector.row, paused))
        };
        self.change(project, make).await?;
        tracing::info!(connector = %name, paused, "connector `{name}` was {}", word(paused));
        Ok(())
    }

    /// Pauses an outbound connector that still is what it was; one that has got another address
    /// meanwhile, or another with its name, goes on.
    pub(crate) async fn pause_unchanged(
        self: &Arc<Self>,
        was: &Connector,
    ) -> Result<(), EngineError> {
        let was = was.clone();
        let (project, name) = (was.project, was.name.clone());
        let record = AuditRecord {
            at: self.now(),
            project,
            actor: Actor::Hub,
            from: None,
            action: "connector.pause".to_owned(),
            target: name.to_string(),
            before: None,
            after: None,
            outcome: Outcome::Done,
        };
        let make = move |catalog: &LiveCatalog| {
            let same = |now: &&Arc<LiveConnector>| {
                let now = &now.row;
                !now.paused && now.kind == was.kind && now.settings == was.settings
            };
            let connector = catalog.connectors.get(&was.id);
            let connector = connector.filter(|now| !now.row.removed).filter(same);
            let put = |now: &Arc<LiveConnector>| CatalogChange {
                audit: vec![record.clone()],
                ..put_paused(&now.row, true)
            };
            Ok(connector.map(put).unwrap_or_default())
        };
        self.change(project, make).await?;
        tracing::info!(connector = %name, "connector `{name}` was paused");
        Ok(())
    }

    /// Pauses or resumes an agent: its runs are queued and wait.
    pub async fn pause_agent(
        self: &Arc<Self>,
        project: ProjectId,
        name: &Name,
        paused: bool,
    ) -> Result<(), EngineError> {
        let of = name.clone();
        let make = move |catalog: &LiveCatalog| {
            let agent = catalog.agent(project, &of).ok_or(EngineError::NotFound)?;
            let row = Agent {
                paused,
                ..agent.row.clone()
            };
            Ok(CatalogChange {
                put_agents: vec![row],
                ..CatalogChange::default()
            })
        };
        self.change(project, make).await?;
        tracing::info!(agent = %name, paused, "agent `{name}` was {}", word(paused));
        Ok(())
    }
}

/// The connectors whose rows a change leaves as they are.
fn untouched(catalog: &LiveCatalog, project: ProjectId, change: &CatalogChange) -> Standing {
    let put: HashSet<_> = change.put_connectors.iter().map(|put| &put.name).collect();
    let mut standing = catalog.connectors.clone();
    standing.retain(|id, connector| {
        let row = &connector.row;
        let is_put = row.project == project && put.contains(&row.name);
        !is_put && !change.remove_connectors.contains(id)
    });
    standing
}

fn put_paused(row: &Connector, paused: bool) -> CatalogChange {
    let row = Connector {
        paused,
        ..row.clone()
    };
    CatalogChange {
        put_connectors: vec![row],
        ..CatalogChange::default()
    }
}

const fn word(paused: bool) -> &'static str {
    if paused { "paused" } else { "resumed" }
}
