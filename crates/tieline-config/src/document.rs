//! One document: YAML text turned into a value, with the place of every field kept.
//!
//! YAML 1.2 with its core schema, so `no` and `on` are texts; JSON is YAML. What could surprise is
//! refused rather than guessed: duplicate keys, merge keys, tags, several documents in one file.
//! Everything is bounded before it is built.

mod build;
pub(crate) mod scalar;
mod tree;

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use crate::diagnostic::{Diagnostic, Position};

/// The longest document, in bytes.
pub const LENGTH_MAX: usize = 4 << 20;
/// The deepest nesting of lists and maps.
pub const DEPTH_MAX: usize = 64;
/// The most values in one document, what aliases repeat included.
pub const NODES_MAX: usize = 100_000;

/// A line and a column, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// A document as it was read.
#[derive(Clone, Debug)]
pub struct Document {
    file: Arc<str>,
    /// What stands in it; `null` where nothing does.
    pub value: Value,
    marks: HashMap<String, Mark>,
}

impl Document {
    /// Reads `text`; `file` is what diagnostics call it.
    ///
    /// A text that is no YAML has one diagnostic, any other as many as there are mistakes.
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<Diagnostic>> {
        let file: Arc<str> = file.into();
        let (root, complaints) = build::build(text);
        let diagnose = |complaint: build::Complaint| {
            let position = complaint.mark.map(|mark| place(&file, mark));
            let mut diagnostic = Diagnostic::error(position, "", complaint.message);
            diagnostic.fix = complaint.fix.map(str::to_owned);
            diagnostic
        };
        if !complaints.is_empty() {
            return Err(complaints.into_iter().map(diagnose).collect());
        }
        let mut marks = HashMap::new();
        let value = root.map_or(Value::Null, |root| root.into_value("", &mut marks));
        Ok(Self { file, value, marks })
    }

    pub fn file(&self) -> &str {
        &self.file
    }

    /// Where a field's name, or a list's item, begins; for a path that is not there, where the
    /// nearest thing around it begins.
    pub fn position(&self, path: &str) -> Position {
        let mut path = path;
        loop {
            if let Some(mark) = self.marks.get(path) {
                return place(&self.file, *mark);
            }
            match path.rfind(['.', '[']).and_then(|end| path.get(..end)) {
                Some(around) => path = around,
                None if path.is_empty() => return place(&self.file, Mark { line: 1, column: 1 }),
                None => path = "",
            }
        }
    }
}

fn place(file: &Arc<str>, mark: Mark) -> Position {
    Position {
        file: Arc::clone(file),
        line: mark.line,
        column: mark.column,
    }
}

#[cfg(test)]
mod tests;
