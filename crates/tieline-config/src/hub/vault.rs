//! Where the hub's master key comes from.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use tieline_contract::Problems;

/// Where the master key comes from: one of these. Without either, from `vault.key` in the data
/// folder, or from `TIELINE_VAULT_KEY`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct VaultSettings {
    /// A file with the key, for the hub's user alone; what is relative begins at the configuration's
    /// folder. It is made where there is neither a key nor a store.
    #[schemars(with = "Option<String>")]
    pub key_file: Option<PathBuf>,
    /// A command and its arguments that prints the key: the way to a key management service. It is run
    /// at each start, in the configuration's folder.
    pub command: Option<Vec<String>>,
}

/// Checks what the schema cannot express.
pub(super) fn check(written: Option<&Value>, problems: &mut Problems) {
    let Some(vault) = written else { return };
    let there = |name: &str| vault.get(name).filter(|value| !value.is_null());
    match (there("key_file"), there("command")) {
        (Some(_), Some(_)) => problems.add_with_fix(
            "vault",
            "names two places for one key",
            "keep `key_file` or `command`",
        ),
        (None, None) => problems.add_with_fix(
            "vault",
            "names no place for the key",
            "write `key_file` or `command`, or leave `vault` out",
        ),
        (Some(Value::String(path)), None) if path.is_empty() => {
            problems.add_with_fix("vault.key_file", "is empty", "write the file's path");
        }
        (None, Some(Value::Array(words))) if words.is_empty() => problems.add_with_fix(
            "vault.command",
            "is empty",
            "write the command and its arguments",
        ),
        _ => {}
    }
}
