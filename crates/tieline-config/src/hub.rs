//! The settings of the hub itself: everything in a file beside agents and connectors.

use std::net::SocketAddr;

use ipnet::IpNet;
use schemars::{JsonSchema, Schema, schema_for};
use serde::Deserialize;
use serde_json::{Map, Value};
use tieline_contract::Problems;
use tieline_contract::settings::{join_path, walk};
use tieline_model::Secret;
use tieline_model::quantity::Span;
use url::Url;

/// How the hub itself works. What is `None` was not said.
#[derive(Clone, Debug)]
pub struct HubSettings {
    /// Where connectors are reached.
    pub listen: Option<SocketAddr>,
    /// Where the management API is reached, when not beside the connectors.
    pub admin_listen: Option<SocketAddr>,
    /// A secret, because a database's address may hold a password.
    pub database: Option<Secret>,
    /// `http` or `https`, without a `/` at the end.
    pub public_url: Option<String>,
    /// How long running work may take to finish when the hub stops.
    pub shutdown_grace: Span,
    /// Private networks that outbound connectors may reach.
    pub egress_allow: Vec<IpNet>,
    /// Where agents may stand.
    pub egress_agents: AgentReach,
}

/// Where agents may stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AgentReach {
    /// On public and on private addresses.
    #[default]
    Private,
    /// On public addresses only.
    Public,
}

/// The settings as they are written, at the top of a file.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct HubFields {
    /// Where connectors are reached: an address and a port. A change needs a restart.
    listen: Option<String>,
    /// Moves the management API, metrics and the dashboard to an address of their own. A change
    /// needs a restart.
    admin_listen: Option<String>,
    /// The address of the database; left out, SQLite in the data folder. A change needs a restart.
    database: Option<Secret>,
    /// Where the hub is reached from outside: makes addresses in answers absolute.
    public_url: Option<String>,
    /// What happens when the hub stops.
    shutdown: ShutdownFields,
    /// Where the hub may connect to.
    egress: EgressFields,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct ShutdownFields {
    /// How long running work may take to finish.
    grace: Span,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct EgressFields {
    /// Private networks that outbound connectors may reach, over plain http too: `10.0.0.0/8`.
    allow: Vec<String>,
    /// Where agents may stand.
    agents: AgentReach,
}

impl Default for ShutdownFields {
    fn default() -> Self {
        Self {
            grace: Span::from_secs(30),
        }
    }
}

impl Default for HubSettings {
    fn default() -> Self {
        Self {
            listen: None,
            admin_listen: None,
            database: None,
            public_url: None,
            shutdown_grace: ShutdownFields::default().grace,
            egress_allow: Vec::new(),
            egress_agents: AgentReach::default(),
        }
    }
}

pub(crate) fn schema() -> Schema {
    schema_for!(HubFields)
}

/// Reads the settings. Where something is wrong, what comes back is not to be used.
pub(crate) fn read(fields: Map<String, Value>, problems: &mut Problems) -> HubSettings {
    let before = problems.iter().len();
    let value = Value::Object(fields);
    let schema = schema();
    walk(&schema, &value, problems);
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    let listen = text("listen").and_then(|t| address("listen", t, problems));
    let admin_listen = text("admin_listen").and_then(|t| address("admin_listen", t, problems));
    let public_url = text("public_url").and_then(|t| public_url(t, problems));
    let allow = value.pointer("/egress/allow").and_then(Value::as_array);
    let allow = networks(allow.map_or(&[], Vec::as_slice), problems);
    if problems.iter().len() != before {
        return HubSettings::default();
    }
    match serde_path_to_error::deserialize::<_, HubFields>(value) {
        Ok(fields) => HubSettings {
            listen,
            admin_listen,
            database: fields.database,
            public_url,
            shutdown_grace: fields.shutdown.grace,
            egress_allow: allow,
            egress_agents: fields.egress.agents,
        },
        Err(error) => {
            problems.add(&error.path().to_string(), error.inner().to_string());
            HubSettings::default()
        }
    }
}

fn address(path: &str, text: &str, problems: &mut Problems) -> Option<SocketAddr> {
    let address = text.parse().ok();
    if address.is_none() {
        let fix = "write an IP address and a port, as in `127.0.0.1:8080`";
        problems.add_with_fix(path, "is no address to listen on", fix);
    }
    address
}

fn public_url(text: &str, problems: &mut Problems) -> Option<String> {
    let usable = |url: &Url| {
        let plain = url.username().is_empty() && url.password().is_none();
        let bare = url.query().is_none() && url.fragment().is_none();
        matches!(url.scheme(), "http" | "https") && url.has_host() && plain && bare
    };
    let Some(url) = Url::parse(text).ok().filter(usable) else {
        let fix = "write it as in `https://hub.example.com`, without a query";
        problems.add_with_fix("public_url", "is no address of a hub", fix);
        return None;
    };
    Some(url.as_str().trim_end_matches('/').to_owned())
}

fn networks(written: &[Value], problems: &mut Problems) -> Vec<IpNet> {
    let mut networks = Vec::new();
    for (n, text) in written.iter().enumerate() {
        // What is no text has its problem already.
        let Some(text) = text.as_str() else { continue };
        if let Ok(network) = text.parse() {
            networks.push(network);
        } else {
            let path = join_path("egress.allow", &format!("[{n}]"));
            let fix = "write it as in `10.0.0.0/8`, one machine as in `10.0.0.1/32`";
            problems.add_with_fix(&path, "is no network", fix);
        }
    }
    networks
}
