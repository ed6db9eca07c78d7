//! `tieline vault`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::Value;

use crate::cli::{Format, HubArgs, OutputArgs};
use crate::client::{HubClient, block_on};
use crate::output;

/// Show the keys by which everything is sealed, or change them
///
/// Secrets, bodies, outputs and files are sealed before they are stored: by data keys, which a master
/// key wraps. The master key comes from `vault.key` in the data folder, from `TIELINE_VAULT_KEY`, or
/// from where `vault` in the configuration says. No key is ever shown, only its id.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Examples:
  tieline vault status
  tieline vault rotate

Keep the master key apart from the backups: a copy opens with it alone."
)]
pub(crate) struct VaultArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Show the ids of the keys, how old they are, and how much they have sealed
    Status(Which),
    /// Change the master key and the data keys, while the hub works
    ///
    /// The master key before stays beside the new one, as `vault.key.ID`: copies that were made before
    /// need it. A master key that comes from a variable or a command is changed there.
    #[command(verbatim_doc_comment)]
    Rotate(Which),
}

/// Which hub, and how to print
#[derive(Args)]
struct Which {
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    hub: HubArgs,
}

pub(crate) fn run(args: &VaultArgs) -> anyhow::Result<ExitCode> {
    match &args.verb {
        Verb::Status(which) => status(which),
        Verb::Rotate(which) => rotate(which),
    }
}

fn status(which: &Which) -> anyhow::Result<ExitCode> {
    let client = HubClient::new(&which.hub)?;
    let status = block_on(client.get("/v1/vault"))?;
    if which.output.output == Format::Json {
        output::json(&status)?;
        return Ok(ExitCode::SUCCESS);
    }
    let field = |pointer: &str| shown(status.pointer(pointer));
    let lines = [
        format!(
            "master key   {} (from a {}, since {})",
            field("/master_key"),
            field("/source"),
            field("/since")
        ),
        format!(
            "data keys    {}, of which {} only open",
            field("/data_keys/count"),
            field("/data_keys/closed")
        ),
        format!(
            "sealing      at most {} values since {}",
            field("/data_keys/sealed_at_most"),
            field("/data_keys/sealing_since")
        ),
        format!("kept keys    {}", field("/retired")),
    ];
    output::data(&output::plain_lines(&lines.join("\n")))?;
    Ok(ExitCode::SUCCESS)
}

fn rotate(which: &Which) -> anyhow::Result<ExitCode> {
    let client = HubClient::new(&which.hub)?;
    let done = block_on(client.post_late("/v1/vault/rotate", None))?;
    if which.output.output == Format::Json {
        output::json(&done)?;
        return Ok(ExitCode::SUCCESS);
    }
    let field = |pointer: &str| shown(done.pointer(pointer));
    let text = format!(
        "master key {} -> {}; {} data keys wrapped anew, {} secrets and settings sealed anew",
        field("/from"),
        field("/to"),
        field("/rewrapped"),
        field("/resealed")
    );
    output::data(&output::plain_lines(&text))?;
    output::note(&output::plain_lines(&field("/note")));
    Ok(ExitCode::SUCCESS)
}

/// A value as people read it.
fn shown(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(all)) if all.is_empty() => "none".to_owned(),
        Some(Value::Array(all)) => {
            let texts = all.iter().filter_map(Value::as_str);
            texts.collect::<Vec<_>>().join(", ")
        }
        Some(other) => other.to_string(),
    }
}
