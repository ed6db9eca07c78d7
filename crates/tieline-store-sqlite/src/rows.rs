//! How rows of the queue and the journal are read, and what their small numbers mean.

use bytes::Bytes;
use rusqlite::Row;
use tieline_model::{
    AgentId, Attempt, ConnectorId, Delivery, DeliveryId, DeliveryState, Event, EventId, Kept,
    Priority, ProjectId, Reason, Run, RunError, RunId, RunState, Timestamp, Trust,
};

use crate::failure::Failure;
use crate::sealed::{SealedAttempt, SealedDelivery, SealedError, SealedEvent, SealedRun, Source};

pub(crate) const QUEUED: i64 = 0;
pub(crate) const RUNNING: i64 = 1;
pub(crate) const WAITING: i64 = 2;
pub(crate) const FAILED: i64 = 4;

/// What [`run`] reads, of `runs r LEFT JOIN payloads p ON p.seq = r.result`.
pub(crate) const RUN: &str = "r.project, r.id, r.event, r.agent, r.session, r.state, r.reason, \
     r.waiting_since, r.attempt, r.outages, r.due_at, r.queued_at, r.started_at, r.ended_at, \
     r.error_code, r.error_message, p.sealed, r.result, r.dead_letter, r.epoch, r.connector, r.priority, r.crashes, r.into_run";

/// Where [`RUN`] has the epoch.
pub(crate) const RUN_EPOCH: usize = 19;

/// What [`delivery`] reads, of `deliveries d LEFT JOIN payloads p ON p.seq = d.payload`.
pub(crate) const DELIVERY: &str = "d.project, d.id, d.connector, d.run, d.event, d.state, \
     d.reason, d.waiting_since, d.attempt, d.due_at, d.created_at, d.ended_at, d.error_code, \
     d.error_message, p.sealed, d.payload, d.epoch";

/// Where [`DELIVERY`] has the epoch.
pub(crate) const DELIVERY_EPOCH: usize = 16;

/// What [`event`] reads, of `events e LEFT JOIN payloads p ON p.seq = e.payload`.
pub(crate) const EVENT: &str = "e.project, e.id, e.connector, e.received_at, e.trust, \
     e.filtered, p.sealed, e.payload, e.runs, e.replays, e.files";

pub(crate) fn run(from: &Source<'_>, row: &Row<'_>) -> Result<SealedRun, Failure> {
    let run = Run {
        project: ProjectId(row.get(0)?),
        id: RunId::from_bytes(row.get(1)?),
        event: EventId::from_bytes(row.get(2)?),
        agent: AgentId(row.get(3)?),
        connector: ConnectorId(row.get(20)?),
        session: None,
        priority: pick(&PRIORITIES, row.get(21)?)?,
        state: run_state(row.get(5)?)?,
        reason: reason(row, 6)?,
        waiting_since: time(row, 7)?,
        attempt: row.get(8)?,
        crashes: row.get(22)?,
        outages: row.get(9)?,
        due_at: time(row, 10)?,
        queued_at: Timestamp::from_millis(row.get(11)?),
        started_at: time(row, 12)?,
        ended_at: time(row, 13)?,
        error: None,
        output: None,
        usage: None,
        dead_letter: row.get(18)?,
        into: row.get::<_, Option<[u8; 16]>>(23)?.map(RunId::from_bytes),
        kept: Kept::Whole,
    };
    Ok(SealedRun {
        run,
        session: from.value(row, 4)?,
        error: error(from, row, 14)?,
        result: from.payload(row, 16)?,
    })
}

pub(crate) fn delivery(from: &Source<'_>, row: &Row<'_>) -> Result<SealedDelivery, Failure> {
    let delivery = Delivery {
        project: ProjectId(row.get(0)?),
        id: DeliveryId::from_bytes(row.get(1)?),
        connector: ConnectorId(row.get(2)?),
        run: RunId::from_bytes(row.get(3)?),
        event: EventId::from_bytes(row.get(4)?),
        state: delivery_state(row.get(5)?)?,
        reason: reason(row, 6)?,
        waiting_since: time(row, 7)?,
        attempt: row.get(8)?,
        due_at: time(row, 9)?,
        created_at: Timestamp::from_millis(row.get(10)?),
        ended_at: time(row, 11)?,
        error: None,
        body: Bytes::new(),
        kept: Kept::Whole,
    };
    Ok(SealedDelivery {
        delivery,
        error: error(from, row, 12)?,
        payload: from.payload(row, 14)?,
    })
}

