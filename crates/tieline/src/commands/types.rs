//! `tieline types`.

use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use serde_json::{Map, Value, json};
use tieline_contract::ConnectorType;
use tieline_contract::settings::one_of;

use super::resource::Columns;
use crate::cli::{Format, OutputArgs};
use crate::config::TYPES;
use crate::output;

/// List the types that connectors may have, or print the manual of one
///
/// Works offline.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Examples:
  tieline types
  tieline types webhook
  tieline types webhook --output json   # with the JSON Schema of its settings, by mode"
)]
pub(crate) struct TypesArgs {
    /// The type whose manual to print, in Markdown
    #[arg(value_name = "TYPE")]
    kind: Option<String>,
    #[command(flatten)]
    output: OutputArgs,
}

const COLUMNS: Columns = &[
    ("TYPE", "/type"),
    ("MODES", "/modes"),
    ("WHAT IT IS", "/summary"),
];

pub(crate) fn run(args: &TypesArgs) -> anyhow::Result<ExitCode> {
    match (&args.kind, args.output.output) {
        (Some(name), format) => {
            let Some(kind) = TYPES.connector(name) else {
                let names: Vec<&str> = TYPES.connectors.iter().map(|kind| kind.name).collect();
                bail!("there is no type `{name}`\n  fix: {}", one_of(name, &names));
            };
            match format {
                Format::Text => output::data(&tieline_connectors::manual(kind))?,
                Format::Json => output::json(&whole(kind))?,
            }
        }
        (None, Format::Json) => {
            let all: Vec<Value> = TYPES.connectors.iter().map(|kind| whole(kind)).collect();
            output::json(&json!({ "data": all, "next_cursor": null }))?;
        }
        (None, Format::Text) => {
            let all: Vec<Value> = TYPES.connectors.iter().map(|kind| summary(kind)).collect();
            output::data(&output::items(&all, COLUMNS))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn summary(kind: &ConnectorType) -> Value {
    json!({
        "type": kind.name,
        "title": kind.title,
        "summary": kind.summary,
        "modes": kind.modes(),
    })
}

/// Everything about a type, as the management API shows it.
fn whole(kind: &ConnectorType) -> Value {
    let schemas: Map<String, Value> = kind
        .modes()
        .into_iter()
        .filter_map(|mode| Some((mode.as_str().to_owned(), kind.schema(mode)?().into())))
        .collect();
    let mut all = summary(kind);
    if let Some(fields) = all.as_object_mut() {
        fields.insert("schemas".to_owned(), Value::Object(schemas));
        fields.insert("manual".to_owned(), tieline_connectors::manual(kind).into());
    }
    all
}
