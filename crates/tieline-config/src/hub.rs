//! The settings of the hub itself: everything in a file beside agents and connectors.

mod tls;
mod vault;

use std::net::SocketAddr;
use std::time::Duration;

use ipnet::IpNet;
use schemars::{JsonSchema, Schema, schema_for};
use serde::Deserialize;
use serde_json::{Map, Value};
use tieline_contract::Problems;
use tieline_contract::settings::{join_path, walk};
use tieline_model::Secret;
use tieline_model::quantity::Span;
use url::Url;

pub use self::tls::{ClientCertificates, TlsSettings};
pub use self::vault::VaultSettings;

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
    /// How long bodies, outputs and files are kept after the end of their event.
    pub retention_bodies: Span,
    /// How long events, runs, attempts and deliveries are kept.
    pub retention_rows: Span,
    /// Private networks that outbound connectors may reach.
    pub egress_allow: Vec<IpNet>,
    /// Where agents may stand.
    pub egress_agents: AgentReach,
    /// Where the master key comes from.
    pub vault: Option<VaultSettings>,
    /// What both listeners speak TLS with.
    pub tls: Option<TlsSettings>,
    /// Whether plain HTTP may be spoken beyond this machine.
    pub plain_http: bool,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
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
    /// How long what has ended is kept.
    retention: RetentionFields,
    /// Where the hub may connect to.
    egress: EgressFields,
    /// Where the key comes from by which everything is sealed. A change needs a restart.
    #[schemars(with = "VaultSettings")]
    vault: Option<VaultSettings>,
    /// TLS on the hub's own listeners. A change needs a restart; what is in the files does not.
    #[schemars(with = "TlsSettings")]
    tls: Option<TlsSettings>,
    /// Allows plain HTTP on addresses beyond this machine: for a hub behind a proxy that speaks TLS.
    /// A change needs a restart.
    plain_http: bool,
    /// Proxies whose `X-Forwarded-For` is believed, as networks: `10.0.0.0/8`.
    trusted_proxies: Vec<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct ShutdownFields {
    /// How long running work may take to finish.
    grace: Span,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct RetentionFields {
    /// How long bodies, outputs and files are kept after their event has ended.
    bodies: Span,
    /// How long events, runs, attempts and deliveries are kept after their event has ended: at
    /// least `4d`, so that a repeated key finds its event, and no less than `bodies`.
    rows: Span,
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

const DAY: Duration = Duration::from_hours(24);

/// The least that rows are kept: longer than a dedupe key stands.
const ROWS_MIN: Duration = DAY.saturating_mul(4);

impl Default for RetentionFields {
    fn default() -> Self {
        Self {
            bodies: Span(DAY * 7),
            rows: Span(DAY * 30),
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
            retention_bodies: RetentionFields::default().bodies,
            retention_rows: RetentionFields::default().rows,
            egress_allow: Vec::new(),
            egress_agents: AgentReach::default(),
            vault: None,
            tls: None,
            plain_http: false,
            trusted_proxies: Vec::new(),
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
    let allow = networks("egress.allow", allow, problems);
    let proxies = value.get("trusted_proxies").and_then(Value::as_array);
    let trusted_proxies = networks("trusted_proxies", proxies, problems);
    tls::check(value.get("tls"), problems);
    vault::check(value.get("vault"), problems);
    retention(&value, problems);
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
            retention_bodies: fields.retention.bodies,
            retention_rows: fields.retention.rows,
            egress_allow: allow,
            egress_agents: fields.egress.agents,
            vault: fields.vault,
            tls: fields.tls,
            plain_http: fields.plain_http,
            trusted_proxies,
        },
        Err(error) => {
            problems.add(&error.path().to_string(), error.inner().to_string());
            HubSettings::default()
        }
    }
}

/// Checks what the schema cannot express.
fn retention(value: &Value, problems: &mut Problems) {
    let written = |name: &str| {
        let text = value.pointer(&format!("/retention/{name}"))?.as_str()?;
        text.parse::<Span>().ok()
    };
    let default = RetentionFields::default();
    let rows = written("rows").unwrap_or(default.rows);
    if rows.0 < ROWS_MIN {
        problems.add_with_fix("retention.rows", "is too short", "write at least `4d`");
    } else if written("bodies").unwrap_or(default.bodies) > rows {
        let fix = "write at most as much as `rows`, or more for `rows`";
        problems.add_with_fix("retention.bodies", "is longer than `rows`", fix);
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

fn networks(path: &str, written: Option<&Vec<Value>>, problems: &mut Problems) -> Vec<IpNet> {
    let mut networks = Vec::new();
    for (n, text) in written.into_iter().flatten().enumerate() {
        // What is no text has its problem already.
        let Some(text) = text.as_str() else { continue };
        if let Ok(network) = text.parse() {
            networks.push(network);
        } else {
            let path = join_path(path, &format!("[{n}]"));
            let fix = "write it as in `10.0.0.0/8`, one machine as in `10.0.0.1/32`";
            problems.add_with_fix(&path, "is no network", fix);
        }
    }
    networks
}
