//! Sink: a connector's role that carries results outside.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tieline_model::{DatedSecret, DeliveryId, EventId, Name, RunError, RunId, RunState, Timestamp};

use crate::{Fault, Problems, Settings};

/// Carries results of finished runs to the outside world, at least once.
pub trait Sink: Sized + Send + Sync + 'static {
    type Settings: Settings;

    /// Reads the settings once; what is wrong with them comes back field by field.
    fn open(settings: Self::Settings, context: &SinkContext) -> Result<Self, Problems>;

    /// Which results it takes.
    fn wanted(&self) -> &Wanted;

    /// What is delivered: fixed when the delivery is created, the same at every attempt. Pure.
    fn body(&self, result: &RunResult) -> Result<Bytes, Fault>;

    /// One attempt. `Ok` only for the destination's own acknowledgement.
    fn deliver(&self, outgoing: &Outgoing) -> impl Future<Output = Result<Receipt, Fault>> + Send;
}

/// What a sink is opened with beside its settings.
#[derive(Clone, Debug)]
pub struct SinkContext {
    pub connector: Name,
    /// Newest first: all that are good at the time of an attempt sign it.
    pub secrets: Vec<DatedSecret>,
    /// The client for the outside.
    pub egress: Arc<tieline_egress::Client>,
}

/// Which results a sink takes.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Final states.
    pub on: Vec<RunState>,
    /// Only runs of events that came in by these connectors; empty for all.
    pub from: Vec<Name>,
}

/// A run that ended.
#[derive(Clone, Debug)]
pub struct RunResult {
    pub run_id: RunId,
    pub agent_name: Name,
    pub status: RunState,
    /// JSON text.
    pub output: Option<Bytes>,
    pub error: Option<RunError>,
    pub event_id: EventId,
    /// The connector that the event came in by.
    pub connector: Name,
    pub started_at: Option<Timestamp>,
    pub ended_at: Timestamp,
    /// The attempt that gave this outcome.
    pub attempt: u32,
    /// JSON text, as the agent reported it.
    pub usage: Option<Bytes>,
}

/// One attempt of a delivery.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// The same at every attempt: the destination's idempotency key.
    pub id: DeliveryId,
    pub body: Bytes,
    /// From 1.
    pub attempt: u32,
    /// When this attempt began, for the signature.
    pub now: Timestamp,
    /// How much time is left for it at the most; a sink may take less.
    pub timeout: Duration,
}

/// The destination's acknowledgement.
#[derive(Clone, Debug, Default)]
pub struct Receipt {
    /// The status that it answered with, where it speaks HTTP.
    pub status: Option<u16>,
    /// The first bytes of its answer, as text.
    pub response: Option<String>,
}
