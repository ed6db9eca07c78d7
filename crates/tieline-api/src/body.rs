//! Reads a body into a bounded place, in bounded time.
//!
//! Three bounds hold at once: the most bytes of this body, the bytes of all bodies in hand, and
//! the time that a body of its length may take. Nothing is set aside on the word of the sender.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body::Body as _;
use parking_lot::Mutex;
use tieline_contract::{Code, Problem, nesting};
use tokio::time::{Instant, timeout_at};

use crate::limits::{
    BODIES, BODIES_UNPROVEN, BODY_FIRST, BODY_IDLE, BODY_RATE, JSON_DEPTH, RETRY_AFTER,
};
use crate::shares::{Share, Shares, Taker};

/// The bytes of all bodies that are in hand.
#[derive(Clone, Debug)]
pub(crate) struct Budget(Arc<InHand>);

#[derive(Debug)]
struct InHand {
    taken: AtomicUsize,
    /// Of those of whom nothing is known, each network has its share.
    unproven: Mutex<Shares>,
}

/// What is known of a sender before its body is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sender {
    /// Who it is: the head of the request was proof.
    Proven,
    /// Nothing but where it comes from: the proof comes with the body's end, or none is asked for.
    Unproven(Taker),
}

/// A part of the budget, given back when dropped.
#[derive(Debug)]
pub(crate) struct Held {
    budget: Budget,
    sender: Sender,
    bytes: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self(Arc::new(InHand {
            taken: AtomicUsize::new(0),
            unproven: Mutex::new(Shares::new(BODIES_UNPROVEN)),
        }))
    }
}

impl Budget {
    /// Nothing yet.
    pub(crate) fn hold(&self, sender: Sender) -> Held {
        Held {
            budget: self.clone(),
            sender,
            bytes: 0,
        }
    }
}

impl Held {
    fn grow(&mut self, bytes: usize) -> Result<(), Problem> {
        let in_hand = &self.budget.0;
        if let Sender::Unproven(taker) = self.sender
            && !in_hand.unproven.lock().take(taker, Share::Client, bytes)
        {
            return Err(full());
        }
        self.bytes += bytes;
        let taken = in_hand.taken.fetch_add(bytes, Ordering::Relaxed);
        if taken.saturating_add(bytes) > BODIES {
            return Err(full());
        }
        Ok(())
    }
}

fn full() -> Problem {
    let detail = "The hub has too many requests in hand. Send the same request again.";
    Problem::new(Code::Overloaded, detail).retry_after(RETRY_AFTER)
}

impl Drop for Held {
    fn drop(&mut self) {
        let in_hand = &self.budget.0;
        in_hand.taken.fetch_sub(self.bytes, Ordering::Relaxed);
        if let Sender::Unproven(taker) = self.sender {
            in_hand.unproven.lock().give_back(taker, self.bytes);
        }
    }
}

/// A whole body, and its part of the budget.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) bytes: Bytes,
    pub(crate) held: Held,
}

/// Refuses a body that says that it is longer than `most`, before any of it is read.
pub(crate) fn check_declared(body: &Body, most: u64) -> Result<(), Problem> {
    if body.size_hint().lower() > most {
        return Err(too_large(most));
    }
    Ok(())
}

/// Reads a body of at most `most` bytes; `each` sees every piece as it comes.
pub(crate) async fn read(
    mut body: Body,
    most: u64,
    mut held: Held,
    mut each: impl FnMut(&[u8]),
) -> Result<Whole, Problem> {
    let mut due = Instant::now() + BODY_IDLE;
    let mut first = Bytes::new();
    let mut rest: Option<BytesMut> = None;
    let mut length = 0;
    loop {
        let next = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx));
        let frame = match timeout_at(due, next).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(None) => break,
            Ok(Some(Err(_))) => {
                let detail = "The body broke off, or its framing is wrong.";
                return Err(Problem::new(Code::BadRequest, detail));
            }
            Err(_) => {
                let detail = "The body came too slowly. Send it at once, with its length.";
                return Err(Problem::new(Code::RequestTimeout, detail));
            }
        };
        let Ok(piece) = frame.into_data() else {
            continue;
        };
        length += piece.len() as u64;
        if length > most {
            return Err(too_large(most));
        }
        held.grow(piece.len())?;
        due = later(due, piece.len());
        each(&piece);
        if first.is_empty() {
            first = piece;
            continue;
        }
        let rest = rest.get_or_insert_with(|| {
            let declared = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
            let expected = declared.saturating_add(first.len() + piece.len());
            let mut all = BytesMut::with_capacity(expected.min(BODY_FIRST));
            all.extend_from_slice(&first);
            all
        });
        rest.extend_from_slice(&piece);
    }
    Ok(Whole {
        bytes: rest.map_or(first, BytesMut::freeze),
        held,
    })
}

/// When the next piece must be there: each byte gives the time that it may take, and no more than
/// [`BODY_IDLE`] is ever in store, so that nobody sends fast first and then drips.
fn later(due: Instant, bytes: usize) -> Instant {
    let rate = u32::try_from(BODY_RATE).unwrap_or(u32::MAX);
    let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
    let earned = Duration::from_secs(1) * bytes / rate;
    (due + earned).min(Instant::now() + BODY_IDLE)
}

fn too_large(most: u64) -> Problem {
    let detail = format!("The body may have {most} bytes at the most.");
    Problem::new(Code::PayloadTooLarge, detail)
}

/// The text of a JSON body: UTF-8, and no deeper than a parser may go.
pub(crate) fn json_text(body: &[u8]) -> Result<&str, Problem> {
    let text = std::str::from_utf8(body)
        .map_err(|_| Problem::new(Code::InvalidJson, "The body is not UTF-8."))?;
    if nesting(text) > JSON_DEPTH {
        let detail = format!("JSON may nest {JSON_DEPTH} levels deep.");
        return Err(Problem::new(Code::TooDeep, detail));
    }
    Ok(text)
}

/// What a JSON parser said. It names places, and never what stands there.
pub(crate) fn bad_json(error: &serde_json::Error) -> Problem {
    let (line, column) = (error.line(), error.column());
    let detail = format!(
        "The body cannot be read as the JSON that is expected here; see line {line}, column {column}."
    );
    Problem::new(Code::InvalidJson, detail)
}

#[cfg(test)]
mod tests;
