//! How a row of the catalogue is written and read: the one place that sees secrets in the file.
//!
//! They stand in `connectors.secrets` and among the `settings` of both tables.

use std::time::Duration;

use rusqlite::{Connection, Row, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tieline_model::key::ApiKey;
use tieline_model::quantity::Rate;
use tieline_model::{
    Agent, AgentId, Connector, ConnectorId, DatedSecret, ManagedBy, Mode, Name, ProjectId, Secret,
    Timestamp,
};

use crate::failure::Failure;
use crate::rows::{self, pick, place};

const MODES: [Mode; 3] = [Mode::Inbound, Mode::Sync, Mode::Outbound];
const MANAGERS: [ManagedBy; 2] = [ManagedBy::File, ManagedBy::Api];

pub(super) const SELECT_AGENTS: &str = "SELECT id, project, name, runtime, timeout_ms, \
     concurrency, retry, settings, managed_by, paused, removed, session_concurrency, rate, \
     queue_ttl_ms FROM agents ORDER BY id";

pub(super) const SELECT_CONNECTORS: &str = "SELECT id, project, name, kind, mode, secrets, \
     links, settings, managed_by, paused, removed, concurrency, rate FROM connectors ORDER BY id";

pub(super) fn agent(row: &Row<'_>) -> Result<Agent, Failure> {
    Ok(Agent {
        id: AgentId(row.get(0)?),
        project: ProjectId(row.get(1)?),
        name: name(row)?,
        runtime: row.get(3)?,
        timeout: Duration::from_millis(rows::count(row, 4)?),
        concurrency: row.get(5)?,
        retry: parsed(row, 6)?,
        settings: parsed(row, 7)?,
        managed_by: pick(&MANAGERS, row.get(8)?)?,
        paused: row.get(9)?,
        removed: row.get(10)?,
        session_concurrency: row.get(11)?,
        rate: rate(row, 12)?,
        queue_ttl: ttl(row, 13)?,
    })
}

/// Replaces the row of an id, or adds one where there is none.
pub(super) fn put_agent(
    connection: &Connection,
    (id, project): (Option<i64>, ProjectId),
    agent: &Agent,
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
        json(&agent.settings),
        place(&MANAGERS, agent.managed_by),
        agent.paused,
        agent.session_concurrency,
        agent.rate.map(|rate| rate.to_string()),
        agent.queue_ttl.map(millis),
    ])?;
    Ok(())
}

pub(super) fn connector(row: &Row<'_>) -> Result<Connector, Failure> {
    Ok(Connector {
        id: ConnectorId(row.get(0)?),
        project: ProjectId(row.get(1)?),
        name: name(row)?,
        kind: row.get(3)?,
        mode: pick(&MODES, row.get(4)?)?,
        secrets: parsed::<Vec<Secret>>(row, 5)?
            .into_iter()
            .map(DatedSecret::always)
            .collect(),
        links: parsed(row, 6)?,
        settings: parsed(row, 7)?,
        managed_by: pick(&MANAGERS, row.get(8)?)?,
        paused: row.get(9)?,
        removed: row.get(10)?,
        concurrency: row.get(11)?,
        rate: rate(row, 12)?,
    })
}

/// Replaces the row of an id, or adds one where there is none.
pub(super) fn put_connector(
    connection: &Connection,
    (id, project): (Option<i64>, ProjectId),
    connector: &Connector,
) -> Result<(), Failure> {
    let secrets: Vec<&str> = connector.secrets.iter().map(DatedSecret::expose).collect();
    let put = "INSERT OR REPLACE INTO connectors (id, project, name, kind, mode, secrets, \
               links, settings, managed_by, paused, concurrency, rate) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    connection.prepare_cached(put)?.execute(params![
        id,
        project.0,
        connector.name.as_str(),
        connector.kind,
        place(&MODES, connector.mode),
        json(&secrets),
        json(&connector.links),
        json(&connector.settings),
        place(&MANAGERS, connector.managed_by),
        connector.paused,
        connector.concurrency,
        connector.rate.map(|rate| rate.to_string()),
    ])?;
    Ok(())
}

pub(super) fn key(row: &Row<'_>) -> Result<ApiKey, Failure> {
    Ok(ApiKey {
        project: ProjectId(row.get(0)?),
        name: row.get(1)?,
        digest: row.get(2)?,
        scopes: parsed(row, 3)?,
        created_at: Timestamp::from_millis(row.get(4)?),
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

pub(super) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("it has string keys and no failing part")
}

/// The cause is left out of the failure: it may quote a secret.
fn parsed<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<T, Failure> {
    let text = row.get_ref(column)?.as_str();
    let text = text.map_err(|_| Failure::Damaged("a row of the catalogue is no text"))?;
    serde_json::from_str(text)
        .map_err(|_| Failure::Damaged("a row of the catalogue cannot be read"))
}
