//! `tieline connectors`.

use std::io::{self, Read as _};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use tieline_contract::settings::one_of;
use tieline_model::quantity::Span;
use tieline_model::{Mode, Secret};

use super::resource::{self, Act, Columns, Listing};
use crate::cli::{HubArgs, OutputArgs, PageArgs};
use crate::config::TYPES;
use crate::output;

/// List connectors, show one, pause or resume it, rotate its secret, or begin a new one
#[derive(Args)]
#[command(after_help = "Examples:
  tieline connectors new webhook > tieline.yaml
  tieline connectors new webhook --mode outbound
  tieline connectors pause orders
  tieline connectors rotate-secret orders --overlap 2h
  tieline connectors rotate-secret github --from-stdin < secret.txt")]
pub(crate) struct ConnectorsArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// List all connectors
    List {
        #[command(flatten)]
        page: PageArgs,
        #[command(flatten)]
        output: OutputArgs,
        #[command(flatten)]
        hub: HubArgs,
    },
    /// Show one connector with its links and settings, without its secrets
    Show(One),
    /// Print a commented configuration with a connector of a type, ready to be filled in
    ///
    /// Works offline. `tieline types` lists the types.
    New {
        /// What it speaks: `webhook`
        #[arg(value_name = "TYPE")]
        kind: String,
        /// The direction in which it works; left out, the first that the type offers
        #[arg(long, value_enum)]
        mode: Option<Direction>,
    },
    /// Refuse what comes in, or hold what goes out, until it is resumed
    Pause(One),
    /// Take it into service again
    Resume(One),
    /// Generate a new secret, or take one, and let the old one go on for a while
    ///
    /// What is generated is shown this once. Give it to the sender before the overlap is over.
    /// Where the sender issues the secret, write that one to standard input.
    RotateSecret(RotateSecret),
}

/// Which secret to rotate
#[derive(Args)]
struct RotateSecret {
    /// The connector's name
    name: String,
    /// How long the old secret is good for; `0s` refuses it at once
    #[arg(long, value_name = "DURATION", default_value = "24h")]
    overlap: Span,
    /// Take the new secret from standard input, without the end of its line
    #[arg(long)]
    from_stdin: bool,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    hub: HubArgs,
}

/// One connector
#[derive(Args)]
struct One {
    /// Its name
    name: String,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    hub: HubArgs,
}

/// The direction in which a connector works.
#[derive(Clone, Copy, ValueEnum)]
enum Direction {
    /// Takes events and answers at once; agents work afterwards
    Inbound,
    /// Answers each request with the agent's result
    Sync,
    /// Delivers results outside
    Outbound,
}

impl From<Direction> for Mode {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::Inbound => Self::Inbound,
            Direction::Sync => Self::Sync,
            Direction::Outbound => Self::Outbound,
        }
    }
}

const COLUMNS: Columns = &[
    ("NAME", "/name"),
    ("TYPE", "/type"),
    ("MODE", "/mode"),
    ("AGENTS", "/agents"),
    ("MANAGED BY", "/managed_by"),
    ("PAUSED", "/paused"),
    ("BREAKER", "/breaker/state"),
    ("OPEN", "/open"),
];

const LINKS: Columns = &[
    ("AGENT", "/agent"),
    ("WHEN", "/when"),
    ("SESSION", "/session"),
    ("ON ERROR", "/on_error"),
    ("POLICY", "/policy"),
    ("PRIORITY", "/priority"),
];

pub(crate) fn run(args: &ConnectorsArgs) -> anyhow::Result<ExitCode> {
    match &args.verb {
        Verb::List { page, hub, output } => {
            let listing = Listing {
                path: "/v1/connectors",
                filters: &[],
                columns: COLUMNS,
            };
            resource::list(hub, &listing, page, output)
        }
        Verb::Show(one) => {
            let tables: &[(&str, Columns)] = &[("agents", LINKS)];
            resource::show(&one.hub, ("connectors", &one.name), tables, &one.output)
        }
        Verb::New { kind, mode } => new(kind, mode.map(Mode::from)),
        Verb::Pause(one) => one.act("pause"),
        Verb::Resume(one) => one.act("resume"),
        Verb::RotateSecret(rotate) => rotate.act(),
    }
}

impl One {
    fn act(&self, verb: &str) -> anyhow::Result<ExitCode> {
        resource::act(&self.hub, ("connectors", &self.name), verb, &self.output)
    }
}

impl RotateSecret {
    fn act(&self) -> anyhow::Result<ExitCode> {
        let given = self.from_stdin.then(issued).transpose()?;
        let secret = given.as_ref().map(Secret::expose);
        let act = Act {
            kind: "connectors",
            verb: "rotate-secret",
            body: Some(json!({ "overlap": self.overlap, "secret": secret })),
        };
        act.on_one(&self.hub, &self.name, &[], &self.output)
    }
}

/// What stands on standard input. Arguments are seen by everybody on the machine, and kept by the
/// shell.
fn issued() -> anyhow::Result<Secret> {
    const MOST: u64 = 4096;
    let mut text = String::new();
    let read = io::stdin().lock().take(MOST).read_to_string(&mut text);
    read.context("failed to read standard input")?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    Secret::for_callers(line).context("what stands on standard input cannot be used")
}

fn new(kind: &str, mode: Option<Mode>) -> anyhow::Result<ExitCode> {
    let Some(found) = TYPES.connector(kind) else {
        let names: Vec<&str> = TYPES.connectors.iter().map(|kind| kind.name).collect();
        bail!("there is no type `{kind}`\n  fix: {}", one_of(kind, &names));
    };
    let Some(block) = tieline_config::skeleton(&TYPES, kind, mode) else {
        let names: Vec<&str> = found.modes().into_iter().map(Mode::as_str).collect();
        bail!(
            "`{kind}` does not work in this mode\n  fix: {}",
            one_of("", &names)
        );
    };
    output::data(&block)?;
    Ok(ExitCode::SUCCESS)
}
