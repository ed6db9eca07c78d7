//! Opens rows of the catalogue: settings become runtimes, endpoints and sinks.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tieline_contract::{
    EndpointContext, Exchange, Inbound, Outbound, Problems, RuntimeContext, SinkContext,
};
use tieline_expression::Expression;
use tieline_model::{Agent, AgentId, Connector, ConnectorId, Mode, Name, ProjectId};
use tieline_store::Catalog;

use super::{
    LiveAgent, LiveCatalog, LiveConnector, LiveLink, LiveRole, Origin, Surroundings, Types,
};
use crate::desk::{Desk, Desks};

/// Connectors that stay open over a change, with what they have learned: an issuer's keys, say.
pub(crate) type Standing = BTreeMap<ConnectorId, Arc<LiveConnector>>;

/// Opens a whole catalogue but for those that stand. A row that cannot be opened any more is left
/// out and said in the log: one bad row must not keep the others from working.
pub(crate) fn open_catalog(
    catalog: Catalog,
    types: Types,
    surroundings: &Surroundings,
    desks: &Desks,
    mut standing: Standing,
) -> LiveCatalog {
    let mut live = LiveCatalog {
        projects: catalog.projects,
        ..LiveCatalog::default()
    };
    for agent in &catalog.agents {
        live.agents_ever.insert(agent.id, agent.name.clone());
        if !agent.removed {
            live.agent_names
                .insert((agent.project, agent.name.clone()), agent.id);
        }
    }
    for row in catalog.connectors {
        let (id, name) = (row.id, row.name.clone());
        let origin = Origin {
            name: name.clone(),
            kind: row.kind.clone(),
            mode: row.mode,
        };
        live.connectors_ever.insert(id, origin);
        let named = (!row.removed).then(|| (row.project, name.clone()));
        let stands = standing.remove(&id);
        let stands = stands.filter(|connector| leads_where_it_did(connector, &live.agent_names));
        let opened = match stands {
            Some(connector) => Ok(connector),
            None => {
                open_connector(row, types, surroundings, &live.agent_names, desks).map(Arc::new)
            }
        };
        match opened {
            Ok(connector) => {
                live.connectors.insert(id, connector);
                live.connector_names.extend(named.map(|key| (key, id)));
            }
            Err(problems) => {
                tracing::error!(connector = %name, %problems, "connector `{name}` cannot be opened");
            }
        }
    }
    for row in catalog.agents {
        let (id, name) = (row.id, row.name.clone());
        let outlets = outlets_of(&live, &row);
        live.outlets.insert(id, outlets);
        match open_agent(row, types, surroundings, desks.of_agent(id)) {
            Ok(agent) => {
                live.agents.insert(id, Arc::new(agent));
            }
            Err(problems) => {
                tracing::error!(agent = %name, %problems, "agent `{name}` cannot be opened");
            }
        }
    }
    live
}

/// Whether the agents that it is linked to by name are those that it was.
fn leads_where_it_did(
    connector: &LiveConnector,
    agents: &HashMap<(ProjectId, Name), AgentId>,
) -> bool {
    let project = connector.row.project;
    let named = connector.row.links.iter();
    let now = named.map(|link| agents.get(&(project, link.agent.clone())).copied());
    now.eq(connector.links.iter().map(|link| Some(link.agent)))
}

/// The outbound connectors that are linked to an agent.
fn outlets_of(live: &LiveCatalog, agent: &Agent) -> Vec<ConnectorId> {
    let takes = |connector: &&Arc<LiveConnector>| {
        connector.row.mode == Mode::Outbound
            && !connector.row.removed
            && connector.links.iter().any(|link| link.agent == agent.id)
    };
    let mut outlets: Vec<_> = live
        .connectors
        .values()
        .filter(takes)
        .map(|c| c.row.id)
        .collect();
    outlets.sort();
    outlets
}

/// Opens one agent.
pub(crate) fn open_agent(
    row: Agent,
    types: Types,
    surroundings: &Surroundings,
    desk: Arc<Desk>,
) -> Result<LiveAgent, Problems> {
    let Some(runtime) = types
        .runtimes
        .iter()
        .find(|runtime| runtime.name == row.runtime)
    else {
        return Err(Problems::one(
            "runtime",
            format!("there is no runtime `{}`", row.runtime),
        ));
    };
    if runtime.local && row.project != ProjectId::DEFAULT {
        return Err(Problems::one(
            "runtime",
            format!(
                "`{}` runs on the hub's own machine, and is for the project `default` alone",
                row.runtime
            ),
        ));
    }
    let context = RuntimeContext {
        agent: row.name.clone(),
        folder: surroundings.folder.clone(),
        environment: surroundings.environment.clone(),
        egress: Arc::clone(&surroundings.agents),
    };
    let runtime = (runtime.open)(&row.settings, &context)?;
    Ok(LiveAgent { row, runtime, desk })
}

