//! Every sealed value opened in its place, and every row against its body.

use rusqlite::{Connection, Row, params};
use tieline_model::{EventId, ProjectId};
use tieline_vault::Vault;

use super::{Examination, Severity};
use crate::failure::Failure;
use crate::sealed::{self, Column, ERASED, Sealed as _, Source};
use crate::{catalog, limits, vault};

/// Rows that have a body.
struct Owner {
    body: &'static str,
    table: &'static str,
    /// The column with the number of the payload.
    payload: &'static str,
    /// The column with the event.
    event: &'static str,
    column: Column,
}

const OWNERS: [Owner; 4] = [
    owner("input of event", ("events", "payload", "id"), sealed::EVENT),
    owner("output of run", ("runs", "result", "event"), sealed::RESULT),
    owner(
        "body of delivery",
        ("deliveries", "payload", "event"),
        sealed::DELIVERY,
    ),
    owner(
        "content of file",
        ("files", "payload", "event"),
        sealed::CONTENT,
    ),
];

const fn owner(
    body: &'static str,
    (table, payload, event): (&'static str, &'static str, &'static str),
    column: Column,
) -> Owner {
    Owner {
        body,
        table,
        payload,
        event,
        column,
    }
}

/// Whether the key at hand is the store's; without it, only what is lost can be told.
pub(super) fn key<'a>(
    connection: &Connection,
    given: Option<&'a Vault>,
    seen: &mut Examination,
) -> Result<Option<&'a Vault>, Failure> {
    let Some(master) = vault::master(connection)? else {
        let fix = "nothing: the next start of the hub makes its keys";
        seen.add(Severity::Note, "the store has no keys yet".to_owned(), fix);
        return Ok(None);
    };
    seen.master = Some(master.id);
    let Some(given) = given else {
        let what = format!(
            "no key is at hand to open it: it needs the master key {}",
            master.id
        );
        let fix = "give the key as the hub has it; without it, no body can be looked at";
        seen.add(Severity::Warning, what, fix);
        return Ok(None);
    };
    if master.key(given).is_none() {
        let what = format!(
            "the master key at hand is not the store's, which is {}",
            master.id
        );
        let fix = "give the hub the key that the store was last used with, or one of the \
                   `vault.key.…` beside it; without it, nothing that is sealed can be read";
        seen.add(Severity::Error, what, fix);
        return Ok(None);
    }
    vault::learn(connection, given)?;
    Ok(Some(given))
}

/// Whether the hub would read its own settings, its agents and its connectors.
pub(super) fn catalogue(
    connection: &Connection,
    vault: &Vault,
    seen: &mut Examination,
) -> Result<(), Failure> {
    let source = Source::new(connection, vault);
    if let Err(failure) = catalog::read(&source)?.open(vault) {
        let what = format!("agents and connectors cannot be read: {failure}");
        seen.add(Severity::Error, what, super::RESTORE);
    }
    Ok(())
}

pub(super) fn examine(
    connection: &Connection,
    vault: Option<&Vault>,
    seen: &mut Examination,
) -> Result<(), Failure> {
    let mut read = Ok(());
    for owner in &OWNERS {
        // Also where one table cannot be read to its end, the others are looked at.
        let checked = owner.examine(connection, vault, seen);
        read = read.and(checked);
    }
    read
}

/// What is wrong with the bodies of one table.
#[derive(Default)]
struct Wrong {
    /// In the order of their rows: what, the row, its event.
    named: Vec<(&'static str, [u8; 16], [u8; 16])>,
    unnamed: u64,
}

impl Wrong {
    fn add(&mut self, matter: &'static str, id: [u8; 16], event: [u8; 16]) {
        if self.named.len() < limits::FINDINGS {
            self.named.push((matter, id, event));
        } else {
            self.unnamed += 1;
        }
    }
}

impl Owner {
    fn examine(
        &self,
        connection: &Connection,
        vault: Option<&Vault>,
        seen: &mut Examination,
    ) -> Result<(), Failure> {
        let mut wrong = Wrong::default();
        let checked = self.check(connection, vault, (seen, &mut wrong));
        for (matter, id, event) in wrong.named {
            let (id, event) = (super::id(id), EventId::from_bytes(event));
            let fix = format!("have event `{event}` sent again, or take it from a backup");
            let what = format!("the {} `{id}` {matter}", self.body);
            seen.add(Severity::Error, what, fix);
        }
        if wrong.unnamed > 0 {
            let what = format!(
                "{} more bodies of {} are damaged",
                wrong.unnamed, self.table
            );
            seen.add(Severity::Error, what, super::RESTORE);
        }
        checked
    }

    /// In slices, each a snapshot of its own: a long one would keep the log from beginning anew.
    fn check(
        &self,
        connection: &Connection,
        vault: Option<&Vault>,
        (seen, wrong): (&mut Examination, &mut Wrong),
    ) -> Result<(), Failure> {
        let Self {
            table,
            payload,
            event,
            ..
        } = self;
        let slice = format!(
            "SELECT o.project, o.id, o.{event}, p.sealed, o.{payload} FROM {table} o \
             LEFT JOIN payloads p ON p.seq = o.{payload} \
             WHERE (o.project, o.id) > (?1, ?2) ORDER BY o.project, o.id LIMIT ?3"
        );
        let mut slice = connection.prepare(&slice)?;
        let mut last: (i64, Vec<u8>) = (i64::MIN, Vec::new());
        loop {
            let before = last.clone();
            let mut rows = slice.query(params![last.0, last.1, limits::EXAMINED])?;
            while let Some(row) = rows.next()? {
                let id: [u8; 16] = row.get(1)?;
                last = (row.get(0)?, id.to_vec());
                if let Some(matter) = self.judge(connection, row, (vault, seen))? {
                    wrong.add(matter, id, row.get(2)?);
                }
            }
            if last == before {
                return Ok(());
            }
        }
    }

    /// What is wrong with the body of a row.
    fn judge(
        &self,
        connection: &Connection,
        row: &Row<'_>,
        (vault, seen): (Option<&Vault>, &mut Examination),
    ) -> Result<Option<&'static str>, Failure> {
        if matches!(row.get(4)?, None | Some(ERASED)) {
            return Ok(None);
        }
        let there: Option<&[u8]> = row.get_ref(3)?.as_blob_or_null().unwrap_or_default();
        if there.is_none() {
            return Ok(Some("is lost"));
        }
        let Some(vault) = vault else {
            return Ok(None);
        };
        seen.bodies += 1;
        let (project, id): (i64, [u8; 16]) = (row.get(0)?, row.get(1)?);
        let body = Source::new(connection, vault).payload(row, 3)?;
        let opens = body.opens(vault, &self.column.at(ProjectId(project), &id));
        Ok((!opens).then_some("does not open: it is damaged"))
    }
}
