//! What goes into the queue, what is claimed from it, and how claims end.

use std::time::Duration;

use bytes::Bytes;
use tieline_model::{
    AgentId, Attempt, ConnectorId, Delivery, DeliveryId, DeliveryState, Event, EventFile, EventId,
    NodeId, Priority, ProjectId, Reason, Run, RunError, RunId, RunState, Timestamp, Trust,
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
    /// Gives its runs their place among the others; never goes back while the hub lives.
    pub queued_at: Timestamp,
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
    /// It is of one request with the event before it: where that one conflicts, this one does too.
    pub follows: bool,
}

/// A run to be queued. `error` is set for a run that is held from the start.
#[derive(Clone, Debug)]
pub struct NewRun {
    pub id: RunId,
    pub agent: AgentId,
    pub session: Option<String>,
    /// Why it is held, where its condition or session expression failed; else it is queued.
    /// One that is held stands in no line.
    pub held: Option<RunError>,
    pub priority: Priority,
    /// Where it has to wait for others.
    pub line: Option<Line>,
}

/// The runs of one agent that wait for each other, in the order of their commits.
///
/// At most `width` of a line's runs may be claimed or in hand at once; the others stand behind,
/// and come forward when one of those ends. None goes before one that stands behind already, also
/// where its own line is wider than that one's. A run that waits (for a retry, an answer, a person)
/// keeps its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Unique in its agent.
    pub key: String,
    pub policy: LinePolicy,
    /// At least 1.
    pub width: u32,
    pub debounce: Option<Debounce>,
}

/// What a new run does to those of its line that have not ended and came by the same connector.
///
/// Runs of the same event leave each other alone. One that takes the place of queued runs takes
/// their turn too: it is due when the earliest of them was. It stands where it came, at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinePolicy {
    /// Nothing: it waits for its turn.
    Queue,
    /// Takes the place of those that were never begun.
    Coalesce,
    /// Takes the place of all of them.
    Replace,
    /// Is not stored, nor is its event, where any run of the line (of whatever connector) has not
    /// ended.
    Reject,
}

/// When a new run becomes due: after `quiet`, but not later than `max_wait` after the first of
/// those whose place it takes, and at once where it is the `max_count`th.
///
/// It takes the place of those of its line and connector that wait with reason `debounce`; they
/// and those whose place they took are the ones that are counted. Until it is due, it waits with
/// that reason, since the first of them came; where it is due at once, it is queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Debounce {
    pub quiet: Duration,
    pub max_wait: Duration,
    pub max_count: u32,
}

/// What became of one event given to [`crate::Store::accept`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// With the runs whose place its own take. They can be claimed no more, and have `into` set;
    /// the hub is to cancel them ([`crate::Store::displaced_runs`] finds those it did not).
    Stored { displaced: Vec<RunId> },
    /// A line that refuses has a run already: nothing of the event was stored, its key neither.
    Busy,
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

/// Asks for due work, the highest priority and the oldest due first.
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

/// What a write did, and what was claimed in its commit.
#[derive(Clone, Debug)]
pub struct Written<Done, Row> {
    pub done: Done,
    /// One for each claim that was asked for, in order.
    pub claims: Vec<Claims<Row>>,
}

/// A run in hand, with its attempt already counted.
#[derive(Clone, Debug)]
pub struct ClaimedRun {
    pub run: Run,
    pub epoch: Epoch,
    /// Its input may be erased or damaged: look at `kept` before it is used.
    pub event: Event,
}

/// A delivery in hand, with its attempt already counted.
#[derive(Clone, Debug)]
pub struct ClaimedDelivery {
    pub delivery: Delivery,
    pub epoch: Epoch,
}

/// In which hands a run may be for a settle to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fence {
    /// Those of the last claim: it is `running`, or waits for an answer, with this epoch.
    Claim(Epoch),
    /// Anybody's, as long as it has not ended: an act from outside, such as a cancel.
    Open,
    /// Nobody's: it is queued or waits, and no claim has ever been counted (`attempt` is 0).
    NeverBegun,
}

/// How an attempt of a run ended.
#[derive(Clone, Debug)]
pub struct SettleRun {
    pub run: RunId,
    pub fence: Fence,
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
    /// Waits until a person releases or cancels it, reason `paused`.
    Paused { error: RunError },
}

/// When and why work goes on later.
#[derive(Clone, Debug)]
pub struct Next {
    pub reason: Reason,
    pub due_at: Timestamp,
    pub error: Option<RunError>,
    pub counts: Counts,
}

/// As what an attempt that did not end its run counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counts {
    /// As an attempt, which the claim has counted.
    Attempt,
    /// As an attempt that crashed.
    Crash,
    /// As none, because it did not start: it is taken off, and an outage is counted instead.
    Outage,
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

/// What is kept no longer.
#[derive(Clone, Copy, Debug)]
pub struct Retain {
    /// Bodies, outputs and files of events that ended before are erased.
    pub bodies_before: Timestamp,
    /// Events that ended before go whole, with their runs, attempts and deliveries.
    pub rows_before: Timestamp,
    /// How many events to look at, at the most.
    pub limit: u32,
}

/// What a [`crate::Store::retain`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retained {
    /// Events whose bodies were erased.
    pub bodies: u64,
    /// Events that went whole.
    pub rows: u64,
    /// There may be more to do at once.
    pub more: bool,
}

/// How much has not ended: runs by agent and deliveries by outbound connector, by ascending id;
/// those with none are left out.
pub type OpenWork = (Vec<(AgentId, u64)>, Vec<(ConnectorId, u64)>);
