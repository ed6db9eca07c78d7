//! Ids: UUIDv7 (RFC 9562), strictly increasing within one process.

mod last;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use self::last::Last;
use crate::Clock;

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            pub const fn from_uuid(uuid: Uuid) -> Self { Self(uuid) }
            pub const fn from_bytes(bytes: [u8; 16]) -> Self { Self(Uuid::from_bytes(bytes)) }
            pub const fn as_bytes(&self) -> &[u8; 16] { self.0.as_bytes() }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.as_hyphenated().fmt(f) }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(self, f) }
        }
        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, uuid::Error> { Uuid::try_parse(text).map(Self) }
        }
    };
}

id_type!(
    /// One thing that arrived.
    EventId
);
id_type!(
    /// One agent handling one event: the agent's idempotency key.
    RunId
);
id_type!(
    /// One result on its way outside: the `webhook-id` of every attempt.
    DeliveryId
);
id_type!(
    /// One uploaded file of an event.
    FileId
);
id_type!(
    /// One running process of the hub; new at every start.
    NodeId
);

/// A source of random bytes, so that tests and the simulation can seed it.
pub trait Entropy: Send + Sync {
    fn fill(&self, bytes: &mut [u8]);
}

/// Makes ids that sort by the order in which they were made.
///
/// A clock that stands still or steps back does not break the order: the random part is then
/// counted up from the last id (RFC 9562, section 6.2, method 2).
pub struct Ids {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    last: Last,
}

impl fmt::Debug for Ids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ids").finish_non_exhaustive()
    }
}

impl Ids {
    pub fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self {
            clock,
            entropy,
            last: Last::default(),
        }
    }

    pub fn event(&self) -> EventId {
        EventId(self.next())
    }

    pub fn run(&self) -> RunId {
        RunId(self.next())
    }

    pub fn delivery(&self) -> DeliveryId {
        DeliveryId(self.next())
    }

    pub fn file(&self) -> FileId {
        FileId(self.next())
    }

    pub fn node(&self) -> NodeId {
        NodeId(self.next())
    }

    fn next(&self) -> Uuid {
        self.last.advance(self.clock.now(), self.entropy.as_ref())
    }
}

#[cfg(test)]
mod tests;