/// An event without its files, and the ids of those.
pub(crate) fn event(
    from: &Source<'_>,
    row: &Row<'_>,
) -> Result<(SealedEvent, Vec<[u8; 16]>), Failure> {
    let runs = [ids(row, 8)?, ids(row, 9)?].concat();
    let event = Event {
        project: ProjectId(row.get(0)?),
        id: EventId::from_bytes(row.get(1)?),
        connector: ConnectorId(row.get(2)?),
        received_at: Timestamp::from_millis(row.get(3)?),
        trust: pick(&TRUSTS, row.get(4)?)?,
        filtered: row.get(5)?,
        input: Bytes::new(),
        meta: Bytes::new(),
        files: Vec::new(),
        runs: runs.into_iter().map(RunId::from_bytes).collect(),
        kept: Kept::Whole,
    };
    let sealed = SealedEvent {
        event,
        payload: from.payload(row, 6)?,
        files: Vec::new(),
    };
    Ok((sealed, ids(row, 10)?))
}

pub(crate) fn attempt(
    from: &Source<'_>,
    row: &Row<'_>,
    (project, owner): (ProjectId, [u8; 16]),
) -> Result<SealedAttempt, Failure> {
    let attempt = Attempt {
        number: row.get(0)?,
        started_at: Timestamp::from_millis(row.get(1)?),
        ended_at: Timestamp::from_millis(row.get(2)?),
        status: row.get(3)?,
        error: None,
        response: None,
    };
    Ok(SealedAttempt {
        project,
        owner,
        attempt,
        error: error(from, row, 4)?,
        response: from.value(row, 6)?,
    })
}

/// Ids one after the other in a blob; `NULL` is none.
pub(crate) fn ids(row: &Row<'_>, column: usize) -> Result<Vec<[u8; 16]>, Failure> {
    let blob = row.get_ref(column)?.as_blob_or_null();
    let blob = blob.map_err(|_| Failure::Damaged("a list of ids is no blob"))?;
    let (ids, rest) = blob.unwrap_or_default().as_chunks::<16>();
    if rest.is_empty() {
        Ok(ids.to_vec())
    } else {
        Err(Failure::Damaged("a list of ids has a torn end"))
    }
}

pub(crate) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    let ms: Option<i64> = row.get(column)?;
    Ok(ms.map(Timestamp::from_millis))
}

/// A number that is never negative.
pub(crate) fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(column)?;
    let positive = u64::try_from(number);
    positive.map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, number))
}

pub(crate) fn reason(row: &Row<'_>, column: usize) -> Result<Option<Reason>, Failure> {
    let code: Option<i64> = row.get(column)?;
    code.map(|code| pick(&REASONS, code)).transpose()
}

/// A code and, in the next column, its sealed message.
fn error(from: &Source<'_>, row: &Row<'_>, column: usize) -> Result<SealedError, Failure> {
    Ok(SealedError {
        code: row.get(column)?,
        message: from.value(row, column + 1)?,
    })
}

pub(crate) fn error_code(error: Option<&RunError>) -> Option<&str> {
    error.map(|error| error.code.as_str())
}

/// The place of a value in its table is the number that stands for it in the file. Tables only
/// ever grow at their end.
const RUN_STATES: [RunState; 6] = [
    RunState::Queued,
    RunState::Running,
    RunState::Waiting,
    RunState::Completed,
    RunState::Failed,
    RunState::Cancelled,
];
const DELIVERY_STATES: [DeliveryState; 6] = [
    DeliveryState::Queued,
    DeliveryState::Running,
    DeliveryState::Waiting,
    DeliveryState::Delivered,
    DeliveryState::Failed,
    DeliveryState::Cancelled,
];
const REASONS: [Reason; 6] = [
    Reason::Retry,
    Reason::Outage,
    Reason::Paused,
    Reason::Held,
    Reason::Answer,
    Reason::Debounce,
];
const PRIORITIES: [Priority; 3] = [Priority::Low, Priority::Normal, Priority::High];
const TRUSTS: [Trust; 3] = [Trust::Verified, Trust::Secret, Trust::Open];

pub(crate) fn run_state(code: i64) -> Result<RunState, Failure> {
    pick(&RUN_STATES, code)
}

pub(crate) fn delivery_state(code: i64) -> Result<DeliveryState, Failure> {
    pick(&DELIVERY_STATES, code)
}

pub(crate) fn run_state_code(state: RunState) -> i64 {
    place(&RUN_STATES, state)
}

pub(crate) fn delivery_state_code(state: DeliveryState) -> i64 {
    place(&DELIVERY_STATES, state)
}

pub(crate) fn reason_code(reason: Reason) -> i64 {
    place(&REASONS, reason)
}

pub(crate) fn priority_code(priority: Priority) -> i64 {
    place(&PRIORITIES, priority)
}

pub(crate) fn trust_code(trust: Trust) -> i64 {
    place(&TRUSTS, trust)
}

pub(crate) fn place<T: Copy + PartialEq>(table: &[T], value: T) -> i64 {
    let place = table.iter().position(|known| *known == value);
    let place = place.expect("every value is in its table");
    i64::try_from(place).expect("tables are short")
}

pub(crate) fn pick<T: Copy>(table: &[T], code: i64) -> Result<T, Failure> {
    let place = usize::try_from(code).ok();
    let value = place.and_then(|place| table.get(place)).copied();
    value.ok_or(Failure::Damaged("a stored number stands for nothing"))
}
