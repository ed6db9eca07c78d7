//! `tieline doctor`: what a hub needs, looked at from outside. It repairs nothing.

mod disk;
mod folder;
mod hub;
mod process;
mod report;
mod settings;
mod store;
mod vault;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use tieline_model::Clock as _;
use tieline_store_sqlite::Depth;

use self::report::Report;
use crate::cli::{DATA, Format, OutputArgs};
use crate::output;
use crate::wiring::{SystemClock, database_path};

/// See whether a hub has what it needs, and whether what it stored is whole
///
/// Looks at the data folder, the disk, the database, the clock and the configuration, also while
/// the hub runs, and says for everything that is wrong what to do. It repairs nothing, and
/// changes nothing that is stored; to see how fast the disk is, it writes a small file into the data
/// folder and removes it.
///
/// The exit code is 1 if something is wrong. Warnings are said too, and do not count.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Examples:
  tieline doctor
  tieline doctor --data /var/lib/tieline --config tieline.yaml
  tieline doctor --full --output json"
)]
pub(crate) struct DoctorArgs {
    /// The data folder of the hub
    #[arg(long, value_name = "DIR", default_value = DATA)]
    data: PathBuf,
    /// The configuration that the hub is started with: a file, or a folder of files
    #[arg(long, value_name = "FILE|DIR")]
    config: Option<PathBuf>,
    /// The hub's database, where it is not in its data folder: a path, or `sqlite:PATH`
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Where the hub is reached, if it runs; left out, where the configuration says, or
    /// `http://127.0.0.1:8080`
    #[arg(long, env = "TIELINE_HUB", value_name = "URL")]
    hub: Option<String>,
    /// Look at every index, every stored body and every reference too; reads the whole database
    #[arg(long)]
    full: bool,
    #[command(flatten)]
    output: OutputArgs,
}

pub(crate) fn run(args: &DoctorArgs) -> anyhow::Result<ExitCode> {
    let report = examine(args);
    match args.output.output {
        Format::Json => output::json(&report.to_json())?,
        Format::Text => output::data(&report.to_text())?,
    }
    Ok(if report.has_failed() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn examine(args: &DoctorArgs) -> Report {
    let mut report = Report::default();
    // Read first, because it says where the hub and its database are; reported in its place.
    let settings = args.config.as_deref().map(settings::read);
    let hub = settings.as_ref().and_then(settings::Read::hub);
    let mut process = None;
    if folder::examine(&args.data, &mut report) {
        let address = args.hub.clone();
        let address = address.unwrap_or_else(|| hub::address(hub));
        process = hub::examine(&args.data, &address, &mut report);
        disk::examine(&args.data, &mut report);
        let configured = hub.and_then(|hub| hub.database.as_ref());
        let configured = configured.map(tieline_model::Secret::expose);
        match database_path(args.database.as_deref().or(configured), &args.data) {
            Ok(path) => {
                let depth = if args.full { Depth::Full } else { Depth::Quick };
                let vault = vault::examine(args, hub, &path, &mut report);
                let asked = store::Asked {
                    depth,
                    vault: vault.as_ref(),
                    now: SystemClock.now(),
                };
                store::examine(&path, &asked, &mut report);
            }
            Err(error) => report.failed("database", &error),
        }
    }
    if let Some(settings) = settings {
        settings.report(&mut report);
    }
    process::examine(process, &mut report);
    report
}
