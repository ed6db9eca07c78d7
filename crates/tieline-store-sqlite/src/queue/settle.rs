//! How attempts end.

use rusqlite::{Connection, OptionalExtension as _, params};
use tieline_model::{Attempt, DeliveryState, ProjectId, RunError, Timestamp};
use tieline_store::{
    DeliveryOutcome, NewDelivery, Next, RunOutcome, SettleDelivery, SettleRun, Settled,
};

use super::put_payload;
use crate::failure::Failure;
use crate::rows;

pub(crate) fn settle_run(
    connection: &Connection,
    project: ProjectId,
    settle: &SettleRun,
) -> Result<Settled, Failure> {
    // The fence: an epoch counts only in the hand that holds it, or while an answer is awaited;
    // without one, any row will do that has not ended.
    let fence = "SELECT event FROM runs WHERE project = ?1 AND id = ?2 \
                 AND iif(?3 IS NULL, state < 3, \
                         epoch = ?3 AND (state = 1 OR (state = 2 AND reason = 4)))";
    let mut fence = connection.prepare_cached(fence)?;
    let epoch = settle.epoch.map(|epoch| epoch.0);
    let passed = fence.query_row(params![project.0, settle.run.as_bytes(), epoch], |row| {
        row.get(0)
    });
    let event: [u8; 16] = match passed.optional()? {
        Some(event) => event,
        None => return Ok(Settled::Fenced),
    };
    match &settle.outcome {
        RunOutcome::Ended { state, .. } if !state.is_final() => {
            return Err(Failure::Refused("a run cannot end in this state"));
        }
        RunOutcome::Ended { .. } => {
            end_run(connection, project, settle)?;
            for new in &settle.deliveries {
                create(connection, (project, event), settle, new)?;
            }
        }
        RunOutcome::Again(next) => {
            let again = "UPDATE runs SET state = 2, reason = ?3, waiting_since = ?4, \
                         due_at = ?5, error_code = ?6, error_message = ?7, \
                         attempt = max(attempt - ?8, 0), \
                         outages = iif(?8, outages + 1, 0), node = NULL \
                         WHERE project = ?1 AND id = ?2";
            go_on(
                connection,
                again,
                (project, settle.run.as_bytes()),
                next,
                settle.now,
            )?;
        }
    }
    record(
        connection,
        project,
        settle.run.as_bytes(),
        settle.attempt.as_ref(),
    )?;
    Ok(Settled::Done)
}

fn end_run(connection: &Connection, project: ProjectId, settle: &SettleRun) -> Result<(), Failure> {
    let RunOutcome::Ended {
        state,
        output,
        error,
        usage,
        dead_letter,
    } = &settle.outcome
    else {
        return Err(Failure::Refused("a run that goes on does not end"));
    };
    let result = if output.is_some() || usage.is_some() {
        Some(put_payload(
            connection,
            project,
            output.as_ref(),
            usage.as_ref(),
        )?)
    } else {
        None
    };
    let end = "UPDATE runs SET state = ?3, reason = NULL, waiting_since = NULL, due_at = NULL, \
               node = NULL, ended_at = ?4, result = ?5, error_code = ?6, error_message = ?7, \
               dead_letter = ?8 WHERE project = ?1 AND id = ?2";
    let (code, message) = rows::error_columns(error.as_ref());
    connection.prepare_cached(end)?.execute(params![
        project.0,
        settle.run.as_bytes(),
        rows::run_state_code(*state),
        settle.now.as_millis(),
        result,
        code,
        message,
        dead_letter,
    ])?;
    Ok(())
}

fn create(
    connection: &Connection,
    (project, event): (ProjectId, [u8; 16]),
    settle: &SettleRun,
    new: &NewDelivery,
) -> Result<(), Failure> {
    let payload = put_payload(connection, project, Some(&new.body), None)?;
    let at = settle.now.as_millis();
    let failed = new.failed.as_ref();
    let (code, message) = rows::error_columns(failed);
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
        code,
        message,
        payload,
    ])?;
    Ok(())
}

