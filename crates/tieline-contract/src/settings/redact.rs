//! Hides the secrets among settings, wherever the schema says that one stands.

use schemars::Schema;
use serde_json::Value;

use super::problems::join_path;
use super::schema::{Place, fits};

/// What is shown in place of a secret.
pub const REDACTED: &str = "***";

/// What is hidden, and how much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hidden {
    /// All of it.
    Secret,
    /// What an address has behind `?`: tokens often stand there.
    Query,
}

/// A copy of `value` that shows no secret, and no query of an address.
///
/// Where a schema offers alternatives, a place is hidden if any of those that suit the value calls it a secret.
pub fn redact(schema: &Schema, value: &Value) -> Value {
    let mut shown = value.clone();
    let root = schema.as_value();
    visit(root, root, &mut shown, "", &mut |_, value, hidden| {
        let text = match (hidden, value.as_str().and_then(|text| text.split_once('?'))) {
            (Hidden::Query, Some((before, _))) => format!("{before}?{REDACTED}"),
            (Hidden::Query, None) => return,
            (Hidden::Secret, _) => REDACTED.to_owned(),
        };
        *value = Value::String(text);
    });
    shown
}

/// Whether an address is one that was shown without its query.
pub(super) fn is_without_query(address: &str) -> bool {
    let query = address.split_once('?').map(|(_, query)| query);
    query == Some(REDACTED)
}

/// The paths of the secrets that stand in `value`.
pub fn secret_paths(schema: &Schema, value: &Value) -> Vec<String> {
    let mut paths = Vec::new();
    let root = schema.as_value();
    let mut scratch = value.clone();
    visit(root, root, &mut scratch, "", &mut |path, _, hidden| {
        if hidden == Hidden::Secret {
            paths.push(path.to_owned());
        }
    });
    paths.sort_unstable();
    paths.dedup();
    paths
}

fn visit(
    root: &Value,
    schema: &Value,
    value: &mut Value,
    path: &str,
    found: &mut dyn FnMut(&str, &mut Value, Hidden),
) {
    let place = Place::new(root, schema);
    if place.is_secret() {
        if !value.is_null() {
            found(path, value, Hidden::Secret);
        }
        return;
    }
    if place.is_address() {
        found(path, value, Hidden::Query);
    }
    if let Some(branches) = place.branches() {
        let suits = |branch: &&Value| fits(&Place::new(root, branch).value_types(root), value);
        let mut suited: Vec<&Value> = branches.iter().filter(suits).collect();
        if suited.is_empty() {
            // What is written wrongly may be a secret all the same.
            suited.extend(branches);
        }
        for branch in suited {
            visit(root, branch, value, path, found);
        }
    }
    match value {
        Value::Array(items) => {
            let Some(schema) = place.items() else { return };
            for (n, item) in items.iter_mut().enumerate() {
                let below = join_path(path, &format!("[{n}]"));
                visit(root, schema, item, &below, found);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                let schema = place.property(name).or_else(|| place.additional());
                let Some(schema) = schema else { continue };
                let below = join_path(path, name);
                visit(root, schema, field, &below, found);
            }
        }
        _ => {}
    }
}
