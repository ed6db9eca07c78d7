//! `tieline events`.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use serde_json::json;

use super::resource::{self, Act, Columns, Listing};
use crate::cli::{HubArgs, OutputArgs, PageArgs, RangeArgs};
use crate::output;

/// List what arrived, show one event with its runs, replay or erase it
#[derive(Args)]
#[command(after_help = "Examples:
  tieline events list --connector orders --since 1d
  tieline events replay 01900000-0000-7000-8000-000000000000 --agent support-v2
  tieline events erase 01900000-0000-7000-8000-000000000000")]
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
        range: RangeArgs,
        #[command(flatten)]
        page: PageArgs,
        #[command(flatten)]
        output: OutputArgs,
        #[command(flatten)]
        hub: HubArgs,
    },
    /// Show one event with its runs
    Show(One),
    /// Give it to the agents again that are linked now, as if it came now
    Replay {
        /// Give it to this agent alone, linked or not, whatever its condition says
        #[arg(long, value_name = "NAME")]
        agent: Option<String>,
        #[command(flatten)]
        one: One,
    },
    /// Erase what it, its runs and its deliveries carry, for ever
    ///
    /// Inputs, outputs, bodies and files go; who, when and how it ended stay. Only where all of it
    /// has ended. Copies made by `tieline backup` keep what they have.
    Erase {
        /// Do not ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        one: One,
    },
}

/// One event
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
            range,
            page,
            hub,
            output,
        } => {
            let listing = Listing {
                path: "/v1/events",
                filters: &[
                    ("connector", connector.as_deref()),
                    ("since", range.since.as_deref()),
                    ("until", range.until.as_deref()),
                ],
                columns: COLUMNS,
            };
            resource::list(hub, &listing, page, output)
        }
        Verb::Show(one) => resource::show(
            &one.hub,
            ("events", &one.id),
            &[("runs", RUNS)],
            &one.output,
        ),
        Verb::Replay { agent, one } => {
            let act = Act {
                kind: "events",
                verb: "replay",
                body: agent.as_ref().map(|agent| json!({ "agent": agent })),
            };
            act.on_one(&one.hub, &one.id, &[], &one.output)
        }
        Verb::Erase { yes, one } => {
            if !yes && !agreed(&one.id)? {
                bail!("nothing was erased");
            }
            let act = Act {
                kind: "events",
                verb: "erase",
                body: None,
            };
            act.on_one(&one.hub, &one.id, &[("runs", RUNS)], &one.output)
        }
    }
}

/// Asks whoever sits there.
fn agreed(id: &str) -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() || !output::has_reader() {
        bail!(
            "erasing cannot be undone, and there is nobody to ask\n  \
             fix: add `--yes`"
        );
    }
    let id = output::plain(id);
    let question = format!("Erase what event {id}, its runs and its deliveries carry? [y/N] ");
    let mut answer = String::new();
    io::stderr()
        .lock()
        .write_all(question.as_bytes())
        .and_then(|()| io::stdin().read_line(&mut answer))
        .context("failed to ask")?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}
