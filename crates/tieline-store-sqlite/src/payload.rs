//! Bodies: written once with their checksum, and held against it at every read.
//!
//! A body that does not fit its checksum is never handed out, and never stops a read of others.

use bytes::Bytes;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, params};
use tieline_model::{Kept, ProjectId};

use crate::failure::Failure;

/// What a row points to whose body was erased; payloads are numbered from 1.
pub(crate) const ERASED: i64 = 0;

/// A body as it was read: without its bytes, unless it is whole.
#[derive(Debug, Default)]
pub(crate) struct Payload {
    pub(crate) body: Option<Bytes>,
    pub(crate) extra: Option<Bytes>,
    pub(crate) kept: Kept,
}

/// Appends a body and returns where it is.
pub(crate) fn put(
    connection: &Connection,
    project: ProjectId,
    body: Option<&Bytes>,
    extra: Option<&Bytes>,
) -> Result<i64, Failure> {
    let put = "INSERT INTO payloads (project, body, extra, crc) VALUES (?1, ?2, ?3, ?4)";
    let body = body.map(|bytes| &bytes[..]);
    let extra = extra.map(|bytes| &bytes[..]);
    let crc = checksum(body, extra);
    let mut put = connection.prepare_cached(put)?;
    Ok(put.insert(params![project.0, body, extra, crc])?)
}

/// Reads `p.body, p.extra, p.crc` and the number of the payload, which stand one after the other.
pub(crate) fn read(row: &Row<'_>, first: usize) -> Result<Payload, Failure> {
    let erased = |kept| Payload {
        kept,
        ..Payload::default()
    };
    match row.get::<_, Option<i64>>(first + 3)? {
        None => Ok(Payload::default()),
        Some(ERASED) => Ok(erased(Kept::Erased)),
        Some(number) => {
            let (body, extra) = (row.get_ref(first)?, row.get_ref(first + 1)?);
            let fits = fitting(body, extra, row.get_ref(first + 2)?);
            let Some((body, extra)) = fits else {
                tracing::error!(payload = number, "the stored body `{number}` is damaged");
                return Ok(erased(Kept::Damaged));
            };
            Ok(Payload {
                body: body.map(Bytes::copy_from_slice),
                extra: extra.map(Bytes::copy_from_slice),
                kept: Kept::Whole,
            })
        }
    }
}

/// A body and what belongs to it.
type Blobs<'a> = (Option<&'a [u8]>, Option<&'a [u8]>);

/// Both blobs, where they are what was written; `None` also where the row is not there.
pub(crate) fn fitting<'a>(
    body: ValueRef<'a>,
    extra: ValueRef<'a>,
    crc: ValueRef<'_>,
) -> Option<Blobs<'a>> {
    let (body, extra) = (body.as_blob_or_null().ok()?, extra.as_blob_or_null().ok()?);
    let stored = crc.as_i64().ok()?;
    (stored == i64::from(checksum(body, extra))).then_some((body, extra))
}

/// CRC-32 over both with their lengths, so that no byte can move from one to the other.
fn checksum(body: Option<&[u8]>, extra: Option<&[u8]>) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for part in [body, extra] {
        let length = part.map_or(u64::MAX, |bytes| bytes.len() as u64);
        hasher.update(&length.to_le_bytes());
        hasher.update(part.unwrap_or_default());
    }
    hasher.finalize()
}
