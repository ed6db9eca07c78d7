//! API keys: who may call the management API, and what for.

use serde::{Deserialize, Serialize};

use crate::{ProjectId, Timestamp};

/// What a key allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// See everything but secrets.
    Read,
    /// Send events to connectors.
    Trigger,
    /// Cancel, replay, redrive, pause.
    Operate,
    /// Everything, including changing the catalogue and making keys.
    Admin,
    /// Claim and settle runs as a worker.
    Worker,
}

/// A key as it is stored: a digest, never the key itself.
#[derive(Clone, Debug)]
pub struct ApiKey {
    pub project: ProjectId,
    /// For people: `first`, `ci`, …
    pub name: String,
    /// SHA-256 of the whole key. Keys carry 256 random bits, so that a fast digest is enough.
    pub digest: [u8; 32],
    pub scopes: Vec<Scope>,
    pub created_at: Timestamp,
}

impl ApiKey {
    /// `admin` includes every scope but `worker`, which is for programs alone.
    pub fn allows(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
            || (scope != Scope::Worker && self.scopes.contains(&Scope::Admin))
    }
}
