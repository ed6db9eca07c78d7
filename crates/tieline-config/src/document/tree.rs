//! A document as a tree whose nodes know where they stand.

use std::collections::HashMap;

use serde_json::{Map, Value};
use tieline_contract::settings::join_path;

use super::Mark;

/// One value and where it begins.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) mark: Mark,
    /// Levels of lists and maps, this one included; a scalar has none.
    pub(super) depth: usize,
    /// Values, this one included.
    pub(super) size: usize,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Scalar(Value),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// The name of a field and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) mark: Mark,
    pub(super) name: String,
}

impl Node {
    pub(super) const fn scalar(mark: Mark, value: Value) -> Self {
        Self {
            mark,
            depth: 0,
            size: 1,
            kind: Kind::Scalar(value),
        }
    }

    pub(super) fn list(mark: Mark, items: Vec<Self>) -> Self {
        Self {
            mark,
            depth: 1 + items.iter().map(|item| item.depth).max().unwrap_or(0),
            size: 1 + items.iter().map(|item| item.size).sum::<usize>(),
            kind: Kind::List(items),
        }
    }

    pub(super) fn map(mark: Mark, fields: Vec<(Key, Self)>) -> Self {
        Self {
            mark,
            depth: 1 + fields.iter().map(|(_, node)| node.depth).max().unwrap_or(0),
            size: 1 + fields.iter().map(|(_, node)| node.size).sum::<usize>(),
            kind: Kind::Map(fields),
        }
    }

    /// The plain value. The place of every field and item goes to `marks`, by its path.
    ///
    /// Recurses at most as deep as a document may be.
    pub(super) fn into_value(self, path: &str, marks: &mut HashMap<String, Mark>) -> Value {
        marks.entry(path.to_owned()).or_insert(self.mark);
        match self.kind {
            Kind::Scalar(value) => value,
            Kind::List(items) => items
                .into_iter()
                .enumerate()
                .map(|(n, item)| item.into_value(&join_path(path, &format!("[{n}]")), marks))
                .collect(),
            Kind::Map(fields) => {
                let mut map = Map::new();
                for (key, node) in fields {
                    let below = join_path(path, &key.name);
                    marks.insert(below.clone(), key.mark);
                    map.insert(key.name, node.into_value(&below, marks));
                }
                Value::Object(map)
            }
        }
    }
}
