//! Shows an agent's own words without the secrets that the hub had given it.

use std::ops::Range;

use tieline_contract::Assignment;

use crate::limits::EXCERPT;

/// Shorter values are too common as words to be hidden: `on`, `eu`, `80`.
const LEAST_BYTES: usize = 4;
/// What stands in a secret's place.
const MASK: &str = "***";

/// The secrets that one attempt may repeat.
pub(crate) struct Redactor<'a> {
    /// Longest first, so that a secret that contains another is hidden as a whole.
    secrets: Vec<&'a str>,
}

impl<'a> Redactor<'a> {
    /// The agent's own secrets, and those that came with the assignment.
    pub(crate) fn new(own: impl Iterator<Item = &'a str>, assignment: &'a Assignment) -> Self {
        let callback = assignment.callback.iter().map(|one| one.token.as_str());
        let files = assignment.files.iter().map(|file| file.url.as_str());
        let mut secrets: Vec<&str> = own
            .chain(callback)
            .chain(files)
            .map(str::trim)
            .filter(|secret| secret.len() >= LEAST_BYTES)
            .collect();
        secrets.sort_unstable_by_key(|secret| std::cmp::Reverse(secret.len()));
        Self { secrets }
    }

    /// How many bytes beside an excerpt are needed to know a secret that its edge cuts, and that
    /// there is an edge.
    pub(crate) fn margin(&self) -> usize {
        self.secrets.first().map_or(1, |secret| secret.len())
    }

    /// The first [`EXCERPT`] bytes of `raw`, of which up to [`Self::margin`] more should be given.
    pub(crate) fn start(&self, raw: &[u8]) -> String {
        self.show(raw, 0..EXCERPT.min(raw.len()))
    }

    /// The last lines of `raw`, at most [`EXCERPT`] bytes, before which [`Self::margin`] more
    /// should be given.
    pub(crate) fn end(&self, raw: &[u8]) -> String {
        let mut from = raw.len().saturating_sub(EXCERPT);
        if from > 0 {
            // Begins with a whole line, unless there is but one.
            let rest = raw.get(from..).unwrap_or_default().trim_ascii_end();
            let line = rest.iter().position(|byte| *byte == b'\n');
            from += line.map_or(0, |at| at + 1);
        }
        self.show(raw, from..raw.len())
    }

    /// What of `raw` begins in `range`: secrets masked, as text, without control characters.
    fn show(&self, raw: &[u8], range: Range<usize>) -> String {
        let mut shown = Vec::with_capacity(range.len());
        let mut at = 0;
        while at < range.end {
            let rest = raw.get(at..).unwrap_or_default();
            let secret = self
                .secrets
                .iter()
                .find(|secret| rest.starts_with(secret.as_bytes()));
            let (length, piece) = match secret {
                Some(secret) => (secret.len(), MASK.as_bytes()),
                None => (1, rest.get(..1).unwrap_or_default()),
            };
            if at + length > range.start {
                shown.extend_from_slice(piece);
            }
            at += length;
        }
        let text = String::from_utf8_lossy(&shown);
        let keep = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
        // One byte for one that is no text, so that the bound on bytes holds.
        let plain = |c| {
            if c == char::REPLACEMENT_CHARACTER {
                '?'
            } else {
                c
            }
        };
        let text: String = text.chars().filter(keep).map(plain).collect();
        text.trim().to_owned()
    }
}

#[cfg(test)]
mod tests;
