//! What a list is narrowed by, as the words of a `WHERE` with its values.

use std::fmt::Write as _;
use std::time::Duration;

use rusqlite::types::Value;
use tieline_model::page::PageRequest;
use tieline_model::{ProjectId, Timestamp};
use tieline_store::Between;

/// Larger than every id, which are 16 bytes long.
const AFTER_ALL: [u8; 17] = [0xff; 17];

/// How far the time in an id may be from the time of its row: both are read from clocks, and a
/// clock may be set.
const APART: Duration = Duration::from_hours(24);

/// Only what is asked for is among the words, so that an index can be used for it.
#[derive(Debug)]
pub(super) struct Narrow {
    sql: String,
    values: Vec<Value>,
}

impl Narrow {
    /// The rows of one project (of a table with this short name) that are older than the page
    /// before.
    pub(super) fn new(short: &str, project: ProjectId, request: &PageRequest) -> Self {
        let before = request.before.as_ref().map_or(&AFTER_ALL[..], |id| &id[..]);
        Self {
            sql: format!("{short}.project = ?1 AND {short}.id < ?2"),
            values: vec![Value::Integer(project.0), Value::Blob(before.to_vec())],
        }
    }

    /// Adds `{compared} {value}`, where there is a value.
    pub(super) fn and(&mut self, compared: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.values.push(value.into());
            let number = self.values.len();
            write!(self.sql, " AND {compared} ?{number}").expect("a text takes any text");
        }
    }

    pub(super) fn within(&mut self, column: &str, between: Between) {
        let since = between.since.map(Timestamp::as_millis);
        self.and(&format!("{column} >="), since);
        let until = between.until.map(Timestamp::as_millis);
        self.and(&format!("{column} <"), until);
    }

    /// Looks only at ids that were made about then.
    pub(super) fn made_within(&mut self, short: &str, between: Between) {
        let first = between.since.map(|since| first_id(since.minus(APART)));
        self.and(&format!("{short}.id >="), first);
        self.made_before(short, between);
    }

    /// Leaves out only ids that were made later: a row may get its time long after its id.
    pub(super) fn made_before(&mut self, short: &str, between: Between) {
        let last = between.until.map(|until| first_id(until.plus(APART)));
        self.and(&format!("{short}.id <"), last);
    }

    pub(super) fn sql(&self) -> &str {
        &self.sql
    }

    pub(super) fn values(&self) -> &[Value] {
        &self.values
    }
}

/// The smallest UUIDv7 of a millisecond (RFC 9562, section 5.7: its first 48 bits).
fn first_id(at: Timestamp) -> Vec<u8> {
    let ms = u64::try_from(at.as_millis())
        .unwrap_or(0)
        .min((1 << 48) - 1);
    (u128::from(ms) << 80).to_be_bytes().to_vec()
}

#[cfg(test)]
mod tests;
