//! `tieline events`.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::resource::{self, Columns, Listing};
use crate::cli::{HubArgs, OutputArgs, PageArgs};

/// List what arrived, or show one event with its runs
#[derive(Args)]
pub(crate) struct EventsArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// List events, the newest first
    List {
        /// Only those of this connector
        #[arg(long, value_name = "NAME")]
        connector: Option<String>,
        #[command(flatten)]
        page: PageArgs,
        #[command(flatten)]
        output: OutputArgs,
        #[command(flatten)]
        hub: HubArgs,
    },
    /// Show one event with its runs
    Show {
        /// Its id
        id: String,
        #[command(flatten)]
        output: OutputArgs,
        #[command(flatten)]
        hub: HubArgs,
    },
}

const COLUMNS: Columns = &[
    ("EVENT", "/event_id"),
    ("RECEIVED", "/received_at"),
    ("CONNECTOR", "/connector"),
    ("TRUST", "/trust"),
    ("STATUS", "/status"),
    ("FILTERED", "/filtered"),
];

const RUNS: Columns = &[
    ("RUN", "/run_id"),
    ("AGENT", "/agent_name"),
    ("STATUS", "/status"),
    ("ENDED", "/ended_at"),
];

pub(crate) fn run(args: &EventsArgs) -> anyhow::Result<ExitCode> {
    match &args.verb {
        Verb::List {
            connector,
            page,
            hub,
            output,
        } => {
            let listing = Listing {
                path: "/v1/events",
                filters: &[("connector", connector.as_deref())],
                columns: COLUMNS,
            };
            resource::list(hub, &listing, page, output)
        }
        Verb::Show { id, hub, output } => {
            resource::show(hub, ("events", id), &[("runs", RUNS)], output)
        }
    }
}