/// Opens one connector.
pub(crate) fn open_connector(
    row: Connector,
    types: Types,
    surroundings: &Surroundings,
    agents: &HashMap<(ProjectId, Name), AgentId>,
    desks: &Desks,
) -> Result<LiveConnector, Problems> {
    let Some(kind) = types.connectors.iter().find(|kind| kind.name == row.kind) else {
        return Err(Problems::one(
            "type",
            format!("there is no type `{}`", row.kind),
        ));
    };
    let mut problems = Problems::default();
    let links = open_links(&row, agents, &mut problems);
    let role = match open_role(&row, kind, surroundings, desks) {
        Ok(role) => Some(role),
        Err(inner) => {
            problems.extend_below("settings", inner);
            None
        }
    };
    let dedupe = match &role {
        Some(LiveRole::Endpoint(endpoint)) => endpoint
            .rules()
            .dedupe
            .as_ref()
            .and_then(|text| compile(text, "settings.dedupe", &mut problems)),
        _ => None,
    };
    let rate = row.rate.filter(|_| row.mode != Mode::Outbound);
    match role {
        Some(role) if problems.is_empty() => Ok(LiveConnector {
            intake: desks.intakes.of(row.id, rate),
            row,
            kind,
            role,
            links,
            dedupe,
        }),
        _ => Err(problems),
    }
}

fn open_role(
    row: &Connector,
    kind: &'static tieline_contract::ConnectorType,
    surroundings: &Surroundings,
    desks: &Desks,
) -> Result<LiveRole, Problems> {
    let endpoint = EndpointContext {
        connector: row.name.clone(),
        mode: row.mode,
        secrets: row.secrets.clone(),
    };
    match (row.mode, &kind.inbound, &kind.sync, &kind.outbound) {
        (Mode::Inbound, Some(Inbound::Endpoint(role)), _, _)
        | (Mode::Sync, _, Some(Exchange::Endpoint(role)), _) => {
            (role.open)(&row.settings, &endpoint).map(LiveRole::Endpoint)
        }
        (Mode::Outbound, _, _, Some(Outbound::Sink(role))) => {
            let context = SinkContext {
                connector: row.name.clone(),
                secrets: row.secrets.clone(),
                egress: Arc::clone(&surroundings.outside),
            };
            let sink = (role.open)(&row.settings, &context)?;
            Ok(LiveRole::Sink {
                sink,
                desk: desks.of_outlet(row.id),
            })
        }
        (mode, ..) => Err(Problems::one(
            "mode",
            format!("type `{}` has no mode `{mode}`", kind.name),
        )),
    }
}

fn open_links(
    row: &Connector,
    agents: &HashMap<(ProjectId, Name), AgentId>,
    problems: &mut Problems,
) -> Vec<LiveLink> {
    let mut links = Vec::with_capacity(row.links.len());
    for (n, link) in row.links.iter().enumerate() {
        let compiled = |text: &Option<String>, field: &str, problems: &mut Problems| {
            let text = text.as_ref()?;
            compile(text, &format!("agents[{n}].{field}"), problems)
        };
        let when = compiled(&link.when, "when", problems);
        let session = compiled(&link.session, "session", problems);
        match agents.get(&(row.project, link.agent.clone())) {
            Some(agent) => {
                links.push(LiveLink {
                    agent: *agent,
                    when,
                    session,
                    on_error: link.on_error,
                    policy: link.policy,
                    debounce: link.debounce,
                    priority: link.priority,
                });
            }
            // A removed connector that finishes its deliveries may have outlived its agents.
            None if row.removed => {}
            None => problems.add(
                &format!("agents[{n}]"),
                format!("there is no agent `{}`", link.agent),
            ),
        }
    }
    links
}

fn compile(text: &str, path: &str, problems: &mut Problems) -> Option<Arc<Expression>> {
    match Expression::compile(text) {
        Ok(expression) => Some(Arc::new(expression)),
        Err(error) => {
            problems.add(path, error.to_string());
            None
        }
    }
}
