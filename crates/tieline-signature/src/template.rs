//! What a signature covers: the parts of the signed content, and the claims that fill them.
//!
//! Shared by the schemes that put one signature into one header. A template must contain the body
//! exactly once, and two messages must never fill it with the same bytes.

use crate::{KeyError, Refusal, Window, window};

/// Most parts of a template.
const MOST_PARTS: usize = 16;
/// Most bytes of a message id that is looked at.
const MOST_ID_BYTES: usize = 256;

/// One part of the signed content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// The raw body. Exactly once in every template.
    Body,
    /// The timestamp as it stands in its header.
    Timestamp,
    /// The message id as it stands in its header.
    Id,
    /// Fixed text, such as a separator. Not empty.
    Literal(String),
}

/// What a message says about itself beside its body and signature.
#[derive(Debug, Clone, Copy, Default)]
pub struct Claims<'a> {
    /// The message id, where the scheme signs one.
    pub id: Option<&'a str>,
    /// Seconds since 1970 as text, where the scheme signs a timestamp.
    pub timestamp: Option<&'a str>,
}

/// Why a scheme makes no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SchemeError {
    /// A key was not accepted.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The body is not in the template exactly once.
    #[error("the signed content must contain the body exactly once")]
    Body,
    /// There are too many parts, or an empty literal.
    #[error("the signed content has more than {MOST_PARTS} parts or an empty one")]
    Parts,
    /// Two parts of variable length touch, and where one ends cannot be told.
    #[error("the signed content needs a separator between the id and what stands beside it")]
    Separator,
    /// There is a tolerance without a signed timestamp, or it is negative.
    #[error("a tolerance needs a signed timestamp and must not be negative")]
    Tolerance,
}

/// A checked template.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    content: Vec<Part>,
    tolerance_s: Option<i64>,
}

/// What is signed before the body, and what after it.
pub(crate) struct Around {
    pub(crate) head: Vec<u8>,
    pub(crate) tail: Vec<u8>,
}

impl Template {
    /// Refuses content that does not cover the body, or that two messages could fill alike.
    pub(crate) fn new(content: Vec<Part>, tolerance_s: Option<i64>) -> Result<Self, SchemeError> {
        let is_body = |part: &&Part| matches!(part, Part::Body);
        if content.iter().filter(is_body).count() != 1 {
            return Err(SchemeError::Body);
        }
        let empty = |part: &Part| matches!(part, Part::Literal(text) if text.is_empty());
        if content.len() > MOST_PARTS || content.iter().any(empty) {
            return Err(SchemeError::Parts);
        }
        let touching = |pair: &[Part]| {
            pair.contains(&Part::Id) && !pair.iter().any(|part| matches!(part, Part::Literal(_)))
        };
        if content.windows(2).any(touching) {
            return Err(SchemeError::Separator);
        }
        let timed = content.contains(&Part::Timestamp);
        match tolerance_s {
            Some(tolerance_s) if !timed || tolerance_s < 0 => Err(SchemeError::Tolerance),
            _ => Ok(Self {
                content,
                tolerance_s,
            }),
        }
    }

    /// Judges the claims of a message that arrived at `now_s`, and fills the template with them.
    pub(crate) fn admit(&self, claims: Claims<'_>, now_s: i64) -> Result<Around, Refusal> {
        let (around, timestamp_s) = self.read(claims)?;
        if let (Some(timestamp_s), Some(tolerance_s)) = (timestamp_s, self.tolerance_s) {
            Window { now_s, tolerance_s }.check(timestamp_s)?;
        }
        Ok(around)
    }

    /// Fills the template. Refuses claims that are missing, malformed, or of which could not be told
    /// where they end.
    pub(crate) fn fill(&self, claims: Claims<'_>) -> Result<Around, Refusal> {
        self.read(claims).map(|(around, _)| around)
    }

    /// With the timestamp, where one is signed.
    fn read(&self, claims: Claims<'_>) -> Result<(Around, Option<i64>), Refusal> {
        let (mut head, mut tail) = (Vec::new(), Vec::new());
        let (mut filled, mut timestamp_s) = (&mut head, None);
        for (at, part) in self.content.iter().enumerate() {
            match part {
                Part::Body => filled = &mut tail,
                Part::Literal(text) => filled.extend_from_slice(text.as_bytes()),
                Part::Timestamp => {
                    let text = claims.timestamp.ok_or(Refusal::Timestamp)?;
                    timestamp_s = Some(window::parse(text)?);
                    filled.extend_from_slice(text.as_bytes());
                }
                Part::Id => {
                    let id = claims.id.ok_or(Refusal::Id)?;
                    let (start, end) = self.separators(at);
                    check_id(id, start, end)?;
                    filled.extend_from_slice(id.as_bytes());
                }
            }
        }
        Ok((Around { head, tail }, timestamp_s))
    }

    /// The separators before and after the part at `at`; empty where there is none. A literal that
    /// nothing variable stands behind cannot be moved, and separates nothing.
    fn separators(&self, at: usize) -> (&str, &str) {
        let (before, after) = self.content.split_at(at);
        let start = match before {
            [_, .., Part::Literal(start)] => start.as_str(),
            _ => "",
        };
        let end = match after {
            [_, Part::Literal(end), ..] => end.as_str(),
            _ => "",
        };
        (start, end)
    }
}

/// Refuses an id in which, or at whose edge, a separator beside it could be found again: the
/// boundary between the id and its neighbour could be moved without changing what was signed.
fn check_id(id: &str, start: &str, end: &str) -> Result<(), Refusal> {
    let printable = id.bytes().all(|b| b.is_ascii_graphic());
    let sound = printable && !id.is_empty() && id.len() <= MOST_ID_BYTES;
    // An empty separator is found at both ends, where it cannot be moved.
    let ends_once = end.is_empty() || [id, end].concat().find(end) == Some(id.len());
    let starts_once = start.is_empty() || [start, id].concat().rfind(start) == Some(0);
    if sound && ends_once && starts_once {
        Ok(())
    } else {
        Err(Refusal::Id)
    }
}

#[cfg(test)]
mod tests;
