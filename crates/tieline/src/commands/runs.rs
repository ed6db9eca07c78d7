//! `tieline runs`.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::resource::{self, ATTEMPTS, Columns, Listing};
use crate::cli::{HubArgs, OutputArgs, PageArgs};

/// List what agents did, show one run, cancel, replay or release it
///
/// A run is one agent handling one event. It is `queued`, `running` or `waiting`, and then
/// `completed`, `failed` or `cancelled`.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Examples:
  tieline runs list --status failed
  tieline runs show 01900000-0000-7000-8000-000000000000 --output json
  tieline runs replay 01900000-0000-7000-8000-000000000000"
)]
pub(crate) struct RunsArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// List runs, the newest first
    List(List),
    /// Show one run with its output and its attempts
    Show(One),
    /// End a run that has not ended
    Cancel(One),
    /// Give the same event to the same agent once more, as a new run
    Replay(One),
    /// Let a run go on that is held
    ///
    /// A run is held where the condition or the session expression of its link fails.
    Release(One),
}

/// Which runs
#[derive(Args)]
struct List {
    /// Only those of this agent
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
    /// Only those with this status: `queued`, `running`, `waiting`, `completed`, `failed` or
    /// `cancelled`
    #[arg(long, value_name = "STATUS")]
    status: Option<String>,
    /// Only those of this event
    #[arg(long, value_name = "ID")]
    event: Option<String>,
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    hub: HubArgs,
}

/// One run
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
    ("RUN", "/run_id"),
    ("AGENT", "/agent_name"),
    ("STATUS", "/status"),
    ("REASON", "/reason"),
    ("ATTEMPT", "/attempt"),
    ("QUEUED", "/queued_at"),
    ("ENDED", "/ended_at"),
    ("ERROR", "/error/code"),
];

pub(crate) fn run(args: &RunsArgs) -> anyhow::Result<ExitCode> {
    match &args.verb {
        Verb::List(list) => {
            let listing = Listing {
                path: "/v1/runs",
                filters: &[
                    ("agent", list.agent.as_deref()),
                    ("status", list.status.as_deref()),
                    ("event", list.event.as_deref()),
                ],
                columns: COLUMNS,
            };
            resource::list(&list.hub, &listing, &list.page, &list.output)
        }
        Verb::Show(one) => {
            let tables: &[(&str, Columns)] = &[("attempts", ATTEMPTS)];
            resource::show(&one.hub, ("runs", &one.id), tables, &one.output)
        }
        Verb::Cancel(one) => one.act("cancel"),
        Verb::Replay(one) => one.act("replay"),
        Verb::Release(one) => one.act("release"),
    }
}

impl One {
    fn act(&self, verb: &str) -> anyhow::Result<ExitCode> {
        resource::act(&self.hub, ("runs", &self.id), verb, &self.output)
    }
}
