//! The lines of the ledgers. Writers and checker share these shapes and nothing else.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

/// The first half of a SHA-256: enough to tell any two bodies apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hash(pub(crate) u128);

impl Hash {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let digest = digest(&SHA256, bytes);
        let half = digest.as_ref().first_chunk();
        Self(u128::from_be_bytes(*half.expect("a SHA-256 has 32 bytes")))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&str>::deserialize(deserializer)?;
        let number = u128::from_str_radix(text, 16);
        number.map(Self).map_err(de::Error::custom)
    }
}

/// Ledger S: what the sender meant to do, and what it was told.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Sent {
    Intent(Intent),
    Answer(Answer),
    Reading(Reading),
}

/// Written before each send.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Intent {
    pub(crate) at: u64,
    /// The `Idempotency-Key` is made of it, and the input carries it.
    pub(crate) key: u64,
    /// What the agents must get as input.
    pub(crate) input: Hash,
    /// What they must find in the one file.
    pub(crate) file: Option<Hash>,
    /// Empty where the links have no session.
    pub(crate) session: String,
    /// Those whose link's condition holds.
    pub(crate) agents: Vec<String>,
}

/// Written after each send, before the next.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) at: u64,
    pub(crate) key: u64,
    /// Or [`UNANSWERED`], or [`UNREACHED`].
    pub(crate) status: u16,
    /// Not in every answer of sync mode.
    pub(crate) event: Option<Uuid>,
    pub(crate) runs: Vec<Uuid>,
    pub(crate) duplicate: bool,
}

/// It was sent, or may have been, and no answer came: what became of it is not known.
pub(crate) const UNANSWERED: u16 = 0;
/// Nothing was sent, because there was no connection.
pub(crate) const UNREACHED: u16 = 1;

/// An outcome that a client read, as the answer to a sync request or from the run's address.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Reading {
    pub(crate) run: Uuid,
    pub(crate) status: String,
    pub(crate) output: Hash,
}

/// Ledger A: what the agents were given, and what they did.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Executed {
    Start(Start),
    End(End),
}

/// Written before an agent does anything.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Start {
    pub(crate) at: u64,
    /// Counts all executions.
    pub(crate) number: u64,
    pub(crate) agent: String,
    pub(crate) run: Uuid,
    pub(crate) attempt: u32,
    pub(crate) event: Uuid,
    pub(crate) session: String,
    /// As the input says; `u64::MAX` where it says none.
    pub(crate) key: u64,
    pub(crate) input: Hash,
    /// Of the bytes that the file's address gave.
    pub(crate) files: Vec<Hash>,
}

/// Written before an agent answers, or when it learns that nobody waits any more.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct End {
    pub(crate) at: u64,
    pub(crate) number: u64,
    /// The status of the answer, [`HUNG_UP`] or [`CALLER_GONE`].
    pub(crate) did: u16,
}

/// The connection was closed on purpose, without an answer.
pub(crate) const HUNG_UP: u16 = 0;
/// The hub closed the connection before there was an answer.
pub(crate) const CALLER_GONE: u16 = 499;

/// Ledger D: what arrived at the destination. Written before it answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Arrival {
    pub(crate) at: u64,
    /// The `webhook-id`.
    pub(crate) delivery: Uuid,
    pub(crate) run: Uuid,
    pub(crate) status: String,
    pub(crate) body: Hash,
    pub(crate) output: Hash,
    /// The signature is that of Standard Webhooks for the connector's secret.
    pub(crate) signed: bool,
    /// The status that is answered, or [`HUNG_UP`].
    pub(crate) did: u16,
}

/// Ledger F: the lives of the hub, and the faults.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Deed {
    pub(crate) at: u64,
    /// Milliseconds since 1970: what the hub's own times are compared with.
    pub(crate) wall: i64,
    pub(crate) what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    /// Just before the process is started.
    Start,
    /// After the process was found dead.
    Kill,
    /// Before the signal is sent.
    Terminate,
}

/// The names of the ledgers in a stage's folder.
pub(crate) const SENT: &str = "sent.jsonl";
pub(crate) const EXECUTED: &str = "executed.jsonl";
pub(crate) const ARRIVED: &str = "arrived.jsonl";
pub(crate) const DEEDS: &str = "deeds.jsonl";
