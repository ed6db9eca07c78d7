//! What the hub itself says, through `/v1` and `/metrics`: read once, after everything is quiet.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::time::timeout;
use uuid::Uuid;

use crate::hub::ADMIN_KEY;
use crate::message::{Line, Message, request};
use crate::record::Hash;

const ANSWER_MAX: Duration = Duration::from_mins(1);
/// What is listed on one page.
const PAGE: usize = 250;

/// The hub's view, in the shapes that the checker needs.
#[derive(Clone, Debug, Default)]
pub(crate) struct View {
    pub(crate) events: Vec<Uuid>,
    pub(crate) runs: Vec<RunRow>,
    pub(crate) deliveries: Vec<DeliveryRow>,
    /// The sums of the counters over their labels, `name{status}` where they have one.
    pub(crate) counters: HashMap<String, u64>,
}

#[derive(Clone, Debug)]
pub(crate) struct RunRow {
    pub(crate) run: Uuid,
    pub(crate) event: Uuid,
    pub(crate) agent: String,
    pub(crate) status: String,
    pub(crate) output: Hash,
    pub(crate) attempt: u32,
    /// Milliseconds since 1970; 0 where it has not ended.
    pub(crate) queued: i64,
    pub(crate) ended: i64,
}

#[derive(Clone, Debug)]
pub(crate) struct DeliveryRow {
    pub(crate) delivery: Uuid,
    pub(crate) run: Uuid,
    pub(crate) status: String,
    pub(crate) created: i64,
    pub(crate) ended: i64,
}

/// A client of `/v1`.
#[derive(Debug)]
pub(crate) struct Client(Line);

impl Client {
    pub(crate) const fn new(hub: SocketAddr) -> Self {
        Self(Line::new(hub))
    }

    async fn call(&mut self, line: &str) -> Result<Message> {
        let key = format!("Bearer {ADMIN_KEY}");
        let request = request(line, &[("authorization", &key)], b"");
        let answer = timeout(ANSWER_MAX, self.0.call(&request)).await;
        answer.with_context(|| format!("{line} is not answered within {ANSWER_MAX:?}"))?
    }

    /// Reads one thing.
    pub(crate) async fn get<T: DeserializeOwned>(&mut self, path: &str) -> Result<T> {
        let answer = self.call(&format!("GET {path}")).await?;
        let status = answer.status()?;
        ensure!(status == 200, "{path} answers {status}");
        serde_json::from_slice(&answer.body).with_context(|| format!("failed to read {path}"))
    }

    /// Carries out an action; its answer must be 2xx.
    pub(crate) async fn act(&mut self, path: &str) -> Result<()> {
        let status = self.call(&format!("POST {path}")).await?.status()?;
        ensure!((200..300).contains(&status), "{path} answers {status}");
        Ok(())
    }

    /// What is at a path: its status and its text.
    pub(crate) async fn show(&mut self, path: &str) -> Result<(u16, String)> {
        let answer = self.call(&format!("GET {path}")).await?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        Ok((answer.status()?, text))
    }

    /// Whether a list has a row in one of these states.
    pub(crate) async fn has_any(&mut self, list: &str, states: &[&str]) -> Result<bool> {
        for state in states {
            let path = format!("/v1/{list}?status={state}&limit=1");
            let page: Page<Box<RawValue>> = self.get(&path).await?;
            if !page.data.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Gives deliveries that wait for their next attempt that attempt now.
    pub(crate) async fn redrive_waiting(&mut self) -> Result<u64> {
        let path = format!("/v1/deliveries?status=waiting&limit={PAGE}");
        let page: Page<ListedDelivery> = self.get(&path).await?;
        let mut redriven = 0;
        for delivery in &page.data {
            let id = delivery.delivery_id;
            // It may have gone on by itself meanwhile.
            let done = self.act(&format!("/v1/deliveries/{id}/redrive")).await;
            redriven += u64::from(done.is_ok());
        }
        Ok(redriven)
    }

    /// Gives everything on a list to `take`, newest first.
    pub(crate) async fn all<T: DeserializeOwned>(
        &mut self,
        list: &str,
        mut take: impl FnMut(T),
    ) -> Result<()> {
        let mut cursor = String::new();
        loop {
            let path = format!("/v1/{list}?limit={PAGE}{cursor}");
            let page: Page<T> = self.get(&path).await?;
            page.data.into_iter().for_each(&mut take);
            let Some(next) = page.next_cursor else {
                return Ok(());
            };
            cursor = format!("&cursor={next}");
        }
    }

    /// Reads everything.
    pub(crate) async fn view(&mut self) -> Result<View> {
        let mut view = View::default();
        let events = &mut view.events;
        self.all("events", |event: Event| events.push(event.event_id))
            .await?;
        let runs = &mut view.runs;
        self.all("runs", |run: ListedRun| runs.push(run.row()))
            .await?;
        let deliveries = &mut view.deliveries;
        self.all("deliveries", |delivery: ListedDelivery| {
            deliveries.push(delivery.row());
        })
        .await?;
        let metrics = self.call("GET /metrics").await?;
        view.counters = counters(std::str::from_utf8(&metrics.body)?);
        Ok(view)
    }
}

#[derive(Debug, Deserialize)]
struct Page<T> {
    data: Vec<T>,
    next_cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Event {
    event_id: Uuid,
}

#[derive(Debug, Deserialize)]
struct ListedRun {
    run_id: Uuid,
    event_id: Uuid,
    agent_name: String,
    status: String,
    output: Option<Box<RawValue>>,
    attempt: u32,
    queued_at: Timestamp,
    ended_at: Option<Timestamp>,
}

impl ListedRun {
    fn row(self) -> RunRow {
        let output = self.output.as_ref().map_or("null", |output| output.get());
        RunRow {
            run: self.run_id,
            event: self.event_id,
            agent: self.agent_name,
            status: self.status,
            output: Hash::of(output.as_bytes()),
            attempt: self.attempt,
            queued: self.queued_at.as_millisecond(),
            ended: self.ended_at.map_or(0, Timestamp::as_millisecond),
        }
    }
}

#[derive(Debug, Deserialize)]
struct ListedDelivery {
    delivery_id: Uuid,
    run_id: Uuid,
    status: String,
    created_at: Timestamp,
    ended_at: Option<Timestamp>,
}

impl ListedDelivery {
    fn row(self) -> DeliveryRow {
        DeliveryRow {
            delivery: self.delivery_id,
            run: self.run_id,
            status: self.status,
            created: self.created_at.as_millisecond(),
            ended: self.ended_at.map_or(0, Timestamp::as_millisecond),
        }
    }
}

/// The samples of the Prometheus text format, by name, and by name and status.
fn counters(text: &str) -> HashMap<String, u64> {
    let mut counters = HashMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some((series, value)) = line.rsplit_once(' ') else {
            continue;
        };
        let Ok(value) = value.parse::<u64>() else {
            continue;
        };
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        *counters.entry(name.to_owned()).or_default() += value;
        if let Some((_, status)) = labels.split_once("status=\"") {
            let status = status.split('"').next().unwrap_or_default();
            *counters.entry(format!("{name}{{{status}}}")).or_default() += value;
        }
    }
    counters
}

#[cfg(test)]
mod tests;
