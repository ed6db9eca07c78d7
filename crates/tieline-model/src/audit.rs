//! The audit log: who did what to what, and whether it was done.
//!
//! Entries are added and never changed. They hold names, ids and digests, and no content: what a
//! resource was can be proved from its digest, and not be read there.

use std::net::IpAddr;

use crate::{ProjectId, Timestamp};

/// On whose authority something was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A holder of an API key.
    Key { name: String, hint: String },
    /// The hub's own configuration files.
    File,
    /// The hub by itself.
    Hub,
}

/// What is known of the end at the time of the entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was done in the same commit.
    Done,
    /// It was allowed, and written down before it was tried. Another entry says how it was answered;
    /// where there is none, that is not known, and shown by its target alone.
    Begun,
    /// What was begun in the entry at this position was answered with success.
    Ended { begun: i64 },
    /// What was begun in the entry at this position was answered with a problem.
    Failed { begun: i64 },
}

/// What is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    pub at: Timestamp,
    /// The project in which it was done.
    pub project: ProjectId,
    pub actor: Actor,
    /// Where the request came from, where that is known.
    pub from: Option<IpAddr>,
    /// `connector.create`, `run.cancel`, …
    pub action: String,
    /// A name, an id, or what narrows the many that are meant.
    pub target: String,
    /// SHA-256 of the resource as it was shown before; `None` where there was none.
    pub before: Option<[u8; 32]>,
    /// SHA-256 of the resource as it is shown after.
    pub after: Option<[u8; 32]>,
    pub outcome: Outcome,
}

/// What was written down, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Counts up over all projects, in the order of the commits.
    pub position: i64,
    pub record: AuditRecord,
}

impl AuditEntry {
    /// The place of the entry in its list, as pages name it.
    pub fn cursor(&self) -> [u8; 16] {
        i128::from(self.position).to_be_bytes()
    }
}
