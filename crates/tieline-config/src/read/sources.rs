//! The files that were read, with what `${…}` stands for put in.

use std::sync::Arc;

use serde_json::{Map, Value};
use tieline_contract::Problems;

use super::Source;
use crate::document::Document;
use crate::interpolate::{Interpolated, Lookup, interpolate};
use crate::{Diagnostic, Position};

/// Files in their order.
#[derive(Clone, Debug)]
pub(super) struct Sources {
    documents: Vec<(Document, Arc<Interpolated>)>,
    files: Vec<String>,
    /// Whether all of them could be read.
    pub(super) complete: bool,
}

impl Sources {
    pub(super) fn parse(
        sources: &[Source<'_>],
        lookup: &Lookup<'_>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Self {
        let mut documents = Vec::new();
        for Source { file, text } in sources {
            let mut document = match Document::parse(file, text) {
                Ok(document) => document,
                Err(wrong) => {
                    diagnostics.extend(wrong);
                    continue;
                }
            };
            if !document.value.is_object() && !document.value.is_null() {
                let position = Some(document.position(""));
                let wrong = Diagnostic::error(position, "", "expected fields at the top");
                diagnostics.push(wrong.with_fix("write `agents:` and `connectors:`"));
                continue;
            }
            let mut problems = Problems::default();
            let interpolated = interpolate(&mut document.value, lookup, &mut problems);
            for problem in problems.into_vec() {
                let position = Some(document.position(&problem.path));
                let mut wrong = Diagnostic::error(position, &problem.path, problem.message);
                wrong.fix = problem.fix;
                diagnostics.push(wrong);
            }
            documents.push((document, interpolated.into()));
        }
        Self {
            complete: documents.len() == sources.len(),
            documents,
            files: sources
                .iter()
                .map(|source| source.file.to_owned())
                .collect(),
        }
    }

    /// The fields at the top of each file.
    pub(super) fn fields(&self) -> impl Iterator<Item = (usize, &Map<String, Value>)> {
        self.documents
            .iter()
            .enumerate()
            .filter_map(|(n, (document, _))| document.value.as_object().map(|fields| (n, fields)))
    }

    /// The items of a list at the top of each file: the file, the item's path, the item.
    pub(super) fn items(&self, list: &str) -> Vec<(usize, String, &Value)> {
        let mut items = Vec::new();
        for (document, fields) in self.fields() {
            let here = fields
                .get(list)
                .and_then(Value::as_array)
                .into_iter()
                .flatten();
            let here = here
                .enumerate()
                .map(|(n, item)| (document, format!("{list}[{n}]"), item));
            items.extend(here);
        }
        items
    }

    pub(super) fn position(&self, document: usize, path: &str) -> Option<Position> {
        let (document, _) = self.documents.get(document)?;
        Some(document.position(path))
    }

    /// Whether the text at `path` could not be completed.
    pub(super) fn is_failed(&self, document: usize, path: &str) -> bool {
        let found = self.documents.get(document);
        found.is_some_and(|(_, interpolated)| interpolated.failed.contains(path))
    }

    /// Whether the text at `path` holds a value from outside the file.
    pub(super) fn is_from_elsewhere(&self, document: usize, path: &str) -> bool {
        let found = self.documents.get(document);
        found.is_some_and(|(_, interpolated)| interpolated.replaced.contains(path))
    }

    /// Sorts by file, line and column, as a person reads.
    pub(super) fn sort(&self, diagnostics: &mut [Diagnostic]) {
        diagnostics.sort_by_key(|diagnostic| {
            let place = diagnostic.position.as_ref().map(|position| {
                let file = self.files.iter().position(|file| **file == *position.file);
                (file, position.line, position.column)
            });
            (place.is_none(), place)
        });
    }
}
