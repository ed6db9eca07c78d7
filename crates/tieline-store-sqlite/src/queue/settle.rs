//! How attempts end.

use rusqlite::{Connection, OptionalExtension as _, params};
use tieline_failpoint::{self as failpoint, Step};
use tieline_model::{Attempt, DeliveryState, ProjectId, Reason, RunError};
use tieline_store::{Counts, DeliveryOutcome, Epoch, Fence, Next, RunOutcome, SettleRun, Settled};

use super::line::{self, Left};
use crate::failure::Failure;
use crate::seal::{SealedDeliverySettle, SealedNewAttempt, SealedNewDelivery, SealedSettle};
use crate::{payload, rows};

pub(crate) fn settle_run(
    connection: &Connection,
    project: ProjectId,
    sealed: &SealedSettle,
) -> Result<Settled, Failure> {
    let settle = &sealed.settle;
    let Some(open) = Open::find(connection, project, settle)? else {
        return Ok(Settled::Fenced);
    };
    match &settle.outcome {
        RunOutcome::Ended { state, .. } if !state.is_final() => {
            return Err(Failure::Refused("a run cannot end in this state"));
        }
        RunOutcome::Ended { .. } => {
            end_run(connection, project, sealed)?;
            for new in &sealed.deliveries {
                create(connection, (project, open.event), settle, new)?;
            }
        }
        RunOutcome::Again(next) => go_on(connection, project, sealed, next)?,
        RunOutcome::Paused { error } => pause(connection, project, sealed, error)?,
    }
    let run = settle.run.as_bytes();
    let attempt = settle.attempt.as_ref();
    let attempt = attempt.map(|attempt| (attempt, &sealed.attempt));
    record(connection, project, run, attempt)?;
    // One that goes on keeps its place, unless that was taken.
    let ended = matches!(settle.outcome, RunOutcome::Ended { .. });
    if open.left.is_some() && !ended {
        line::timed(connection, settle.now)?;
    }
    if let Some(left) = open.left.filter(|left| ended || left.displaced) {
        left.make_way(connection, project)?;
    }
    failpoint::pass(Step::SettleWritten);
    Ok(Settled::Done)
}

/// A run that has not ended, and that the fence lets through.
struct Open {
    event: [u8; 16],
    left: Option<Left>,
}

impl Open {
    fn find(
        connection: &Connection,
        project: ProjectId,
        settle: &SettleRun,
    ) -> Result<Option<Self>, Failure> {
        let find = "SELECT event, agent, line, held_back, epoch, attempt, state, reason FROM runs \
                    WHERE project = ?1 AND id = ?2 AND state < 3";
        let mut find = connection.prepare_cached(find)?;
        let found = find.query_row(params![project.0, settle.run.as_bytes()], |row| {
            let (state, reason): (i64, Option<i64>) = (row.get(6)?, row.get(7)?);
            let answer = reason == Some(rows::reason_code(Reason::Answer));
            let passes = match settle.fence {
                Fence::Open => true,
                // It is in a hand also while its answer is awaited.
                Fence::Claim(Epoch(epoch)) => {
                    let in_hand = state == rows::RUNNING || state == rows::WAITING && answer;
                    in_hand && row.get::<_, u32>(4)? == epoch
                }
                Fence::NeverBegun => state != rows::RUNNING && row.get::<_, u32>(5)? == 0,
            };
            let open = Self {
                event: row.get(0)?,
                left: Left::read(row, 1)?,
            };
            Ok(passes.then_some(open))
        });
        Ok(found.optional()?.flatten())
    }
}

fn go_on(
    connection: &Connection,
    project: ProjectId,
    sealed: &SealedSettle,
    next: &Next,
) -> Result<(), Failure> {
    let again = "UPDATE runs SET state = 2, reason = ?3, waiting_since = ?4, due_at = ?5, \
                 error_code = ?6, error_message = ?7, attempt = max(attempt - ?8, 0), \
                 outages = iif(?8, outages + 1, 0), crashes = crashes + ?9, node = NULL \
                 WHERE project = ?1 AND id = ?2";
    let settle = &sealed.settle;
    connection.prepare_cached(again)?.execute(params![
        project.0,
        settle.run.as_bytes(),
        rows::reason_code(next.reason),
        settle.now.as_millis(),
        next.due_at.as_millis(),
        rows::error_code(next.error.as_ref()),
        sealed.message,
        next.counts == Counts::Outage,
        next.counts == Counts::Crash,
    ])?;
    Ok(())
}

/// Nothing but a person moves it on.
fn pause(
    connection: &Connection,
    project: ProjectId,
    sealed: &SealedSettle,
    error: &RunError,
) -> Result<(), Failure> {
    let pause = "UPDATE runs SET state = 2, reason = ?3, waiting_since = ?4, due_at = NULL, \
                 error_code = ?5, error_message = ?6, node = NULL \
                 WHERE project = ?1 AND id = ?2";
    let settle = &sealed.settle;
    connection.prepare_cached(pause)?.execute(params![
        project.0,
        settle.run.as_bytes(),
        rows::reason_code(Reason::Paused),
        settle.now.as_millis(),
        error.code,
        sealed.message,
    ])?;
    Ok(())
}

