//! What goes into the queue, what is claimed from it, and how claims end.

use bytes::Bytes;
use tieline_model::{
    AgentId, Attempt, ConnectorId, Delivery, DeliveryId, DeliveryState, Event, EventFile, EventId,
    NodeId, ProjectId, Reason, Run, RunError, RunId, RunState, Timestamp, Trust,
};

/// Counts the claims of one row; a write that names an older one changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Epoch(pub u32);

/// An event with its runs and files, to be stored in one commit.
#[derive(Clone, Debug)]
pub struct NewEvent {
    pub id: EventId,
    pub project: ProjectId,
    pub connector: ConnectorId,
    pub received_at: Timestamp,
    pub trust: Trust,
    pub input: Bytes,
    pub meta: Bytes,
    pub files: Vec<NewFile>,
    pub dedupe: Option<Dedupe>,
    pub filtered: bool,
    /// In link order.
    pub runs: Vec<NewRun>,
}

#[derive(Clone, Debug)]
pub struct NewFile {
    pub file: EventFile,
    pub content: Bytes,
}

/// What makes two arrivals the same event.
#[derive(Clone, Debug)]
pub struct Dedupe {
    /// Unique in its connector.
    pub key: String,
    /// SHA-256 of the raw body (GET: of the query string).
    pub digest: [u8; 32],
    pub expires_at: Timestamp,
}

/// A run to be queued. `error` is set for a run that is held from the start.
#[derive(Clone, Debug)]
pub struct NewRun {
    pub id: RunId,
    pub agent: AgentId,
    pub session: Option<String>,
    /// Why it is held, where its condition or session expression failed; else it is queued.
    pub held: Option<RunError>,
}

/// What became of one event given to [`crate::Store::accept`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acceptance {
    Stored,
    /// The same key and body came before (in the same call, too): the first one's ids.
    Duplicate {
        event: EventId,
        runs: Vec<RunId>,
        filtered: bool,
    },
    /// The same key came before with another body.
    Conflict,
}

/// A time-limited hold on rows, for one node.
#[derive(Clone, Copy, Debug)]
pub struct Lease {
    pub node: NodeId,
    pub now: Timestamp,
    pub until: Timestamp,
}

/// Asks for due work, oldest due first.
#[derive(Clone, Copy, Debug)]
pub struct Claim<Of> {
    /// The agent (of runs) or the outbound connector (of deliveries).
    pub of: Of,
    pub limit: u32,
    pub lease: Lease,
}

/// What a claim brought.
#[derive(Clone, Debug)]
pub struct Claims<T> {
    pub rows: Vec<T>,
    /// When the earliest row that is not due yet becomes due, where fewer than the limit came;
    /// queued rows are always due.
    /// The end of a lease counts, also of one that this claim began.
    pub next_due: Option<Timestamp>,
}

/// A run in hand, with its attempt already counted.
#[derive(Clone, Debug)]
pub struct ClaimedRun {
    pub run: Run,
    pub epoch: Epoch,
    pub event: Event,
}

/// A delivery in hand, with its attempt already counted.
#[derive(Clone, Debug)]
pub struct ClaimedDelivery {
    pub delivery: Delivery,
    pub epoch: Epoch,
}

/// How an attempt of a run ended.
#[derive(Clone, Debug)]
pub struct SettleRun {
    pub run: RunId,
    /// `None` for an act from outside (a cancel) that holds whoever has the lease.
    pub epoch: Option<Epoch>,
    pub now: Timestamp,
    pub outcome: RunOutcome,
    /// For the journal; the last attempt of a completed run needs none.
    pub attempt: Option<Attempt>,
    /// Created in the same commit, only where the run ends by it.
    pub deliveries: Vec<NewDelivery>,
}

/// What a run becomes.
#[derive(Clone, Debug)]
pub enum RunOutcome {
    Ended {
        /// `Completed`, `Failed` or `Cancelled`.
        state: RunState,
        output: Option<Bytes>,
        error: Option<RunError>,
        usage: Option<Bytes>,
        dead_letter: bool,
    },
    /// Tried again when due, or waiting for an answer (`due_at` is then when that is given up).
    Again(Next),
}

/// When and why work goes on later.
#[derive(Clone, Debug)]
pub struct Next {
    pub reason: Reason,
    pub due_at: Timestamp,
    pub error: Option<RunError>,
    /// The attempt did not start: it is taken off the count, and the outage is counted instead.
    pub not_started: bool,
}

/// A result to be delivered through one outbound connector.
#[derive(Clone, Debug)]
pub struct NewDelivery {
    pub id: DeliveryId,
    pub connector: ConnectorId,
    pub body: Bytes,
    /// Why there is no body: the delivery is then `failed` from the start, and can be seen.
    pub failed: Option<RunError>,
}

/// What became of a settle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    Done,
    /// Another claim holds the run, or it has ended already: nothing changed.
    Fenced,
}

/// How an attempt of a delivery ended.
#[derive(Clone, Debug)]
pub struct SettleDelivery {
    pub delivery: DeliveryId,
    pub epoch: Option<Epoch>,
    pub now: Timestamp,
    pub outcome: DeliveryOutcome,
    pub attempt: Option<Attempt>,
}

/// What a delivery becomes.
#[derive(Clone, Debug)]
pub enum DeliveryOutcome {
    Ended {
        /// `Delivered`, `Failed` or `Cancelled`.
        state: DeliveryState,
        error: Option<RunError>,
    },
    Again(Next),
}

/// What an act from outside did to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Done,
    /// It exists, but its state does not allow the act.
    NotAllowed,
    NotFound,
}

/// How much has not ended: runs by agent and deliveries by outbound connector, by ascending id;
/// those with none are left out.
pub type OpenWork = (Vec<(AgentId, u64)>, Vec<(ConnectorId, u64)>);
