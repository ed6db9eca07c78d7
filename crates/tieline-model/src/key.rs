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
    /// Its last four characters, so that people know one from another.
    pub hint: String,
    pub scopes: Vec<Scope>,
    pub created_at: Timestamp,
    /// From this on it is refused.
    pub expires_at: Option<Timestamp>,
    /// When it last opened something, to about a minute.
    pub last_used_at: Option<Timestamp>,
}

impl Scope {
    pub const ALL: [Self; 5] = [
        Self::Read,
        Self::Trigger,
        Self::Operate,
        Self::Admin,
        Self::Worker,
    ];

    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Trigger => "trigger",
            Self::Operate => "operate",
            Self::Admin => "admin",
            Self::Worker => "worker",
        }
    }
}

impl ApiKey {
    /// Whether its time is not over.
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|until| now < until)
    }

    /// `admin` includes every scope but `worker`, which is for programs alone.
    pub fn allows(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
            || (scope != Scope::Worker && self.scopes.contains(&Scope::Admin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_good_until_just_before_its_end() {
        let at = Timestamp::from_millis;
        let mut key = ApiKey {
            project: ProjectId::DEFAULT,
            name: "ci".to_owned(),
            digest: [0; 32],
            hint: "wxyz".to_owned(),
            scopes: vec![Scope::Admin],
            created_at: at(0),
            expires_at: None,
            last_used_at: None,
        };
        assert!(key.is_good(Timestamp::END));
        key.expires_at = Some(at(10));
        assert_eq!([9, 10].map(|ms| key.is_good(at(ms))), [true, false]);
        let allowed = Scope::ALL.map(|scope| key.allows(scope));
        assert_eq!(allowed, [true, true, true, true, false]);
    }
}
