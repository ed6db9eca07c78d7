//! Settings: what a person writes for one connector or agent, and what is wrong with it.

mod problems;

use schemars::{JsonSchema, Schema};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub use problems::{FieldProblem, Problems};

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
pub fn decode<S: Settings>(settings: &Map<String, Value>) -> Result<S, Problems> {
    let mut problems = Problems::default();
    let value = Value::Object(settings.clone());
    match serde_path_to_error::deserialize::<_, S>(value) {
        Ok(decoded) => {
            decoded.check(&mut problems);
            problems.into_result(decoded)
        }
        Err(error) => {
            problems.add(&error.path().to_string(), error.inner().to_string());
            Err(problems)
        }
    }
}
