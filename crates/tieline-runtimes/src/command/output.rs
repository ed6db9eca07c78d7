//! Keeps what a program writes: standard output up to a limit, of standard error the end.

use std::collections::VecDeque;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use tieline_contract::Chunks;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::json;
use crate::limits::DEPTH;

/// Bytes that are read at once.
const PIECE: usize = 16 * 1024;

/// Standard output was larger than it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("standard output is larger than its limit")]
pub(super) struct TooLarge;

/// What of standard output is the output, and where its chunks go.
pub(super) struct Output<'a> {
    kept: Vec<u8>,
    /// Bytes that may still come, chunks included.
    left: usize,
    /// Takes the chunks; `None` where nothing is streamed.
    chunks: Option<&'a mut dyn Chunks>,
    /// The line that has begun, where lines are looked at.
    line: Vec<u8>,
}

impl<'a> Output<'a> {
    pub(super) fn new(limit: usize, chunks: Option<&'a mut dyn Chunks>) -> Self {
        Self {
            kept: Vec::new(),
            left: limit,
            chunks,
            line: Vec::new(),
        }
    }

    /// Takes all that comes, until its end. An error of reading ends it too: there is no more.
    pub(super) async fn read(&mut self, mut from: impl AsyncRead + Unpin) -> Result<(), TooLarge> {
        let mut piece = vec![0; PIECE];
        while let Ok(length @ 1..) = from.read(&mut piece).await {
            self.feed(piece.get(..length).unwrap_or_default())?;
        }
        Ok(())
    }

    pub(super) fn feed(&mut self, piece: &[u8]) -> Result<(), TooLarge> {
        self.left = self.left.checked_sub(piece.len()).ok_or(TooLarge)?;
        if self.chunks.is_none() {
            self.kept.extend_from_slice(piece);
            return Ok(());
        }
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                self.end_line();
            }
        }
        Ok(())
    }

    /// Passes the line on as a chunk, or keeps it.
    fn end_line(&mut self) {
        match (chunk(&self.line), self.chunks.as_mut()) {
            (Some(chunk), Some(chunks)) => chunks.push(chunk),
            _ => self.kept.extend_from_slice(&self.line),
        }
        self.line.clear();
    }

    /// The output, without its chunks.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.end_line();
        self.kept
    }
}

/// A line that says a chunk.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    #[serde(borrow)]
    chunk: &'a RawValue,
}

/// The chunk of a line `{"chunk": …}`; any other line belongs to the output.
fn chunk(line: &[u8]) -> Option<Bytes> {
    if !line.trim_ascii_start().starts_with(b"{") {
        return None;
    }
    let text = json::text(line).ok()?;
    json::check_depth(text, DEPTH + 1).ok()?;
    let line: Line<'_> = serde_json::from_str(text).ok()?;
    Some(Bytes::copy_from_slice(line.chunk.get().as_bytes()))
}

/// The end of standard error.
#[derive(Debug)]
pub(super) struct Tail {
    kept: VecDeque<u8>,
    limit: usize,
}

impl Tail {
    /// Keeps the last `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            kept: VecDeque::new(),
            limit,
        }
    }

    /// Takes all that comes, until its end.
    pub(super) async fn read(&mut self, mut from: impl AsyncRead + Unpin) {
        let mut piece = vec![0; PIECE];
        while let Ok(length @ 1..) = from.read(&mut piece).await {
            self.feed(piece.get(..length).unwrap_or_default());
        }
    }

    pub(super) fn feed(&mut self, piece: &[u8]) {
        self.kept.extend(piece);
        let over = self.kept.len().saturating_sub(self.limit);
        self.kept.drain(..over);
    }

    pub(super) fn bytes(&mut self) -> &[u8] {
        self.kept.make_contiguous()
    }
}
