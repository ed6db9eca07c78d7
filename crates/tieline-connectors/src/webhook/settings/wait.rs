//! The one setting in which inbound and sync differ: how long a caller waits.

use std::borrow::Cow;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use tieline_contract::Problems;
use tieline_model::quantity::Span;

/// What a mode says about waiting.
pub(in crate::webhook) trait Waiting:
    DeserializeOwned + Serialize + JsonSchema + Default + Send + Sync + 'static
{
    fn duration(&self) -> Duration;
    fn check(&self, problems: &mut Problems);
}

/// Inbound: nobody waits, and the setting does not exist.
#[derive(Debug, Default, Serialize)]
pub(in crate::webhook) struct NoWait;

/// Sync: how long a caller waits.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(in crate::webhook) struct Wait(Span);

impl Waiting for NoWait {
    fn duration(&self) -> Duration {
        Duration::ZERO
    }

    fn check(&self, _: &mut Problems) {}
}

impl Waiting for Wait {
    fn duration(&self) -> Duration {
        self.0.0
    }

    fn check(&self, problems: &mut Problems) {
        let sensible = Duration::from_secs(1)..=Duration::from_hours(1);
        if !sensible.contains(&self.0.0) {
            problems.add_with_fix("timeout", "is not a sensible wait", "write `1s` to `1h`");
        }
    }
}

impl Default for Wait {
    fn default() -> Self {
        Self(Span::from_secs(5 * 60))
    }
}

impl<'de> Deserialize<'de> for NoWait {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(D::Error::custom("only a sync connector has a timeout"))
    }
}

impl JsonSchema for NoWait {
    fn schema_name() -> Cow<'static, str> {
        "NoWait".into()
    }

    /// The schema that no value fits: [`drop_impossible`] takes the property out.
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        false.into()
    }

    fn inline_schema() -> bool {
        true
    }
}

/// Takes the properties that no value fits out of a schema, so that forms do not show them.
pub(super) fn drop_impossible(schema: &mut Schema) {
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    if let Some(properties) = properties {
        properties
            .retain(|_, property| *property != Value::Bool(false) && property.get("not").is_none());
    }
}
