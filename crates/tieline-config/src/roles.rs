//! Opens every agent and connector once, for what only opening can find.

use serde_json::{Map, Value};
use tieline_contract::connector_type::{Exchange, Inbound, Outbound};
use tieline_contract::{ConnectorType, EndpointContext, Problems, RuntimeContext, SinkContext};
use tieline_model::{Agent, Connector, Mode};

use crate::{Configuration, Diagnostic, Types};

/// What roles are opened with. The caller has the network, the folder and the environment.
///
/// A connector whose secret is still to be generated needs a stand-in of the same form here, or its
/// role may rightly say that it has none.
#[derive(Clone, Copy)]
pub struct RoleContexts<'a> {
    pub runtime: &'a dyn Fn(&Agent) -> RuntimeContext,
    pub endpoint: &'a dyn Fn(&Connector) -> EndpointContext,
    pub sink: &'a dyn Fn(&Connector) -> SinkContext,
}

impl std::fmt::Debug for RoleContexts<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RoleContexts").finish_non_exhaustive()
    }
}

/// Opens every role, drops it again, and says where the problems stand. Opening does no I/O.
pub fn open_roles(
    configuration: &Configuration,
    types: &Types<'_>,
    contexts: &RoleContexts<'_>,
) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    for (n, agent) in configuration.agents.iter().enumerate() {
        let Some(runtime) = types.runtime(&agent.runtime) else {
            continue;
        };
        let opened = (runtime.open)(&agent.settings, &(contexts.runtime)(agent));
        for problem in opened.err().unwrap_or_default().into_vec() {
            let (position, path) = configuration.agent_field(n, &problem.path);
            let mut diagnostic = Diagnostic::error(position, &path, problem.message);
            diagnostic.fix = problem.fix;
            diagnostics.push(diagnostic);
        }
    }
    for (n, connector) in configuration.connectors.iter().enumerate() {
        let Some(kind) = types.connector(&connector.kind) else {
            continue;
        };
        let mut below = Problems::default();
        below.extend_below("settings", open_connector(kind, connector, contexts));
        for problem in below.into_vec() {
            let (position, path) = configuration.connector_field(n, &problem.path);
            let mut diagnostic = Diagnostic::error(position, &path, problem.message);
            diagnostic.fix = problem.fix;
            diagnostics.push(diagnostic);
        }
    }
    diagnostics
}

fn open_connector(
    kind: &ConnectorType,
    connector: &Connector,
    contexts: &RoleContexts<'_>,
) -> Problems {
    let settings: &Map<String, Value> = &connector.settings;
    let endpoint = match connector.mode {
        Mode::Inbound => kind.inbound.as_ref().map(|Inbound::Endpoint(role)| role),
        Mode::Sync => kind.sync.as_ref().map(|Exchange::Endpoint(role)| role),
        Mode::Outbound => None,
    };
    if let Some(role) = endpoint {
        let opened = (role.open)(settings, &(contexts.endpoint)(connector));
        return opened.err().unwrap_or_default();
    }
    match kind
        .outbound
        .as_ref()
        .filter(|_| connector.mode == Mode::Outbound)
    {
        Some(Outbound::Sink(role)) => {
            let opened = (role.open)(settings, &(contexts.sink)(connector));
            opened.err().unwrap_or_default()
        }
        None => Problems::default(),
    }
}

#[cfg(test)]
mod tests;
