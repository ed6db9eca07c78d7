//! Values as they stand in the file, and where each of them stands.
//!
//! A row is read with its values still sealed, and opened when it is out of the transaction's way: by
//! a reader on its own thread, by who claims on theirs. The writer opens nothing. What does not open
//! is damaged: it is said, it is never handed out, and it never stops a read of others.

mod open;

use std::ops::Deref;

use rusqlite::{Connection, Row};
use tieline_model::ProjectId;
use tieline_model::page::Page;
use tieline_store::{Claims, Written};
use tieline_vault::{Place, SEALED_EXTRA, Vault, key_id};

pub(crate) use self::open::{
    SealedAttempt, SealedClaim, SealedDelivery, SealedError, SealedEvent, SealedFile, SealedRun,
};
use crate::failure::Failure;
use crate::vault;

/// What a row points to whose body was erased; payloads are numbered from 1.
pub(crate) const ERASED: i64 = 0;

/// Bytes of a sealed payload whose body and extra are empty: a mark, a length, and what sealing adds.
pub(crate) const EMPTY: usize = SEALED_EXTRA + 1 + 8;

pub(crate) const EVENT: Column = Column("events", "payload");
pub(crate) const RESULT: Column = Column("runs", "result");
pub(crate) const DELIVERY: Column = Column("deliveries", "payload");
pub(crate) const CONTENT: Column = Column("files", "payload");
pub(crate) const ABOUT: Column = Column("files", "about");
pub(crate) const SESSION: Column = Column("runs", "session");
pub(crate) const RUN_ERROR: Column = Column("runs", "error_message");
pub(crate) const DELIVERY_ERROR: Column = Column("deliveries", "error_message");
pub(crate) const ATTEMPT_ERROR: Column = Column("attempts", "error_message");
pub(crate) const RESPONSE: Column = Column("attempts", "response");
pub(crate) const AGENT_SETTINGS: Column = Column("agents", "settings");
pub(crate) const CONNECTOR_SETTINGS: Column = Column("connectors", "settings");
pub(crate) const CONNECTOR_SECRETS: Column = Column("connectors", "secrets");
pub(crate) const SETTING: Column = Column("settings", "value");

/// A column with sealed values. What stands in a payload is sealed for the row that points to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Column(&'static str, &'static str);

impl Column {
    pub(crate) fn at(self, project: ProjectId, row: &[u8]) -> Place<'_> {
        let Self(table, column) = self;
        Place {
            project,
            table,
            row,
            column,
        }
    }

    /// Whether its rows belong to the hub as a whole.
    pub(crate) fn is_hubs(self) -> bool {
        self == SETTING
    }
}

/// What an attempt is known by: its owner, and what no two attempts of one share unless they are the
/// same in everything else.
pub(crate) fn attempt_row(owner: [u8; 16], number: u32, started_at: i64) -> Vec<u8> {
    [
        owner.as_slice(),
        &number.to_be_bytes(),
        &started_at.to_be_bytes(),
    ]
    .concat()
}

/// A connection with the keys to what is read from it.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    connection: &'a Connection,
    vault: &'a Vault,
}

impl<'a> Source<'a> {
    pub(crate) const fn new(connection: &'a Connection, vault: &'a Vault) -> Self {
        Self { connection, vault }
    }

    /// A sealed value. Sees that the vault knows its key: another process may have made it.
    pub(crate) fn value(&self, row: &Row<'_>, column: usize) -> Result<Option<Vec<u8>>, Failure> {
        let value = row.get_ref(column)?.as_blob_or_null();
        let value = value.map_err(|_| Failure::Damaged("a sealed value is no blob"))?;
        let Some(value) = value else {
            return Ok(None);
        };
        if key_id(value).is_some_and(|id| !self.vault.knows(id)) {
            vault::learn(self.connection, self.vault)?;
        }
        Ok(Some(value.to_vec()))
    }

    /// Reads a sealed payload and the number by which its row points to it, which stand one after
    /// the other.
    pub(crate) fn payload(&self, row: &Row<'_>, first: usize) -> Result<Stored, Failure> {
        Ok(match row.get::<_, Option<i64>>(first + 1)? {
            None => Stored::Nothing,
            Some(ERASED) => Stored::Erased,
            Some(number) => Stored::Sealed {
                number,
                sealed: self.value(row, first)?,
            },
        })
    }
}

impl Deref for Source<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}

/// A payload as a row points to it.
#[derive(Debug)]
pub(crate) enum Stored {
    Nothing,
    Erased,
    /// Without a value, it is lost.
    Sealed {
        number: i64,
        sealed: Option<Vec<u8>>,
    },
}

impl Stored {
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Sealed { sealed, .. } => sealed.as_ref().map_or(0, Vec::len),
            Self::Nothing | Self::Erased => 0,
        }
    }
}

/// Something whose values are still sealed.
pub(crate) trait Sealed: Send + 'static {
    type Open: Send + 'static;

    fn open(self, vault: &Vault) -> Self::Open;

    /// About how many bytes are sealed.
    fn bytes(&self) -> usize;
}

impl<T: Sealed> Sealed for Option<T> {
    type Open = Option<T::Open>;

    fn open(self, vault: &Vault) -> Self::Open {
        self.map(|sealed| sealed.open(vault))
    }

    fn bytes(&self) -> usize {
        self.as_ref().map_or(0, T::bytes)
    }
}

impl<T: Sealed> Sealed for Vec<T> {
    type Open = Vec<T::Open>;

    fn open(self, vault: &Vault) -> Self::Open {
        self.into_iter().map(|sealed| sealed.open(vault)).collect()
    }

    fn bytes(&self) -> usize {
        self.iter().map(T::bytes).sum()
    }
}

impl<T: Sealed> Sealed for Page<T> {
    type Open = Page<T::Open>;

    fn open(self, vault: &Vault) -> Self::Open {
        Page {
            rows: self.rows.open(vault),
            next: self.next,
        }
    }

    fn bytes(&self) -> usize {
        self.rows.bytes()
    }
}

impl<Done: Send + 'static, T: Sealed> Sealed for Written<Done, T> {
    type Open = Written<Done, T::Open>;

    fn open(self, vault: &Vault) -> Self::Open {
        let claims = self.claims.into_iter().map(|claims| claims.open(vault));
        Written {
            done: self.done,
            claims: claims.collect(),
        }
    }

    fn bytes(&self) -> usize {
        self.claims.iter().map(Claims::bytes).sum()
    }
}

impl<T: Sealed> Sealed for Claims<T> {
    type Open = Claims<T::Open>;

    fn open(self, vault: &Vault) -> Self::Open {
        Claims {
            rows: self.rows.open(vault),
            next_due: self.next_due,
        }
    }

    fn bytes(&self) -> usize {
        self.rows.bytes()
    }
}
