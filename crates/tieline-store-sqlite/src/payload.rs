//! Bodies: written once and in the order of arrival, each sealed for the row that points to it.

use rusqlite::{Connection, params};
use tieline_model::ProjectId;

use crate::failure::Failure;

/// Appends a body and returns where it is.
pub(crate) fn put(
    connection: &Connection,
    project: ProjectId,
    sealed: &[u8],
) -> Result<i64, Failure> {
    let put = "INSERT INTO payloads (project, sealed) VALUES (?1, ?2)";
    let mut put = connection.prepare_cached(put)?;
    Ok(put.insert(params![project.0, sealed])?)
}