fn end_run(
    connection: &Connection,
    project: ProjectId,
    sealed: &SealedSettle,
) -> Result<(), Failure> {
    let settle = &sealed.settle;
    let RunOutcome::Ended {
        state,
        error,
        dead_letter,
        ..
    } = &settle.outcome
    else {
        return Err(Failure::Refused("a run that goes on does not end"));
    };
    let result = sealed.result.as_ref();
    let result = result.map(|result| payload::put(connection, project, result));
    let end = "UPDATE runs SET state = ?3, reason = NULL, waiting_since = NULL, due_at = NULL, \
               node = NULL, ended_at = ?4, result = ?5, error_code = ?6, error_message = ?7, \
               dead_letter = ?8, into_run = iif(?3 = 5, into_run, NULL) \
               WHERE project = ?1 AND id = ?2";
    connection.prepare_cached(end)?.execute(params![
        project.0,
        settle.run.as_bytes(),
        rows::run_state_code(*state),
        settle.now.as_millis(),
        result.transpose()?,
        rows::error_code(error.as_ref()),
        sealed.message,
        dead_letter,
    ])?;
    Ok(())
}

fn create(
    connection: &Connection,
    (project, event): (ProjectId, [u8; 16]),
    settle: &SettleRun,
    sealed: &SealedNewDelivery,
) -> Result<(), Failure> {
    let new = &sealed.new;
    let payload = payload::put(connection, project, &sealed.payload)?;
    let at = settle.now.as_millis();
    let failed = new.failed.as_ref();
    let put = "INSERT INTO deliveries (project, id, connector, run, event, state, due_at, \
               created_at, ended_at, error_code, error_message, payload) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    connection.prepare_cached(put)?.execute(params![
        project.0,
        new.id.as_bytes(),
        new.connector.0,
        settle.run.as_bytes(),
        event,
        failed.map_or(rows::QUEUED, |_: &RunError| rows::FAILED),
        failed.is_none().then_some(at),
        at,
        failed.map(|_| at),
        rows::error_code(failed),
        sealed.message,
        payload,
    ])?;
    Ok(())
}

pub(crate) fn settle_delivery(
    connection: &Connection,
    project: ProjectId,
    sealed: &SealedDeliverySettle,
) -> Result<Settled, Failure> {
    let settle = &sealed.settle;
    let fence = "SELECT 1 FROM deliveries WHERE project = ?1 AND id = ?2 \
                 AND iif(?3 IS NULL, state < 3, epoch = ?3 AND state = 1)";
    let mut fence = connection.prepare_cached(fence)?;
    let epoch = settle.epoch.map(|epoch| epoch.0);
    if !fence.exists(params![project.0, settle.delivery.as_bytes(), epoch])? {
        return Ok(Settled::Fenced);
    }
    match &settle.outcome {
        DeliveryOutcome::Ended { state, error } => {
            end_delivery(connection, project, sealed, (*state, error.as_ref()))?;
        }
        DeliveryOutcome::Again(next) => deliver_again(connection, project, sealed, next)?,
    }
    let attempt = settle.attempt.as_ref();
    let attempt = attempt.map(|attempt| (attempt, &sealed.attempt));
    record(connection, project, settle.delivery.as_bytes(), attempt)?;
    failpoint::pass(Step::DeliverWritten);
    Ok(Settled::Done)
}

fn end_delivery(
    connection: &Connection,
    project: ProjectId,
    sealed: &SealedDeliverySettle,
    (state, error): (DeliveryState, Option<&RunError>),
) -> Result<(), Failure> {
    if !state.is_final() {
        return Err(Failure::Refused("a delivery cannot end in this state"));
    }
    let end = "UPDATE deliveries SET state = ?3, reason = NULL, waiting_since = NULL, \
               due_at = NULL, node = NULL, ended_at = ?4, error_code = ?5, error_message = ?6 \
               WHERE project = ?1 AND id = ?2";
    let settle = &sealed.settle;
    connection.prepare_cached(end)?.execute(params![
        project.0,
        settle.delivery.as_bytes(),
        rows::delivery_state_code(state),
        settle.now.as_millis(),
        rows::error_code(error),
        sealed.message,
    ])?;
    Ok(())
}

fn deliver_again(
    connection: &Connection,
    project: ProjectId,
    sealed: &SealedDeliverySettle,
    next: &Next,
) -> Result<(), Failure> {
    let again = "UPDATE deliveries SET state = 2, reason = ?3, waiting_since = ?4, due_at = ?5, \
                 error_code = ?6, error_message = ?7, attempt = max(attempt - ?8, 0), \
                 node = NULL WHERE project = ?1 AND id = ?2";
    let settle = &sealed.settle;
    connection.prepare_cached(again)?.execute(params![
        project.0,
        settle.delivery.as_bytes(),
        rows::reason_code(next.reason),
        settle.now.as_millis(),
        next.due_at.as_millis(),
        rows::error_code(next.error.as_ref()),
        sealed.message,
        next.counts == Counts::Outage,
    ])?;
    Ok(())
}

fn record(
    connection: &Connection,
    project: ProjectId,
    owner: &[u8; 16],
    attempt: Option<(&Attempt, &SealedNewAttempt)>,
) -> Result<(), Failure> {
    let Some((attempt, sealed)) = attempt else {
        return Ok(());
    };
    let put = "INSERT INTO attempts (project, owner, position, number, started_at, ended_at, \
               status, error_code, error_message, response) VALUES (?1, ?2, 1 + coalesce( \
               (SELECT max(position) FROM attempts WHERE project = ?1 AND owner = ?2), 0), \
               ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    connection.prepare_cached(put)?.execute(params![
        project.0,
        owner,
        attempt.number,
        attempt.started_at.as_millis(),
        attempt.ended_at.as_millis(),
        attempt.status,
        rows::error_code(attempt.error.as_ref()),
        sealed.message,
        sealed.response,
    ])?;
    Ok(())
}
