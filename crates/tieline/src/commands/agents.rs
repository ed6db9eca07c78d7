//! `tieline agents`.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::resource::{self, Columns, Listing};
use crate::cli::{HubArgs, OutputArgs, PageArgs};

/// List agents, show one, pause or resume it
///
/// A paused agent starts no runs. Events still come in, and its runs wait in the queue.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct AgentsArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// List all agents
    List {
        #[command(flatten)]
        page: PageArgs,
        #[command(flatten)]
        output: OutputArgs,
        #[command(flatten)]
        hub: HubArgs,
    },
    /// Show one agent with its settings, without its secrets
    Show(One),
    /// Start no more of its runs; those in hand go on
    Pause(One),
    /// Start its runs again
    Resume(One),
}

/// One agent
#[derive(Args)]
struct One {
    /// Its name
    name: String,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    hub: HubArgs,
}

const COLUMNS: Columns = &[
    ("NAME", "/name"),
    ("RUNTIME", "/runtime"),
    ("CONCURRENCY", "/concurrency"),
    ("TIMEOUT", "/timeout"),
    ("MANAGED BY", "/managed_by"),
    ("PAUSED", "/paused"),
    ("BREAKER", "/breaker/state"),
];

pub(crate) fn run(args: &AgentsArgs) -> anyhow::Result<ExitCode> {
    match &args.verb {
        Verb::List { page, hub, output } => {
            let listing = Listing {
                path: "/v1/agents",
                filters: &[],
                columns: COLUMNS,
            };
            resource::list(hub, &listing, page, output)
        }
        Verb::Show(one) => resource::show(&one.hub, ("agents", &one.name), &[], &one.output),
        Verb::Pause(one) => resource::act(&one.hub, ("agents", &one.name), "pause", &one.output),
        Verb::Resume(one) => resource::act(&one.hub, ("agents", &one.name), "resume", &one.output),
    }
}
