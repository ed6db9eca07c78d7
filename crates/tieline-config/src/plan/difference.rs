//! Which fields of an agent or a connector differ, without showing secrets.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};
use tieline_contract::settings::{REDACTED, join_path};
use tieline_model::{Agent, Connector};

use crate::{Types, agent, connector};

/// A field that changes. Two equal values that are shown are a secret that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldChange {
    pub path: String,
    /// JSON; `None` where the field is not there.
    pub before: Option<Value>,
    pub after: Option<Value>,
}

impl fmt::Display for FieldChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.path)?;
        match (&self.before, &self.after) {
            (Some(before), Some(after)) if before == after => f.write_str("changed"),
            (Some(before), Some(after)) => write!(f, "{before} → {after}"),
            (None, Some(after)) => write!(f, "{after} added"),
            (Some(before), None) => write!(f, "{before} removed"),
            (None, None) => Ok(()),
        }
    }
}

pub(super) fn agent_changes(before: &Agent, after: &Agent, types: &Types<'_>) -> Vec<FieldChange> {
    let whole = |agent: &Agent| leaves(agent::written(agent, &agent.settings));
    let shown = |agent: &Agent| leaves(agent::written(agent, &agent::shown_settings(agent, types)));
    changes(
        [&whole(before), &whole(after)],
        [&shown(before), &shown(after)],
    )
}

pub(super) fn connector_changes(
    before: &Connector,
    after: &Connector,
    types: &Types<'_>,
) -> Vec<FieldChange> {
    let whole = |c: &Connector| leaves(connector::written(c, c.settings.clone()));
    let shown = |c: &Connector| leaves(connector::written(c, connector::shown_settings(c, types)));
    let mut all = changes(
        [&whole(before), &whole(after)],
        [&shown(before), &shown(after)],
    );
    let [old, new] = [before, after].map(|c| &c.secrets);
    if connector::write_secrets(old) != connector::write_secrets(new) {
        all.push(FieldChange {
            path: "secret".to_owned(),
            before: connector::show_secrets(old),
            after: connector::show_secrets(new),
        });
    }
    all
}

type Leaves = BTreeMap<String, Value>;

/// The fields that differ as a whole, with the values that may be shown.
fn changes(whole: [&Leaves; 2], shown: [&Leaves; 2]) -> Vec<FieldChange> {
    let [before, after] = whole;
    let mut paths: Vec<&String> = before.keys().chain(after.keys()).collect();
    paths.sort_unstable();
    paths.dedup();
    paths.retain(|path| before.get(*path) != after.get(*path));
    let [shown_before, shown_after] = shown;
    // A whole value that is hidden has no parts to show.
    let show = |whole: &Leaves, shown: &Leaves, path: &String| {
        let hidden = || Value::from(REDACTED);
        let value = |_| shown.get(path).cloned().unwrap_or_else(hidden);
        whole.get(path).map(value)
    };
    let change = |path: &String| FieldChange {
        path: path.clone(),
        before: show(before, shown_before, path),
        after: show(after, shown_after, path),
    };
    paths.into_iter().map(change).collect()
}

/// Each value that holds no others, by its path.
fn leaves(fields: Map<String, Value>) -> Leaves {
    let mut found = Leaves::new();
    gather("", Value::Object(fields), &mut found);
    found
}

fn gather(path: &str, value: Value, found: &mut Leaves) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, field) in fields {
                gather(&join_path(path, &name), field, found);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (n, item) in items.into_iter().enumerate() {
                gather(&join_path(path, &format!("[{n}]")), item, found);
            }
        }
        leaf => {
            found.insert(path.to_owned(), leaf);
        }
    }
}
