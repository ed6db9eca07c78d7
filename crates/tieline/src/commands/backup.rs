//! `tieline backup`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use serde_json::json;
use tieline_store_sqlite::{BackupError, SqliteStore};

use crate::cli::{DATA, Format, OutputArgs};
use crate::output::{self, Progress};
use crate::wiring::database_path;

/// Copy everything that a hub has stored to a file, also while the hub runs
///
/// The copy is the hub at one moment: everything that was acknowledged before is in it. The hub goes
/// on with its work. Nothing is ever overwritten, and a copy that was interrupted leaves no file
/// that looks like a whole one.
///
/// Secrets and bodies are sealed in the copy as they are in the hub: it opens with the hub's master key
/// alone, which is not in it. The id of that key is said; keep the key, and keep it elsewhere.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Examples:
  tieline backup --to hub-2026-11-22.db
  tieline backup --to /mnt/backups/hub.db --data /var/lib/tieline

To restore a copy, with the hub stopped:
  mkdir -m 700 restored && cp hub-2026-11-22.db restored/tieline.db
  install -m 600 vault.key restored/vault.key   # the key whose id the backup named
  tieline serve --data restored"
)]
pub(crate) struct BackupArgs {
    /// The file to make; its folder has to be there
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// The data folder of the hub
    #[arg(long, value_name = "DIR", default_value = DATA)]
    data: PathBuf,
    /// The hub's database, where it is not in its data folder: a path, or `sqlite:PATH`
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    #[command(flatten)]
    output: OutputArgs,
}

pub(crate) fn run(args: &BackupArgs) -> anyhow::Result<ExitCode> {
    let source = database_path(args.database.as_deref(), &args.data)?;
    if !source.exists() {
        bail!(
            "there is nothing to copy: `{}` does not exist\n  \
             fix: name the hub's data folder with `--data`",
            source.display()
        );
    }
    let mut progress = Progress::of("copying");
    let copied = SqliteStore::backup(&source, &args.to, |done, of| progress.tell(done, of));
    drop(progress);
    let master = copied.map_err(explained)?.to_string();
    let about = args.to.metadata();
    let bytes = about.context("failed to look at the copy")?.len();
    if args.output.output == Format::Json {
        output::json(&json!({
            "from": source,
            "to": args.to,
            "bytes": bytes,
            "master_key": master,
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let to = args.to.display().to_string();
    output::data(&format!("{} ({})", output::plain(&to), output::size(bytes)))?;
    output::note(&how_to_restore(&args.to, &source, &master));
    Ok(ExitCode::SUCCESS)
}

fn explained(error: BackupError) -> anyhow::Error {
    let fix = match &error {
        BackupError::Exists { .. } => "choose another name: a backup never overwrites anything",
        BackupError::Underway { .. } => "wait for that one, or choose another name",
        BackupError::NoKeys { .. } => "start the hub once",
        BackupError::Foreign { .. } => "name the hub's data folder with `--data`",
        BackupError::Write { .. } => "choose a folder that is there, on a disk with room",
        BackupError::Read { .. } | BackupError::Copy { .. } => "see what `tieline doctor` finds",
    };
    anyhow!("failed to {:#}\n  fix: {fix}", anyhow::Error::new(error))
}

fn how_to_restore(copy: &Path, store: &Path, master: &str) -> String {
    let (copy, store) = (copy.display().to_string(), store.display().to_string());
    let (copy, store) = (output::plain(&copy), output::plain(&store));
    format!(
        "To restore it: stop the hub, move {store}, {store}-wal and {store}-shm away, copy {copy} to \
         {store}, and start the hub.\n\
         It opens with the master key {master} alone, which is not in it: keep that key elsewhere \
         (`vault.key` in the data folder, or `vault.key.{master}` there once the key has changed)."
    )
}
