//! `tieline deliveries`.

use std::process::ExitCode;

use clap::{ArgGroup, Args, Subcommand};
use serde_json::Value;

use super::resource::{self, ATTEMPTS, Act, Columns, Listing, fields};
use crate::cli::{HubArgs, OutputArgs, PageArgs, RangeArgs};

/// List what was carried outside, show one delivery, or try some again
///
/// A delivery is the result of one run on its way through one outbound connector. It is tried for
/// about three days before it has failed.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Examples:
  tieline deliveries list --status failed
  tieline deliveries redrive 01900000-0000-7000-8000-000000000000
  tieline deliveries redrive --connector results --since 1d --dry-run"
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
    /// Try deliveries again now, with all their attempts before them
    ///
    /// Name them by their ids, or say which ones: those of them that have failed are redriven.
    #[command(group(ArgGroup::new("meant").required(true).multiple(true).args(MEANT)))]
    Redrive(Redrive),
}

/// What says which deliveries are meant, so that nobody redrives everything by leaving it out.
const MEANT: [&str; 7] = ["ids", "connector", "status", "run", "since", "until", "all"];

/// Which deliveries
#[derive(Args)]
struct List {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    hub: HubArgs,
}

/// What narrows deliveries
#[derive(Args)]
struct Which {
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
    range: RangeArgs,
}

impl Which {
    fn filters(&self) -> [(&str, Option<&str>); 5] {
        [
            ("connector", self.connector.as_deref()),
            ("status", self.status.as_deref()),
            ("run", self.run.as_deref()),
            ("since", self.range.since.as_deref()),
            ("until", self.range.until.as_deref()),
        ]
    }
}

/// Which deliveries to redrive
#[derive(Args)]
struct Redrive {
    /// Their ids; left out, those that the options below take
    #[arg(value_name = "ID", conflicts_with_all = ["connector", "status", "run", "since", "until", "all", "dry_run"])]
    ids: Vec<String>,
    #[command(flatten)]
    which: Which,
    /// All deliveries that have failed
    #[arg(long)]
    all: bool,
    /// Only count them
    #[arg(long)]
    dry_run: bool,
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
                filters: &list.which.filters(),
                columns: COLUMNS,
            };
            resource::list(&list.hub, &listing, &list.page, &list.output)
        }
        Verb::Show(one) => {
            let tables: &[(&str, Columns)] = &[("attempts", ATTEMPTS)];
            resource::show(&one.hub, ("deliveries", &one.id), tables, &one.output)
        }
        Verb::Redrive(redrive) => redrive.act(),
    }
}

impl Redrive {
    fn act(&self) -> anyhow::Result<ExitCode> {
        let act = |body| Act {
            kind: "deliveries",
            verb: "redrive",
            body,
        };
        if !self.ids.is_empty() {
            return act(None).on_each(&self.hub, &self.ids, COLUMNS, &self.output);
        }
        let mut body = fields(&self.which.filters());
        body.insert("all".to_owned(), self.all.into());
        body.insert("dry_run".to_owned(), self.dry_run.into());
        act(Some(Value::Object(body))).on_many(&self.hub, &self.output)
    }
}
