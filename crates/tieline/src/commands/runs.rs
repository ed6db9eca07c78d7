//! `tieline runs`.

use std::process::ExitCode;

use clap::{ArgGroup, Args, Subcommand};
use serde_json::{Value, json};

use super::resource::{self, ATTEMPTS, Act, Columns, Listing, fields};
use crate::cli::{HubArgs, OutputArgs, PageArgs, RangeArgs};

/// List what agents did, show one run, cancel, replay or release some
///
/// A run is one agent handling one event. It is `queued`, `running` or `waiting`, and then
/// `completed`, `failed` or `cancelled`.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Examples:
  tieline runs list --status failed --since 2h
  tieline runs show 01900000-0000-7000-8000-000000000000 --output json
  tieline runs replay 01900000-0000-7000-8000-000000000000
  tieline runs replay --agent support --status failed --since 2h --dry-run"
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
    /// End runs that have not ended
    Cancel(Several),
    /// Give the same events to the same agents once more, or to another, as new runs
    ///
    /// Name runs by their ids, or say which ones: those of them that have ended are replayed. The
    /// originals stay as they are.
    #[command(group(ArgGroup::new("meant").required(true).multiple(true).args(MEANT)))]
    Replay(Replay),
    /// Let runs go on that are held or paused
    ///
    /// A run is held where the condition or the session expression of its link fails, and paused
    /// where its attempts are used up and its agent says `exhausted: pause`.
    Release(Several),
}

/// What says which runs are meant, so that nobody replays everything by leaving it out.
const MEANT: [&str; 9] = [
    "ids",
    "agent",
    "connector",
    "status",
    "event",
    "dead_letter",
    "since",
    "until",
    "all",
];

/// Which runs
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

/// What narrows runs
#[derive(Args)]
struct Which {
    /// Only those of this agent
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
    /// Only those whose event came in by this connector
    #[arg(long, value_name = "NAME")]
    connector: Option<String>,
    /// Only those with this status: `queued`, `running`, `waiting`, `completed`, `failed` or
    /// `cancelled`
    #[arg(long, value_name = "STATUS")]
    status: Option<String>,
    /// Only those of this event
    #[arg(long, value_name = "ID")]
    event: Option<String>,
    /// Only those whose attempts were used up; with `=false`, only the others
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true"
    )]
    dead_letter: Option<bool>,
    #[command(flatten)]
    range: RangeArgs,
}

impl Which {
    fn filters(&self) -> [(&str, Option<&str>); 7] {
        let dead_letter = self.dead_letter.map(|so| if so { "true" } else { "false" });
        [
            ("agent", self.agent.as_deref()),
            ("connector", self.connector.as_deref()),
            ("status", self.status.as_deref()),
            ("event", self.event.as_deref()),
            ("since", self.range.since.as_deref()),
            ("until", self.range.until.as_deref()),
            ("dead_letter", dead_letter),
        ]
    }
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

/// One run or several
#[derive(Args)]
struct Several {
    /// Their ids
    #[arg(value_name = "ID", required = true)]
    ids: Vec<String>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    hub: HubArgs,
}

/// Which runs to replay, and how
#[derive(Args)]
struct Replay {
    /// Their ids; left out, those that the options below take
    #[arg(value_name = "ID", conflicts_with_all = ["agent", "connector", "status", "event", "dead_letter", "since", "until", "all", "dry_run"])]
    ids: Vec<String>,
    #[command(flatten)]
    which: Which,
    /// The agent that shall run them, in place of the one of each
    #[arg(long, value_name = "AGENT")]
    to: Option<String>,
    /// All runs that have ended
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
                filters: &list.which.filters(),
                columns: COLUMNS,
            };
            resource::list(&list.hub, &listing, &list.page, &list.output)
        }
        Verb::Show(one) => {
            let tables: &[(&str, Columns)] = &[("attempts", ATTEMPTS)];
            resource::show(&one.hub, ("runs", &one.id), tables, &one.output)
        }
        Verb::Cancel(several) => several.act("cancel"),
        Verb::Replay(replay) => replay.act(),
        Verb::Release(several) => several.act("release"),
    }
}

impl Several {
    fn act(&self, verb: &str) -> anyhow::Result<ExitCode> {
        let act = Act {
            kind: "runs",
            verb,
            body: None,
        };
        act.on_each(&self.hub, &self.ids, COLUMNS, &self.output)
    }
}

impl Replay {
    fn act(&self) -> anyhow::Result<ExitCode> {
        let act = |body| Act {
            kind: "runs",
            verb: "replay",
            body,
        };
        if self.ids.is_empty() {
            return act(Some(self.body())).on_many(&self.hub, &self.output);
        }
        let to = self.to.as_ref().map(|to| json!({ "to": to }));
        act(to).on_each(&self.hub, &self.ids, COLUMNS, &self.output)
    }

    fn body(&self) -> Value {
        let mut body = fields(&self.which.filters());
        let mut set = |name: &str, value: Value| body.insert(name.to_owned(), value);
        if let Some(dead_letter) = self.which.dead_letter {
            set("dead_letter", dead_letter.into());
        }
        if let Some(to) = &self.to {
            set("to", to.as_str().into());
        }
        set("all", self.all.into());
        set("dry_run", self.dry_run.into());
        Value::Object(body)
    }
}
