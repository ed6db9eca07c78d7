//! Reads a streamed answer: passes its chunks on, and finds its output.
//!
//! An event `result` or `output` is the answer, read as a JSON or text body would be, and an event
//! `error` ends the run as failed; what follows either is not read. The data of any other event is
//! a chunk: its JSON where it is valid, else its text. A stream that ends without an answer, or
//! with `[DONE]`, has as output the texts of its chunks in one, or, where a chunk is an object or
//! a list, the list of its chunks.

use bytes::Bytes;
use tieline_contract::{Chunks, Outcome};
use tieline_egress::{BodyReader, EgressError};

use super::answer::{self, BadAnswer, Form};
use super::events::{Event, Parser};
use crate::json::{self, BadJson};
use crate::redact::Redactor;

/// What a common kind of agent says at the end of its stream.
const DONE: &[u8] = b"[DONE]";

/// Why a stream gave no outcome.
#[derive(Debug, thiserror::Error)]
pub(super) enum StreamError {
    #[error(transparent)]
    Egress(#[from] EgressError),
    #[error(transparent)]
    Answer(#[from] BadAnswer),
}

/// Reads the stream to its end, at most `limit` bytes.
pub(super) async fn read(
    mut body: BodyReader,
    limit: usize,
    chunks: &mut dyn Chunks,
    secrets: &Redactor<'_>,
) -> Result<Outcome, StreamError> {
    let mut reading = Reading::new(chunks, secrets);
    let mut parser = Parser::default();
    let mut events = Vec::new();
    let mut left = limit;
    while let Some(piece) = body.chunk().await? {
        left = left
            .checked_sub(piece.len())
            .ok_or(EgressError::TooLarge { limit })?;
        parser.feed(&piece, &mut events);
        for event in events.drain(..) {
            if let Some(outcome) = reading.take(&event)? {
                return Ok(outcome);
            }
        }
    }
    if let Some(event) = parser.finish()
        && let Some(outcome) = reading.take(&event)?
    {
        return Ok(outcome);
    }
    Ok(reading.gathered())
}

/// What the events so far add up to.
struct Reading<'a> {
    chunks: &'a mut dyn Chunks,
    secrets: &'a Redactor<'a>,
    /// The texts in one.
    text: String,
    /// The chunks as a JSON list without its end.
    list: Vec<u8>,
    /// Some chunk is an object or a list.
    structured: bool,
}

impl<'a> Reading<'a> {
    fn new(chunks: &'a mut dyn Chunks, secrets: &'a Redactor<'a>) -> Self {
        Self {
            chunks,
            secrets,
            text: String::new(),
            list: Vec::new(),
            structured: false,
        }
    }

    /// Takes one event; the outcome where it is the last.
    fn take(&mut self, event: &Event) -> Result<Option<Outcome>, BadAnswer> {
        let text = std::str::from_utf8(&event.data).map_err(|_| BadAnswer::Text)?;
        match event.name.as_str() {
            "result" | "output" => {
                let body = Bytes::copy_from_slice(&event.data);
                answer::read(Form::Unsaid, &body, self.secrets).map(Some)
            }
            "error" => {
                let error = answer::failure(text, self.secrets);
                Ok(Some(Outcome::Failed { error, usage: None }))
            }
            _ if event.data == DONE => Ok(Some(self.gathered())),
            _ => {
                self.chunk(text)?;
                Ok(None)
            }
        }
    }

    fn chunk(&mut self, text: &str) -> Result<(), BadAnswer> {
        let chunk = match json::value(text) {
            Ok(value) => {
                self.structured |= value.starts_with(['{', '[']);
                // A number or a word such as `true` may be a token of a text as well.
                let words = serde_json::from_str::<String>(value);
                self.text.push_str(words.as_deref().unwrap_or(text));
                Bytes::copy_from_slice(value.as_bytes())
            }
            Err(error @ BadJson::TooDeep) => return Err(BadAnswer::Json(error)),
            Err(BadJson::Syntax(_) | BadJson::Encoding(_)) => {
                self.text.push_str(text);
                json::string(text)
            }
        };
        self.list
            .push(if self.list.is_empty() { b'[' } else { b',' });
        self.list.extend_from_slice(&chunk);
        self.chunks.push(chunk);
        Ok(())
    }

    /// The output of a stream that names none.
    fn gathered(&mut self) -> Outcome {
        let output = if self.structured {
            self.list.push(b']');
            std::mem::take(&mut self.list).into()
        } else if self.list.is_empty() {
            Bytes::from_static(b"null")
        } else {
            json::string(&self.text)
        };
        Outcome::Completed {
            output,
            usage: None,
        }
    }
}

#[cfg(test)]
mod tests;
