//! Runs and deliveries as `/v1` shows them, for what a round demands beside the laws.

use std::time::Duration;

use anyhow::Result;
use jiff::Timestamp;
use serde::Deserialize;
use uuid::Uuid;

use crate::view::Client;

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Run {
    #[serde(rename = "run_id")]
    pub(crate) id: Uuid,
    pub(crate) agent_name: String,
    pub(crate) status: String,
    pub(crate) attempt: u32,
    pub(crate) error: Option<Reason>,
    pub(crate) queued_at: Timestamp,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) ended_at: Option<Timestamp>,
    #[serde(default)]
    pub(crate) dead_letter: bool,
    /// The run that took its place.
    pub(crate) into: Option<Uuid>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Delivery {
    #[serde(rename = "delivery_id")]
    pub(crate) id: Uuid,
    pub(crate) run_id: Uuid,
    pub(crate) connector: String,
    pub(crate) status: String,
    pub(crate) created_at: Timestamp,
    pub(crate) ended_at: Option<Timestamp>,
    /// When its next attempt may begin.
    pub(crate) due_at: Option<Timestamp>,
    /// Only where one delivery is asked for.
    #[serde(default)]
    pub(crate) attempts: Vec<Attempt>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Attempt {
    pub(crate) started_at: Timestamp,
    pub(crate) ended_at: Timestamp,
    /// The HTTP status, where there was one.
    pub(crate) status: Option<u16>,
    pub(crate) error: Option<Reason>,
    /// The first bytes of the answer.
    pub(crate) response: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Reason {
    pub(crate) code: String,
}

impl Delivery {
    /// From the end of its run to its own, where it has ended.
    pub(crate) fn took(&self) -> Option<Duration> {
        let took = self.ended_at?.duration_since(self.created_at);
        Some(took.unsigned_abs())
    }
}

impl Run {
    /// The code of its error; empty where it has none.
    pub(crate) fn code(&self) -> &str {
        self.error.as_ref().map_or("", |error| &error.code)
    }

    /// From its acknowledgement to its end, where it has ended.
    pub(crate) fn took(&self) -> Option<Duration> {
        let took = self.ended_at?.duration_since(self.queued_at);
        Some(took.unsigned_abs())
    }

    /// From its acknowledgement to its first start, where it has begun.
    pub(crate) fn wait(&self) -> Option<Duration> {
        let wait = self.started_at?.duration_since(self.queued_at);
        Some(wait.unsigned_abs())
    }
}

/// All runs, newest first.
pub(crate) async fn runs(client: &mut Client) -> Result<Vec<Run>> {
    let mut runs = Vec::new();
    client.all("runs", |run: Run| runs.push(run)).await?;
    Ok(runs)
}

/// All deliveries, newest first.
pub(crate) async fn deliveries(client: &mut Client) -> Result<Vec<Delivery>> {
    let mut deliveries = Vec::new();
    let take = |delivery: Delivery| deliveries.push(delivery);
    client.all("deliveries", take).await?;
    Ok(deliveries)
}
