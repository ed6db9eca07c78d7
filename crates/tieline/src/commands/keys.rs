//! `tieline keys`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tieline_model::quantity::Span;

use super::resource::{self, Columns, Listing};
use crate::cli::{Format, HubArgs, OutputArgs, PageArgs};
use crate::client::{HubClient, block_on, percent_encoded, segment};
use crate::output;

/// Make API keys, list them, and revoke them
///
/// A key opens what its scopes say, in one project: `read` sees everything but secrets, `trigger`
/// sends events, `operate` cancels, replays and pauses, `admin` does everything, `worker` is for
/// workers.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Examples:
  tieline keys create ci --scope read --scope trigger --expires-in 90d
  tieline keys create acme-admin --scope admin --project acme
  tieline keys revoke ci"
)]
pub(crate) struct KeysArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Make a key; it is shown this once
    Create(Create),
    /// List keys, without the keys themselves
    List(List),
    /// Revoke a key: it is refused from the next request on
    Revoke(Revoke),
}

/// The key that is wanted
#[derive(Args)]
struct Create {
    /// What people call it
    name: String,
    /// What it allows: `read`, `trigger`, `operate`, `admin` or `worker`; may be given again
    #[arg(
        long = "scope",
        value_name = "SCOPE",
        required = true,
        value_delimiter = ','
    )]
    scopes: Vec<String>,
    /// How long it is good for, such as `90d`; left out, until it is revoked
    #[arg(long, value_name = "DURATION")]
    expires_in: Option<Span>,
    #[command(flatten)]
    project: Project,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    hub: HubArgs,
}

/// Which keys
#[derive(Args)]
struct List {
    #[command(flatten)]
    project: Project,
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    hub: HubArgs,
}

/// Which key to revoke
#[derive(Args)]
struct Revoke {
    /// Its name
    name: String,
    #[command(flatten)]
    project: Project,
    #[command(flatten)]
    hub: HubArgs,
}

/// Whose keys
#[derive(Args)]
struct Project {
    /// Another project than the one of the key in use, for keys of `default` alone; `create` makes
    /// it where it is not there yet
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
}

const COLUMNS: Columns = &[
    ("NAME", "/name"),
    ("PROJECT", "/project"),
    ("SCOPES", "/scopes"),
    ("HINT", "/hint"),
    ("CREATED", "/created_at"),
    ("EXPIRES", "/expires_at"),
    ("LAST USED", "/last_used_at"),
    ("EXPIRED", "/expired"),
];

pub(crate) fn run(args: &KeysArgs) -> anyhow::Result<ExitCode> {
    match &args.verb {
        Verb::Create(create) => create.act(),
        Verb::List(list) => {
            let listing = Listing {
                path: "/v1/keys",
                filters: &[("project", list.project.project.as_deref())],
                columns: COLUMNS,
            };
            resource::list(&list.hub, &listing, &list.page, &list.output)
        }
        Verb::Revoke(revoke) => revoke.act(),
    }
}

impl Create {
    fn act(&self) -> anyhow::Result<ExitCode> {
        let client = HubClient::new(&self.hub)?;
        let body = json!({
            "name": self.name,
            "scopes": self.scopes,
            "project": self.project.project,
            "expires_in": self.expires_in,
        });
        let made = block_on(client.post("/v1/keys", Some(&body)))?;
        if self.output.output == Format::Json {
            output::json(&made)?;
            return Ok(ExitCode::SUCCESS);
        }
        // The key alone on standard output, so that it can be put where it is needed.
        let key = made.get("key").and_then(Value::as_str).unwrap_or_default();
        output::note(&format!("key `{}`, shown this once:", self.name));
        output::data(key)?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Revoke {
    fn act(&self) -> anyhow::Result<ExitCode> {
        let client = HubClient::new(&self.hub)?;
        let mut path = format!("/v1/keys/{}", segment(&self.name)?);
        if let Some(project) = &self.project.project {
            path.extend(["?project=", &percent_encoded(project)]);
        }
        block_on(client.delete(&path))?;
        output::note(&format!("key `{}` was revoked", self.name));
        Ok(ExitCode::SUCCESS)
    }
}