pub(crate) fn settle_delivery(
    connection: &Connection,
    project: ProjectId,
    settle: &SettleDelivery,
) -> Result<Settled, Failure> {
    let fence = "SELECT 1 FROM deliveries WHERE project = ?1 AND id = ?2 \
                 AND iif(?3 IS NULL, state < 3, epoch = ?3 AND state = 1)";
    let mut fence = connection.prepare_cached(fence)?;
    let epoch = settle.epoch.map(|epoch| epoch.0);
    if !fence.exists(params![project.0, settle.delivery.as_bytes(), epoch])? {
        return Ok(Settled::Fenced);
    }
    match &settle.outcome {
        DeliveryOutcome::Ended { state, error } => {
            end_delivery(connection, project, settle, (*state, error.as_ref()))?;
        }
        DeliveryOutcome::Again(next) => {
            let again = "UPDATE deliveries SET state = 2, reason = ?3, waiting_since = ?4, \
                         due_at = ?5, error_code = ?6, error_message = ?7, \
                         attempt = max(attempt - ?8, 0), node = NULL \
                         WHERE project = ?1 AND id = ?2";
            let id = settle.delivery.as_bytes();
            go_on(connection, again, (project, id), next, settle.now)?;
        }
    }
    record(
        connection,
        project,
        settle.delivery.as_bytes(),
        settle.attempt.as_ref(),
    )?;
    Ok(Settled::Done)
}

fn end_delivery(
    connection: &Connection,
    project: ProjectId,
    settle: &SettleDelivery,
    (state, error): (DeliveryState, Option<&RunError>),
) -> Result<(), Failure> {
    if !state.is_final() {
        return Err(Failure::Refused("a delivery cannot end in this state"));
    }
    let end = "UPDATE deliveries SET state = ?3, reason = NULL, waiting_since = NULL, \
               due_at = NULL, node = NULL, ended_at = ?4, error_code = ?5, error_message = ?6 \
               WHERE project = ?1 AND id = ?2";
    let (code, message) = rows::error_columns(error);
    connection.prepare_cached(end)?.execute(params![
        project.0,
        settle.delivery.as_bytes(),
        rows::delivery_state_code(state),
        settle.now.as_millis(),
        code,
        message,
    ])?;
    Ok(())
}

fn go_on(
    connection: &Connection,
    again: &str,
    (project, id): (ProjectId, &[u8; 16]),
    next: &Next,
    now: Timestamp,
) -> Result<(), Failure> {
    let (code, message) = rows::error_columns(next.error.as_ref());
    connection.prepare_cached(again)?.execute(params![
        project.0,
        id,
        rows::reason_code(next.reason),
        now.as_millis(),
        next.due_at.as_millis(),
        code,
        message,
        next.not_started,
    ])?;
    Ok(())
}

fn record(
    connection: &Connection,
    project: ProjectId,
    owner: &[u8; 16],
    attempt: Option<&Attempt>,
) -> Result<(), Failure> {
    let Some(attempt) = attempt else {
        return Ok(());
    };
    let put = "INSERT INTO attempts (project, owner, position, number, started_at, ended_at, \
               status, error_code, error_message, response) SELECT ?1, ?2, \
               1 + coalesce(max(position), 0), ?3, ?4, ?5, ?6, ?7, ?8, ?9 \
               FROM attempts WHERE project = ?1 AND owner = ?2";
    let (code, message) = rows::error_columns(attempt.error.as_ref());
    connection.prepare_cached(put)?.execute(params![
        project.0,
        owner,
        attempt.number,
        attempt.started_at.as_millis(),
        attempt.ended_at.as_millis(),
        attempt.status,
        code,
        message,
        attempt.response,
    ])?;
    Ok(())
}
