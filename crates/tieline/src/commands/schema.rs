//! `tieline schema`.

use std::process::ExitCode;

use clap::Args;

use crate::config::TYPES;
use crate::output;

/// Print the JSON Schema of the configuration file, for editors
///
/// Works offline. An editor that speaks YAML then completes names and marks mistakes while you
/// write.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Example:
  tieline schema > tieline.schema.json
  # and as the first line of tieline.yaml:
  # yaml-language-server: $schema=tieline.schema.json"
)]
pub(crate) struct SchemaArgs {}

pub(crate) fn run(SchemaArgs {}: &SchemaArgs) -> anyhow::Result<ExitCode> {
    output::json(&tieline_config::json_schema(&TYPES))?;
    Ok(ExitCode::SUCCESS)
}
