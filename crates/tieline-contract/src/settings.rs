//! Settings: what a person writes for one connector or agent, and what is wrong with it.

mod nearest;
mod problems;
mod redact;
mod schema;
mod walk;

use schemars::{JsonSchema, Schema};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub use nearest::{nearest, one_of};
pub use problems::{FieldProblem, Problems, join_path};
pub use redact::{REDACTED, redact, secret_paths};
pub use walk::{walk, walk_beside};

/// What a person writes. Its doc comments are the form's labels, the CLI's help and the manual.
///
/// There is no `Serialize`: settings hold secrets, and secrets have none.
pub trait Settings: DeserializeOwned + JsonSchema + Send + 'static {
    /// Reports what the schema cannot express, one problem per field.
    fn check(&self, _problems: &mut Problems) {}
}

/// Makes the JSON Schema of a settings type.
pub type SchemaOf = fn() -> Schema;

/// Opens a role from settings as they were written.
pub type Opener<Context, Role> = fn(&Map<String, Value>, &Context) -> Result<Box<Role>, Problems>;

pub(crate) fn schema_of<S: Settings>() -> Schema {
    schemars::schema_for!(S)
}

/// Reads settings: all problems at once, each with the path of its field.
///
/// The schema is walked first, because serde stops at the first problem; only what the schema
/// accepts is deserialised, and only what deserialises is checked.
pub fn decode<S: Settings>(settings: &Map<String, Value>) -> Result<S, Problems> {
    let mut problems = Problems::default();
    let value = Value::Object(settings.clone());
    walk(&schema_of::<S>(), &value, &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    match serde_path_to_error::deserialize::<_, S>(value) {
        Ok(decoded) => {
            decoded.check(&mut problems);
            problems.into_result(decoded)
        }
        Err(error) => {
            // The whole is written as `.` there, and as nothing here.
            let path = error.path().to_string();
            let path = if path == "." { "" } else { &path };
            problems.add(path, error.inner().to_string());
            Err(problems)
        }
    }
}

#[cfg(test)]
mod tests;
