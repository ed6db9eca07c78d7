//! The catalogue, opened: every agent with its runtime, every connector with its role.

mod apply;
mod open;
mod project;
mod rotate;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tieline_contract::erased::{DynEndpoint, DynRuntime, DynSink};
use tieline_contract::{ConnectorType, RuntimeType};
use tieline_expression::Expression;
use tieline_model::{
    Agent, AgentId, Connector, ConnectorId, Debounce, Mode, Name, OnError, Policy, Priority,
    ProjectId,
};

use crate::accept::Intake;
use crate::desk::Desk;
use crate::desk::breaker::BreakerView;

pub use apply::Applied;
pub use rotate::Rotated;

/// The connector types and runtimes that this hub was built with.
#[derive(Clone, Copy, Debug)]
pub struct Types {
    pub connectors: &'static [&'static ConnectorType],
    pub runtimes: &'static [&'static RuntimeType],
}

/// What agents and connectors are opened with, beside their own settings.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The configuration file's folder, where commands run.
    pub folder: PathBuf,
    /// The environment that commands may see.
    pub environment: Vec<(String, String)>,
    /// The client for agents.
    pub agents: Arc<tieline_egress::Client>,
    /// The client for the outside.
    pub outside: Arc<tieline_egress::Client>,
    /// Where the hub is reached from outside, without a slash at its end.
    pub public_url: Option<String>,
    pub retention: Retention,
}

/// How long what has ended is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Inputs, outputs and files.
    pub bodies: Duration,
    /// Everything.
    pub rows: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            bodies: Duration::from_hours(7 * 24),
            rows: Duration::from_hours(30 * 24),
        }
    }
}

/// An agent that can be run.
pub struct LiveAgent {
    pub row: Agent,
    pub(crate) runtime: Box<dyn DynRuntime>,
    pub(crate) desk: Arc<Desk>,
}

/// A connector that can be called or delivered through.
pub struct LiveConnector {
    pub row: Connector,
    pub kind: &'static ConnectorType,
    pub role: LiveRole,
    pub(crate) links: Vec<LiveLink>,
    pub(crate) dedupe: Option<Arc<Expression>>,
    /// Where it takes events, and says how many in a length of time.
    pub(crate) intake: Option<Arc<Intake>>,
}

/// What a connector does.
pub enum LiveRole {
    Endpoint(Box<dyn DynEndpoint>),
    Sink {
        sink: Box<dyn DynSink>,
        desk: Arc<Desk>,
    },
}

/// A link with its expressions compiled.
pub(crate) struct LiveLink {
    pub agent: AgentId,
    pub when: Option<Arc<Expression>>,
    pub session: Option<Arc<Expression>>,
    pub on_error: OnError,
    pub policy: Policy,
    pub debounce: Option<Debounce>,
    pub priority: Priority,
}

/// Everything configured, at one moment. Replaced whole when it changes.
#[derive(Default)]
pub struct LiveCatalog {
    pub projects: Vec<(ProjectId, Name)>,
    pub agents: BTreeMap<AgentId, Arc<LiveAgent>>,
    pub connectors: BTreeMap<ConnectorId, Arc<LiveConnector>>,
    /// Rows that are not removed, by name.
    agent_names: HashMap<(ProjectId, Name), AgentId>,
    connector_names: HashMap<(ProjectId, Name), ConnectorId>,
    /// Every row there ever was, for showing old runs and for carrying out what is left.
    agents_ever: HashMap<AgentId, Name>,
    connectors_ever: HashMap<ConnectorId, Origin>,
    /// The outbound connectors that take an agent's results, also of one that cannot be opened:
    /// it may still answer, and its runs be cancelled.
    outlets: HashMap<AgentId, Vec<ConnectorId>>,
}

/// What an agent is told of the connector that an event came in by. It is known also of one that
/// was removed, or that cannot be opened any more: its events still run.
pub(crate) struct Origin {
    pub name: Name,
    pub kind: String,
    pub mode: Mode,
}

impl LiveCatalog {
    #[must_use]
    pub fn project(&self, name: &str) -> Option<ProjectId> {
        self.projects
            .iter()
            .find(|(_, known)| known.as_str() == name)
            .map(|(id, _)| *id)
    }

    #[must_use]
    pub fn agent(&self, project: ProjectId, name: &Name) -> Option<&Arc<LiveAgent>> {
        self.agents
            .get(self.agent_names.get(&(project, name.clone()))?)
    }

    #[must_use]
    pub fn connector(&self, project: ProjectId, name: &Name) -> Option<&Arc<LiveConnector>> {
        self.connectors
            .get(self.connector_names.get(&(project, name.clone()))?)
    }

    /// By name.
    #[must_use]
    pub fn agents_of(&self, project: ProjectId) -> Vec<Arc<LiveAgent>> {
        let mut agents: Vec<_> = self
            .agents
            .values()
            .filter(|a| a.row.project == project)
            .cloned()
            .collect();
        agents.retain(|agent| !agent.row.removed);
        agents.sort_by(|a, b| a.row.name.cmp(&b.row.name));
        agents
    }

    /// By name.
    #[must_use]
    pub fn connectors_of(&self, project: ProjectId) -> Vec<Arc<LiveConnector>> {
        let mut connectors: Vec<_> = self
            .connectors
            .values()
            .filter(|c| c.row.project == project)
            .cloned()
            .collect();
        connectors.retain(|connector| !connector.row.removed);
        connectors.sort_by(|a, b| a.row.name.cmp(&b.row.name));
        connectors
    }

    /// The name of an agent, also of one that was removed.
    #[must_use]
    pub fn agent_name(&self, id: AgentId) -> Option<&Name> {
        self.agents_ever.get(&id)
    }

    /// The name of a connector, also of one that was removed.
    #[must_use]
    pub fn connector_name(&self, id: ConnectorId) -> Option<&Name> {
        self.origin(id).map(|origin| &origin.name)
    }

    /// The outbound connectors that take an agent's results.
    pub(crate) fn outlets_of(&self, agent: AgentId) -> &[ConnectorId] {
        self.outlets.get(&agent).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn origin(&self, id: ConnectorId) -> Option<&Origin> {
        self.connectors_ever.get(&id)
    }
}

impl LiveAgent {
    /// Whether its runs are held because it is not well.
    #[must_use]
    pub fn breaker(&self) -> BreakerView {
        self.desk.view()
    }
}

impl LiveConnector {
    /// Whether its deliveries are held because the destination is not well; `None` where it takes
    /// events.
    #[must_use]
    pub fn breaker(&self) -> Option<BreakerView> {
        match &self.role {
            LiveRole::Sink { desk, .. } => Some(desk.view()),
            LiveRole::Endpoint(_) => None,
        }
    }
}

impl fmt::Debug for LiveCatalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveCatalog")
            .field("agents", &self.agents.len())
            .field("connectors", &self.connectors.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for LiveAgent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveAgent")
            .field("name", &self.row.name)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for LiveConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveConnector")
            .field("name", &self.row.name)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for LiveRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Endpoint(_) => "Endpoint",
            Self::Sink { .. } => "Sink",
        })
    }
}
