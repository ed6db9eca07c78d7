//! How a row of the catalogue is written and read.
//!
//! What may hold a secret is sealed: `connectors.secrets`, and the `settings` of both tables. Each is
//! sealed for the name of its row, which a replaced row keeps.

use std::time::Duration;

use rusqlite::{Connection, Row, params};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tieline_model::quantity::Rate;
use tieline_model::{
    Agent, AgentId, Connector, ConnectorId, DatedSecret, ManagedBy, Mode, Name, ProjectId, Secret,
    Timestamp,
};
use tieline_vault::{DataKey, Place, Vault};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::rows::{self, pick, place};
use crate::sealed::{AGENT_SETTINGS, CONNECTOR_SECRETS, CONNECTOR_SETTINGS, Source};

const MODES: [Mode; 3] = [Mode::Inbound, Mode::Sync, Mode::Outbound];
const MANAGERS: [ManagedBy; 2] = [ManagedBy::File, ManagedBy::Api];

pub(super) const SELECT_AGENTS: &str = "SELECT id, project, name, runtime, timeout_ms, \
     concurrency, retry, settings, managed_by, paused, removed, session_concurrency, rate, \
     queue_ttl_ms FROM agents ORDER BY id";

pub(super) const SELECT_CONNECTORS: &str = "SELECT id, project, name, kind, mode, secrets, \
     links, settings, managed_by, paused, removed, concurrency, rate FROM connectors ORDER BY id";

/// An agent without its settings, and those sealed.
pub(super) struct SealedAgent {
    agent: Agent,
    settings: Vec<u8>,
}

impl SealedAgent {
    pub(super) fn open(self, vault: &Vault) -> Result<Agent, Failure> {
        let mut agent = self.agent;
        let place = AGENT_SETTINGS.at(agent.project, agent.name.as_str().as_bytes());
        agent.settings = opened(vault, &place, self.settings)?;
        Ok(agent)
    }
}

pub(super) fn seal_agent(key: &DataKey, project: ProjectId, agent: &Agent) -> Vec<u8> {
    let place = AGENT_SETTINGS.at(project, agent.name.as_str().as_bytes());
    sealed(key, &place, &agent.settings)
}

pub(super) fn agent(from: &Source<'_>, row: &Row<'_>) -> Result<SealedAgent, Failure> {
    let agent = Agent {
        id: AgentId(row.get(0)?),
        project: ProjectId(row.get(1)?),
        name: name(row)?,
        runtime: row.get(3)?,
        timeout: Duration::from_millis(rows::count(row, 4)?),
        concurrency: row.get(5)?,
        retry: parsed(row, 6)?,
        settings: Map::new(),
        managed_by: pick(&MANAGERS, row.get(8)?)?,
        paused: row.get(9)?,
        removed: row.get(10)?,
        session_concurrency: row.get(11)?,
        rate: rate(row, 12)?,
        queue_ttl: ttl(row, 13)?,
    };
    let settings = there(from.value(row, 7)?)?;
    Ok(SealedAgent { agent, settings })
}

/// Replaces the row of an id, or adds one where there is none.
pub(super) fn put_agent(
    connection: &Connection,
    (id, project): (Option<i64>, ProjectId),
    (agent, settings): (&Agent, &[u8]),
) -> Result<(), Failure> {
    let put = "INSERT OR REPLACE INTO agents (id, project, name, runtime, timeout_ms, \
               concurrency, retry, settings, managed_by, paused, session_concurrency, rate, \
               queue_ttl_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
    connection.prepare_cached(put)?.execute(params![
        id,
        project.0,
        agent.name.as_str(),
        agent.runtime,
        millis(agent.timeout),
        agent.concurrency,
        json(&agent.retry),
        settings,
        place(&MANAGERS, agent.managed_by),
        agent.paused,
        agent.session_concurrency,
        agent.rate.map(|rate| rate.to_string()),
        agent.queue_ttl.map(millis),
    ])?;
    Ok(())
}

/// The parts of a connector that are sealed.
pub(super) struct SealedParts {
    secrets: Vec<u8>,
    settings: Vec<u8>,
}

/// A connector without its secrets and settings, and those sealed.
pub(super) struct SealedConnector {
    connector: Connector,
    parts: SealedParts,
}

impl SealedConnector {
    pub(super) fn open(self, vault: &Vault) -> Result<Connector, Failure> {
        let mut connector = self.connector;
        let (project, name) = (connector.project, connector.name.clone());
        let name = name.as_str().as_bytes();
        let secrets = CONNECTOR_SECRETS.at(project, name);
        let secrets: Vec<StoredSecret> = opened(vault, &secrets, self.parts.secrets)?;
        connector.secrets = secrets.into_iter().map(StoredSecret::read).collect();
        let settings = CONNECTOR_SETTINGS.at(project, name);
        connector.settings = opened(vault, &settings, self.parts.settings)?;
        Ok(connector)
    }
}

