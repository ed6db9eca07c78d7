//! `tieline audit`.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::resource::{self, Columns, Listing};
use crate::cli::{HubArgs, OutputArgs, PageArgs};

/// Show who did what
#[derive(Args)]
#[command(after_help = "Examples:
  tieline audit list --limit 20
  tieline audit list --output json")]
pub(crate) struct AuditArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// List what was done in the project of the key, the newest first
    List {
        #[command(flatten)]
        page: PageArgs,
        #[command(flatten)]
        output: OutputArgs,
        #[command(flatten)]
        hub: HubArgs,
    },
}

const COLUMNS: Columns = &[
    ("NO", "/position"),
    ("AT", "/at"),
    ("ACTOR", "/actor"),
    ("KEY", "/key"),
    ("HINT", "/key_hint"),
    ("FROM", "/from"),
    ("ACTION", "/action"),
    ("TARGET", "/target"),
    ("OUTCOME", "/outcome"),
    ("OF", "/begun"),
];

pub(crate) fn run(args: &AuditArgs) -> anyhow::Result<ExitCode> {
    let Verb::List { page, output, hub } = &args.verb;
    let listing = Listing {
        path: "/v1/audit",
        filters: &[],
        columns: COLUMNS,
    };
    resource::list(hub, &listing, page, output)
}
