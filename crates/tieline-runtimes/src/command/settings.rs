//! What a person writes for a `command` agent.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer};
use tieline_contract::{Problems, Settings};
use tieline_model::Secret;
use tieline_model::quantity::ByteSize;

use crate::limits::{self, MAX_OUTPUT_DEFAULT};

/// What the hub itself tells a command about its run.
pub(super) const RUN_ID: &str = "TIELINE_RUN_ID";

/// An agent that is a program on the hub's machine.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CommandSettings {
    /// The program and its arguments, for example `["python3", "audit.py"]`. There is no shell in
    /// between. It runs in the configuration file's folder.
    #[schemars(length(min = 1))]
    pub(super) command: Vec<String>,
    /// Environment variables beside `PATH`, `HOME`, `LANG`, `TZ` and `TMPDIR`. Their values are
    /// kept secret.
    #[serde(default)]
    pub(super) env: BTreeMap<String, EnvValue>,
    /// Whether standard output is the output as text, or is JSON.
    #[serde(default)]
    pub(super) output: OutputForm,
    /// Whether lines `{"chunk": …}` on standard output are passed on while the program runs. They
    /// are then no part of the output.
    #[serde(default)]
    pub(super) stream: bool,
    /// How much the program may write to standard output, for example `10MiB`.
    #[serde(default = "max_output_default")]
    pub(super) max_output: ByteSize,
}

const fn max_output_default() -> ByteSize {
    MAX_OUTPUT_DEFAULT
}

/// What standard output is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum OutputForm {
    /// Text in UTF-8, less one final newline.
    #[default]
    Text,
    /// One JSON value.
    Json,
}

/// The value of an environment variable: a secret, unless there is nothing to hide.
#[derive(Debug)]
pub(super) enum EnvValue {
    Blank(String),
    Secret(Secret),
}

impl EnvValue {
    pub(super) fn expose(&self) -> &str {
        match self {
            Self::Blank(text) => text,
            Self::Secret(secret) => secret.expose(),
        }
    }
}

impl<'de> Deserialize<'de> for EnvValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let blank = text.trim().is_empty();
        match Secret::new(text.as_str()) {
            Ok(secret) if !blank => Ok(Self::Secret(secret)),
            _ => Ok(Self::Blank(text)),
        }
    }
}

impl JsonSchema for EnvValue {
    fn schema_name() -> Cow<'static, str> {
        "EnvValue".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": "string", "format": "password", "writeOnly": true })
    }

    fn inline_schema() -> bool {
        true
    }
}

impl Settings for CommandSettings {
    fn check(&self, problems: &mut Problems) {
        if let Some("") = self.command.first().map(|program| program.trim()) {
            problems.add("command[0]", "the program has no name");
        }
        for (n, part) in self.command.iter().enumerate() {
            if part.contains('\0') {
                problems.add(&format!("command[{n}]"), "a NUL cannot be passed on");
            }
        }
        for (name, value) in &self.env {
            let path = format!("env.{name}");
            if name.is_empty() || name.contains(['=', '\0']) {
                problems.add(&path, "this is no name of an environment variable");
            } else if name == RUN_ID {
                problems.add_with_fix(&path, "the hub sets this variable itself", "leave it out");
            }
            if value.expose().contains('\0') {
                problems.add(&path, "a NUL cannot be passed on");
            }
        }
        limits::check_max_output(self.max_output, problems);
    }
}
