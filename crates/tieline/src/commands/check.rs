//! `tieline check`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use tieline_config::Severity;

use crate::cli::{Format, OutputArgs};
use crate::config::{self, Place};
use crate::output;

/// Check configuration files, without a hub
///
/// Says every mistake at once: where it stands, what is wrong, and what would be right. The exit
/// code is 1 if there is one. Warnings are said too, and do not count.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Examples:
  tieline check
  tieline check tieline.yaml
  tieline check ./config/ --output json"
)]
pub(crate) struct CheckArgs {
    /// Files, or one folder of them; left out, `./tieline.yaml`
    #[arg(value_name = "FILE|DIR")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
}

pub(crate) fn run(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let place = Place::or_default(&args.files)?;
    let (loaded, diagnostics) = match place.load()? {
        Ok(loaded) => (Some(loaded.configuration), loaded.warnings),
        Err(diagnostics) => (None, diagnostics),
    };
    let agents = loaded.as_ref().map_or(0, |loaded| loaded.agents.len());
    let connectors = loaded.as_ref().map_or(0, |loaded| loaded.connectors.len());
    if args.output.output == Format::Json {
        output::json(&json!({
            "ok": loaded.is_some(),
            "agents": agents,
            "connectors": connectors,
            "diagnostics": diagnostics,
        }))?;
    } else {
        if !diagnostics.is_empty() {
            output::note(&output::plain_lines(&config::lines(&diagnostics)));
        }
        if loaded.is_some() {
            output::data(&format!(
                "ok: {}, {}",
                counted(agents, "agent"),
                counted(connectors, "connector")
            ))?;
        } else {
            let errors = diagnostics.iter().filter(|d| d.severity == Severity::Error);
            output::note(&counted(errors.count(), "mistake"));
        }
    }
    Ok(if loaded.is_some() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn counted(n: usize, word: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{n} {word}{plural}")
}
