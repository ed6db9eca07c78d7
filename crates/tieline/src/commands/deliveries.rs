//! `tieline deliveries`.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::resource::{self, ATTEMPTS, Columns, Listing};
use crate::cli::{HubArgs, OutputArgs, PageArgs};

/// List what was carried outside, show one delivery, or try it again
///
/// A delivery is the result of one run on its way through one outbound connector. It is tried for
/// about three days before it has failed.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Examples:
  tieline deliveries list --status failed
  tieline deliveries redrive 01900000-0000-7000-8000-000000000000"
)]
pub(crate) struct DeliveriesArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// List deliveries, the newest first
    List(List),
    /// Show one delivery with its attempts
    Show(One),
    /// Try a delivery again now, with all its attempts before it
    Redrive(One),
}

/// Which deliveries
#[derive(Args)]
struct List {
    /// Only those of this outbound connector
    #[arg(long, value_name = "NAME")]
    connector: Option<String>,
    /// Only those with this status: `queued`, `running`, `waiting`, `delivered`, `failed` or
    /// `cancelled`
    #[arg(long, value_name = "STATUS")]
    status: Option<String>,
    /// Only those of this run
    #[arg(long, value_name = "ID")]
    run: Option<String>,
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    hub: HubArgs,
}

/// One delivery
#[derive(Args)]
struct One {
    /// Its id
    id: String,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    hub: HubArgs,
}

const COLUMNS: Columns = &[
    ("DELIVERY", "/delivery_id"),
    ("CONNECTOR", "/connector"),
    ("RUN", "/run_id"),
    ("STATUS", "/status"),
    ("ATTEMPT", "/attempt"),
    ("CREATED", "/created_at"),
    ("ENDED", "/ended_at"),
    ("ERROR", "/error/code"),
];

pub(crate) fn run(args: &DeliveriesArgs) -> anyhow::Result<ExitCode> {
    match &args.verb {
        Verb::List(list) => {
            let listing = Listing {
                path: "/v1/deliveries",
                filters: &[
                    ("connector", list.connector.as_deref()),
                    ("status", list.status.as_deref()),
                    ("run", list.run.as_deref()),
                ],
                columns: COLUMNS,
            };
            resource::list(&list.hub, &listing, &list.page, &list.output)
        }
        Verb::Show(one) => {
            let tables: &[(&str, Columns)] = &[("attempts", ATTEMPTS)];
            resource::show(&one.hub, ("deliveries", &one.id), tables, &one.output)
        }
        Verb::Redrive(one) => {
            resource::act(&one.hub, ("deliveries", &one.id), "redrive", &one.output)
        }
    }
}