pub(super) fn seal_connector(
    key: &DataKey,
    project: ProjectId,
    connector: &Connector,
) -> SealedParts {
    let name = connector.name.as_str().as_bytes();
    let secrets: Vec<Value> = connector.secrets.iter().map(stored).collect();
    SealedParts {
        secrets: sealed(key, &CONNECTOR_SECRETS.at(project, name), &secrets),
        settings: sealed(
            key,
            &CONNECTOR_SETTINGS.at(project, name),
            &connector.settings,
        ),
    }
}

pub(super) fn connector(from: &Source<'_>, row: &Row<'_>) -> Result<SealedConnector, Failure> {
    let connector = Connector {
        id: ConnectorId(row.get(0)?),
        project: ProjectId(row.get(1)?),
        name: name(row)?,
        kind: row.get(3)?,
        mode: pick(&MODES, row.get(4)?)?,
        secrets: Vec::new(),
        links: parsed(row, 6)?,
        settings: Map::new(),
        managed_by: pick(&MANAGERS, row.get(8)?)?,
        paused: row.get(9)?,
        removed: row.get(10)?,
        concurrency: row.get(11)?,
        rate: rate(row, 12)?,
    };
    let parts = SealedParts {
        secrets: there(from.value(row, 5)?)?,
        settings: there(from.value(row, 7)?)?,
    };
    Ok(SealedConnector { connector, parts })
}

/// Replaces the row of an id, or adds one where there is none.
pub(super) fn put_connector(
    connection: &Connection,
    (id, project): (Option<i64>, ProjectId),
    (connector, parts): (&Connector, &SealedParts),
) -> Result<(), Failure> {
    let put = "INSERT OR REPLACE INTO connectors (id, project, name, kind, mode, secrets, \
               links, settings, managed_by, paused, concurrency, rate) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    connection.prepare_cached(put)?.execute(params![
        id,
        project.0,
        connector.name.as_str(),
        connector.kind,
        place(&MODES, connector.mode),
        parts.secrets,
        json(&connector.links),
        parts.settings,
        place(&MANAGERS, connector.managed_by),
        connector.paused,
        connector.concurrency,
        connector.rate.map(|rate| rate.to_string()),
    ])?;
    Ok(())
}

/// A secret as it stands in its column.
#[derive(Deserialize)]
struct StoredSecret {
    secret: Secret,
    not_before: Option<i64>,
    not_after: Option<i64>,
}

impl StoredSecret {
    fn read(self) -> DatedSecret {
        DatedSecret {
            secret: self.secret,
            not_before: self.not_before.map(Timestamp::from_millis),
            not_after: self.not_after.map(Timestamp::from_millis),
        }
    }
}

fn stored(one: &DatedSecret) -> Value {
    json!({
        "secret": one.expose(),
        "not_before": one.not_before.map(Timestamp::as_millis),
        "not_after": one.not_after.map(Timestamp::as_millis),
    })
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

fn ttl(row: &Row<'_>, column: usize) -> Result<Option<Duration>, Failure> {
    let ms: Option<i64> = row.get(column)?;
    let ttl = |ms| u64::try_from(ms).map(Duration::from_millis);
    let ttl = ms.map(ttl).transpose();
    ttl.map_err(|_| Failure::Damaged("a length of time is negative"))
}

fn rate(row: &Row<'_>, column: usize) -> Result<Option<Rate>, Failure> {
    let text: Option<String> = row.get(column)?;
    let rate = text.map(|text| text.parse()).transpose();
    rate.map_err(|_| Failure::Damaged("a rate cannot be read"))
}

fn name(row: &Row<'_>) -> Result<Name, Failure> {
    let text: String = row.get(2)?;
    Name::new(&text).map_err(|_| Failure::Damaged("a row of the catalogue has no name"))
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("it has string keys and no failing part")
}

/// What is written in JSON, sealed; the text is wiped.
fn sealed(key: &DataKey, place: &Place<'_>, value: &impl Serialize) -> Vec<u8> {
    let text = Zeroizing::new(json(value));
    key.seal(place, &[text.as_bytes()])
}

/// The cause is left out of the failure: it may quote a secret.
fn opened<T: DeserializeOwned>(
    vault: &Vault,
    place: &Place<'_>,
    sealed: Vec<u8>,
) -> Result<T, Failure> {
    let text = vault.open(place, sealed);
    let text = text.ok_or(Failure::Damaged("a row of the catalogue does not open"))?;
    serde_json::from_slice(&text)
        .map_err(|_| Failure::Damaged("a row of the catalogue cannot be read"))
}

fn there(value: Option<Vec<u8>>) -> Result<Vec<u8>, Failure> {
    value.ok_or(Failure::Damaged("a row of the catalogue has lost a part"))
}

/// The cause is left out of the failure: it may quote a secret.
fn parsed<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<T, Failure> {
    let text = row.get_ref(column)?.as_str();
    let text = text.map_err(|_| Failure::Damaged("a row of the catalogue is no text"))?;
    serde_json::from_str(text)
        .map_err(|_| Failure::Damaged("a row of the catalogue cannot be read"))
}
