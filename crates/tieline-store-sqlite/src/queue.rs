//! What the writer does with events, runs and deliveries.

pub(crate) mod accept;
pub(crate) mod act;
pub(crate) mod claim;
pub(crate) mod settle;

use bytes::Bytes;
use rusqlite::{Connection, params};
use tieline_model::ProjectId;

use crate::failure::Failure;

/// Appends a body and returns where it is.
fn put_payload(
    connection: &Connection,
    project: ProjectId,
    body: Option<&Bytes>,
    extra: Option<&Bytes>,
) -> Result<i64, Failure> {
    let put = "INSERT INTO payloads (project, body, extra) VALUES (?1, ?2, ?3)";
    let body = body.map(|bytes| &bytes[..]);
    let extra = extra.map(|bytes| &bytes[..]);
    let mut put = connection.prepare_cached(put)?;
    Ok(put.insert(params![project.0, body, extra])?)
}
