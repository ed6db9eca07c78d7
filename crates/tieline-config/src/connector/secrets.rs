//! A connector's secrets as they are written: a text, one with its time, or a list of these.
//!
//! Nothing in here may bring the text of a secret into a message, or show one.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value, json};
use tieline_contract::Problems;
use tieline_contract::settings::{REDACTED, join_path};
use tieline_model::{DatedSecret, Secret, Timestamp};

/// One secret or several.
#[derive(Debug, Default)]
pub(super) struct Secrets(pub(super) Vec<DatedSecret>);

/// One secret with the time in which it is good.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct Dated {
    /// The secret itself.
    value: Secret,
    /// From when on it is good, in RFC 3339: `2026-11-22T13:00:00Z`. Left out, since ever.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    not_before: Option<Timestamp>,
    /// Until when it is good, in RFC 3339. Left out, for ever.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    not_after: Option<Timestamp>,
}

impl<'de> Deserialize<'de> for Secrets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let secrets = places(&value).into_iter().map(|(_, value)| secret(value));
        let secrets: Result<_, String> = secrets.collect();
        secrets.map(Self).map_err(de::Error::custom)
    }
}

fn secret(value: &Value) -> Result<DatedSecret, String> {
    let for_callers = |text: &str| Secret::for_callers(text).map_err(|error| error.to_string());
    if let Some(text) = value.as_str() {
        return for_callers(text).map(DatedSecret::always);
    }
    let dated = Dated::deserialize(value).map_err(|error| error.to_string())?;
    Ok(DatedSecret {
        secret: for_callers(dated.value.expose())?,
        not_before: dated.not_before,
        not_after: dated.not_after,
    })
}

impl JsonSchema for Secrets {
    fn schema_name() -> Cow<'static, str> {
        "Secrets".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let text = generator.subschema_for::<Secret>();
        let dated = generator.subschema_for::<Dated>();
        let several = json_schema!({
            "type": "array",
            "items": { "anyOf": [text, dated] },
            "minItems": 1,
        });
        json_schema!({ "anyOf": [text, dated, several] })
    }

    fn inline_schema() -> bool {
        true
    }
}

/// Each secret with its path.
fn places(value: &Value) -> Vec<(String, &Value)> {
    match value {
        Value::Array(several) => {
            let path = |n| format!("secret[{n}]");
            let several = several.iter().enumerate();
            several.map(|(n, value)| (path(n), value)).collect()
        }
        Value::Null => Vec::new(),
        one => vec![("secret".to_owned(), one)],
    }
}

/// Checks what the schema cannot express. What the schema refuses has its problem already.
pub(super) fn check(written: Option<&Value>, problems: &mut Problems) {
    for (path, value) in written.map(places).unwrap_or_default() {
        let (text_path, text) = match value.get("value") {
            Some(inner) => (join_path(&path, "value"), inner.as_str()),
            None => (path.clone(), value.as_str()),
        };
        let text = text.filter(|text| !text.is_empty());
        if let Some(Err(error)) = text.map(Secret::for_callers) {
            problems.add_with_fix(&text_path, "is no secret", error.to_string());
        }
        let [from, until] = ["not_before", "not_after"].map(|name| {
            let text = value.get(name).and_then(Value::as_str)?;
            let time = text.parse::<Timestamp>().ok();
            if time.is_none() {
                let fix = "write it in RFC 3339, as in `2026-11-22T13:00:00Z`";
                problems.add_with_fix(&join_path(&path, name), "is no time", fix);
            }
            time
        });
        if let (Some(from), Some(until)) = (from, until)
            && until <= from
        {
            let path = join_path(&path, "not_after");
            let fix = "write a later time, or leave one of the two out";
            problems.add_with_fix(&path, "is not after `not_before`", fix);
        }
    }
}

/// The secrets as people write them, themselves included: only for what reads them again.
pub fn write_secrets(secrets: &[DatedSecret]) -> Option<Value> {
    form(secrets, DatedSecret::expose)
}

/// The secrets with their times and without themselves; `None` where there are none.
pub(crate) fn show_secrets(secrets: &[DatedSecret]) -> Option<Value> {
    form(secrets, |_| REDACTED)
}

fn form(secrets: &[DatedSecret], text: impl Fn(&DatedSecret) -> &str) -> Option<Value> {
    let one = |secret: &DatedSecret| {
        if secret.not_before.is_none() && secret.not_after.is_none() {
            return Value::from(text(secret));
        }
        let mut fields = Map::new();
        fields.insert("value".to_owned(), Value::from(text(secret)));
        let times = [
            ("not_before", secret.not_before),
            ("not_after", secret.not_after),
        ];
        let times = times
            .into_iter()
            .filter_map(|(name, time)| Some((name, time?)));
        fields.extend(times.map(|(name, time)| (name.to_owned(), json!(time))));
        Value::Object(fields)
    };
    match secrets {
        [] => None,
        [only] => Some(one(only)),
        several => Some(several.iter().map(one).collect()),
    }
}

#[cfg(test)]
mod tests;
