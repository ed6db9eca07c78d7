//! What agents and connectors are opened with: the ways out, the folder, the environment.

use std::path::PathBuf;
use std::sync::Arc;

use tieline_config::{AgentReach, HubSettings};
use tieline_egress::{Client, Limits, Policy};
use tieline_engine::{Retention, Surroundings};

use crate::config::variable;

/// The variables of the hub's environment that commands see. Everything else may be a secret.
const VARIABLES: [&str; 5] = ["PATH", "HOME", "LANG", "TZ", "TMPDIR"];

/// The two ways out of the hub.
#[derive(Clone, Debug)]
pub(crate) struct Egress {
    /// To agents.
    pub(crate) agents: Arc<Client>,
    /// To the destinations of outbound connectors.
    pub(crate) outside: Arc<Client>,
}

impl Egress {
    /// Opens nothing yet.
    pub(crate) fn new(settings: &HubSettings) -> Self {
        let agents = Policy::Agents {
            public_only: settings.egress_agents == AgentReach::Public,
        };
        let outside = Policy::Outside {
            allow: settings.egress_allow.clone(),
        };
        Self {
            agents: Arc::new(Client::new(agents, Limits::default())),
            outside: Arc::new(Client::new(outside, Limits::default())),
        }
    }
}

/// Puts the surroundings together.
pub(crate) fn surroundings(settings: &HubSettings, folder: PathBuf) -> Surroundings {
    let egress = Egress::new(settings);
    let environment = VARIABLES
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), variable(name)?)))
        .collect();
    Surroundings {
        folder,
        environment,
        agents: egress.agents,
        outside: egress.outside,
        public_url: settings.public_url.clone(),
        retention: Retention {
            bodies: settings.retention_bodies.0,
            rows: settings.retention_rows.0,
        },
    }
}
